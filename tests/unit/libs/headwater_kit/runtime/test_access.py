"""Who is let in: the whole matrix, over one service of all methods; and that it sees a door that stands open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from headwater_kit.auth import signed
from headwater_kit.bus.credentials import CredentialRecords
from headwater_kit.rpc import doorkeeper
from headwater_kit.testing.authorization import matrix


async def test_nobody_comes_in_who_must_not_and_everybody_who_may(tmp_path: Path) -> None:
    async with matrix(tmp_path) as every_case:
        report = await every_case.run()
    assert report.leaks == []
    assert report.wrongly_refused == []
    assert report.wrong_reasons == []
    assert report.methods >= 25
    assert report.refused > 30 * report.methods


_DECODE = jwt.decode


def _unverified(token: str, *_: Any, **__: Any) -> Any:
    return _DECODE(token, options={"verify_signature": False})


@pytest.mark.parametrize(
    ("owner", "name", "open_door", "leak"),
    [
        (doorkeeper, "may", lambda *_: True, "lower role by key"),
        (CredentialRecords, "is_suspended", lambda *_: False, "suspended tenant carried"),
        (signed.jwt, "decode", _unverified, "altered carried token"),
    ],
)
async def test_a_door_that_stands_open_is_seen(
    owner: Any, name: str, open_door: Callable[..., Any], leak: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, open_door)
    async with matrix(tmp_path) as every_case:
        report = await every_case.run()
    assert [place for place in report.leaks if place.endswith(f": {leak}")]
