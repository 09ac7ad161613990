import pytest
from headwater_kit.codec.origins import origin_from_header, origin_to_header
from headwater_kit.core.documents import Origin, Position
from headwater_kit.core.errors import InvalidInput

ORIGIN = Origin("documents.v1", Position(3, 17), 12.345)


def test_an_origin_survives_its_header() -> None:
    assert origin_to_header(ORIGIN) == b"documents.v1/3/17/12345"
    assert origin_from_header(origin_to_header(ORIGIN)) == ORIGIN


@pytest.mark.parametrize(
    "value",
    [b"", b"documents.v1/3/17", b"documents.v1/3/17/1/2", b"a/-1/0/0", b"a/0/0/1.5", b"a b/0/0/0", b"a/0/0/0\n"],
)
def test_a_foreign_header_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        origin_from_header(value)
    assert refused.value.reason == "INVALID_ORIGIN"


def test_the_longest_numbers_fit_where_they_go() -> None:
    origin = origin_from_header(b"a/999999999/" + b"9" * 18 + b"/" + b"9" * 18)
    assert origin.position.offset < 2**63
