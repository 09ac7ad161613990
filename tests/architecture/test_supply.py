"""What comes in from outside, and what must not go out."""

import re
from pathlib import Path

import pytest
from architecture.house import ROOT, shown, tracked
from architecture.licences import ALLOWED, EXCEPTIONS, licences, locked, parts

# A pattern may not match the line that declares it, so each is written in two parts.
SECRETS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIV" + r"ATE KEY-----",
    "an AWS key": r"\bAK" + r"IA[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[oprsu]_" + r"[A-Za-z0-9]{36}",
    "a Slack token": r"\bxox[abprs]" + r"-[A-Za-z0-9-]{10,}",
    "a Google key": r"\bAIza" + r"[0-9A-Za-z_-]{35}\b",
    "a key of a language model": r"\bsk-(?:ant-|proj-)?" + r"[A-Za-z0-9_-]{32,}",
    "an API key of Headwater": r"\bhwk_" + r"[A-Za-z0-9]+_[A-Za-z0-9_-]{40,}",
    "a signed token": r"\beyJ" + r"[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    "a password in an address": r"\b[a-z]+://[^\s/:@{}<>\"'$]+:[^\s/@{}<>\"'$]+"
    + r"@(?![\w.-]*example|host|127\.)[\w.-]+",
}
FILES = [path for path in tracked() if path.suffix not in {".binpb", ".lock"} and path.name != "lock.txt"]


def test_every_package_is_locked_with_its_hashes() -> None:
    lock = (ROOT / "requirements/lock.txt").read_text()
    entries = re.split(r"^(?=[a-z0-9._-]+==)", lock, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_licence_is_one_that_may_be_used() -> None:
    others = {name: found for name, found in licences().items() if not found or not parts(found) <= ALLOWED}
    assert {name: found for name, found in others.items() if name not in EXCEPTIONS} == {}
    assert set(EXCEPTIONS) <= set(others)


def test_the_page_lists_every_package() -> None:
    page = (ROOT / "docs/licences.md").read_text()
    listed = set(re.findall(r"[a-z0-9._-]+", page))
    assert sorted(set(licences()) - listed) == [], "run `make docs`"


@pytest.mark.parametrize("what", SECRETS)
def test_no_secret_is_in_the_repository(what: str) -> None:
    pattern = re.compile(SECRETS[what])
    assert [place for path in FILES for place in found(path, pattern)] == []


def found(path: Path, pattern: re.Pattern[str]) -> list[str]:
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        return []
    return [f"{shown(path)}:{number}" for number, line in enumerate(lines, start=1) if pattern.search(line)]


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a private key", "-----BEGIN EC PRIV" + "ATE KEY-----"),
        ("an AWS key", "AK" + "IA" + "A" * 16),
        ("a GitHub token", "gh" + "p_" + "a" * 36),
        ("a signed token", "ey" + "J" + "a" * 12 + ".ey" + "J" + "b" * 12 + "." + "c" * 24),
        ("a password in an address", "postgres" + "://me:hunter2" + "@db.internal"),
    ],
)
def test_the_scan_finds_what_it_looks_for(what: str, text: str) -> None:
    assert re.search(SECRETS[what], text)
