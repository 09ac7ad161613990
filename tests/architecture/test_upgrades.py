"""Records of the releases before are read now, and records of now are read by the releases before."""

import re

import pytest
from architecture.golden import MESSAGES, Release, full, releases
from architecture.house import ROOT
from headwater_kit.codec.events import CODECS, decode, encode

RELEASES = releases()
KEPT = [
    pytest.param(release, name, value, id=f"{release.name} {name}")
    for release in RELEASES
    for name, value in release.records()
]


def test_every_release_was_kept() -> None:
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert RELEASES
    assert set(released) <= {release.name for release in RELEASES}, "run `make golden RELEASE=...`"


@pytest.mark.parametrize("name", MESSAGES)
def test_a_codec_loses_no_field(name: str) -> None:
    wire = full(name)
    kind = MESSAGES[name]
    assert CODECS[kind].message.FromString(encode(decode(kind, wire.SerializeToString()))) == wire


@pytest.mark.parametrize(("release", "name", "value"), KEPT)
def test_a_record_of_a_release_is_read_and_nothing_of_it_is_lost(release: Release, name: str, value: bytes) -> None:
    event = decode(MESSAGES[name], value)
    then = release.message(name)
    assert then.FromString(value).ByteSize() == len(value)
    known = then.FromString(encode(event))
    known.DiscardUnknownFields()
    assert known == then.FromString(value)


@pytest.mark.parametrize(("release", "name", "value"), KEPT)
def test_a_record_of_now_is_read_by_a_release_and_passed_on_whole(release: Release, name: str, value: bytes) -> None:
    now = full(name)
    then = release.message(name).FromString(now.SerializeToString())
    assert CODECS[MESSAGES[name]].message.FromString(then.SerializeToString()) == now
    then.DiscardUnknownFields()
    missing = {field.name for field, _ in release.message(name).FromString(value).ListFields()} - {
        field.name for field, _ in then.ListFields()
    }
    assert not missing
