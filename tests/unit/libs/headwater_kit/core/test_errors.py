"""The tree says what its docstring draws."""

import pytest
from headwater_kit.core import errors


def drawn() -> list[str]:
    lines = (errors.__doc__ or "").splitlines()
    return [line.strip("│├└─ ").split()[0] for line in lines if "──" in line]


def test_the_drawing_shows_every_error() -> None:
    kinds = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert {"HeadwaterError", *drawn()} == kinds


def test_reasons_are_upper_snake_and_distinct() -> None:
    kinds = [errors.InvalidInput, errors.NotFound, errors.Denied, errors.NotYet, errors.Misconfigured]
    kinds += [errors.Overloaded, errors.Unavailable, errors.DeadlineExceeded]
    reasons = [kind.reason for kind in kinds]
    assert len(set(reasons)) == len(reasons)
    assert all(reason == reason.upper() for reason in reasons)


@pytest.mark.parametrize("reason", [None, "TOO_LARGE"])
def test_a_given_reason_is_more_exact_than_the_class(reason: str | None) -> None:
    error = errors.InvalidInput("bad", reason=reason)
    assert error.reason == (reason or "INVALID_INPUT")
    assert error.message == str(error) == "bad"
