"""`headwater dead-letters`, from the command line to a broker in this process."""

import re
from functools import partial
from pathlib import Path

import pytest
from headwater_cli.commands.letter_display import preview
from headwater_kit.bus.dead_letters import Rejection, to_dead_letter
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS, dead_letter
from headwater_kit.core.documents import DocumentKey, part_key
from headwater_kit.core.errors import InvalidInput
from unit.libs.headwater_cli.conftest import Verb

LETTERS = dead_letter(DOCUMENTS.name, "ingest")
# What a producer wrote may stand in an error.
ERROR = "far too large a body \x1b[31m"


@pytest.fixture
def verb(command: Verb, bus: MemoryBus, monkeypatch: pytest.MonkeyPatch) -> Verb:
    monkeypatch.setenv("COLUMNS", "140")
    return partial(command, "dead-letters")


def put_aside(bus: MemoryBus, key: bytes | None, value: bytes | None, topic: str = DOCUMENTS.name) -> str:
    group = "ingest" if topic == DOCUMENTS.name else "embed"
    record = Record(topic, 0, 7, key, value, {"content-type": b"text/\x1b[31m"}, 12.5)
    rejection = Rejection(InvalidInput(ERROR, reason="TOO_LARGE"), 3, "ab" * 16)
    ack = bus.broker.append(to_dead_letter(record, group, rejection))
    return f"{ack.topic}/{ack.partition}/{ack.offset}"


def test_nothing_put_aside_is_said_and_no_failure(bus: MemoryBus, verb: Verb) -> None:
    assert (verb("list").code, verb("list").out) == (0, "no dead letters\n")
    assert verb("list", "--reason", "POISON").out == "no dead letter matches\n"
    redriven = verb("redrive")
    assert (redriven.code, redriven.out) == (0, "nothing to do: no open dead letter matches\n")


def test_a_list_tells_why_and_where_and_what_next(bus: MemoryBus, verb: Verb, tmp_path: Path) -> None:
    place = put_aside(bus, DocumentKey("acme", "fruit").to_bytes(), b"v")
    put_aside(bus, part_key(DocumentKey("default", "tree"), 2), b"v", CHUNKS.name)
    printed = verb("list")
    assert printed.code == 0
    for shown in (place, "acme: fruit", "tree #2", "TOO_LARGE", "far too large a body", "2 in all"):
        assert shown in printed.out
    assert f"headwater --data-dir {tmp_path}/data dead-letters redrive" in printed.out
    assert "\x1b[31m" not in printed.out


def test_a_list_for_machines_is_whole(bus: MemoryBus, verb: Verb) -> None:
    for number in range(3):
        put_aside(bus, b"k%d" % number, b"v")
    listed = verb("list", "--limit", "2", "--json").json
    assert (listed["total"], listed["reasons"], len(listed["letters"])) == (3, {"TOO_LARGE": 3}, 2)
    assert listed["letters"][0] | {"place": "", "time": "", "document_id": "", "key": "", "service_version": ""} == {
        "place": "",
        "time": "",
        "topic": "documents.v1",
        "group": "ingest",
        "key": "",
        "tenant": "default",
        "document_id": "",
        "reason": "TOO_LARGE",
        "error": ERROR,
        "attempts": 3,
        "source": "documents.v1/0/7",
        "size_bytes": 1,
        "service_version": "",
        "trace_id": "ab" * 16,
        "redrives": 0,
        "closed": False,
    }


def test_show_gives_headers_and_value_and_no_escape_sequence(bus: MemoryBus, verb: Verb) -> None:
    place = put_aside(bus, b"fruit", b"Pears\x1b[31m are [green].\n")
    printed = verb("show", place)
    assert printed.code == 0
    for shown in ("TOO_LARGE", "ab" * 16, "content-type", "are [green].", "documents.v1/0/7"):
        assert shown in printed.out
    assert "\x1b[31m" not in printed.out
    assert verb("show", place, "--json").json["value_base64"] == "UGVhcnMbWzMxbSBhcmUgW2dyZWVuXS4K"


@pytest.mark.parametrize(
    ("place", "said"),
    [("nonsense", "topic/partition/offset"), (f"{LETTERS}/0/99", "expired"), ("documents.v1/0/0", "dead-letters list")],
)
def test_show_of_what_is_not_there_says_what_to_do(bus: MemoryBus, verb: Verb, place: str, said: str) -> None:
    printed = verb("show", place)
    assert printed.code == 1
    assert printed.err.count("\n") == 1
    assert said in printed.err


def test_a_redrive_is_shown_first_then_done_then_over(bus: MemoryBus, verb: Verb) -> None:
    put_aside(bus, b"fruit", b"v")
    assert "1 would be sent" in verb("redrive", "--dry-run").out
    assert bus.broker.records(DOCUMENTS.name) == []
    redriven = verb("redrive", "--key", "fruit").out
    assert redriven.startswith("1 redriven\nput aside again? headwater")
    assert redriven.endswith("dead-letters list\n")
    assert [record.value for record in bus.broker.records(DOCUMENTS.name)] == [b"v"]
    assert verb("redrive", "--json").json == {"redriven": 0, "superseded": 0, "failed": []}
    assert verb("list").out == "no dead letters\n"
    assert "fruit  closed" in verb("list", "--all").out


def test_what_is_moot_is_closed_unsent(bus: MemoryBus, verb: Verb) -> None:
    put_aside(bus, b"fruit", b"v")
    put_aside(bus, b"tree", b"w")
    assert "1 would be" in verb("discard", "--key", "fruit", "--dry-run").out
    assert verb("discard", "--key", "fruit").out == "1 discarded\n"
    assert bus.broker.records(DOCUMENTS.name) == []
    assert [letter["document_id"] for letter in verb("list", "--json").json["letters"]] == ["tree"]
    assert "fruit  closed" in verb("list", "--all").out
    assert verb("redrive", "--json").json["redriven"] == 1
    assert verb("discard", "--key", "fruit", "--json").json == {"discarded": 0}


def test_nothing_is_discarded_that_was_not_named(bus: MemoryBus, verb: Verb) -> None:
    put_aside(bus, b"fruit", b"v")
    refused = verb("discard")
    assert (refused.code, "say which" in refused.err) == (1, True)
    assert verb("list", "--json").json["total"] == 1


def test_a_redrive_of_places_sends_these_alone(bus: MemoryBus, verb: Verb) -> None:
    places = [put_aside(bus, b"k%d" % number, b"v%d" % number) for number in range(3)]
    assert "2 would be sent" in verb("redrive", places[0], places[2], "--dry-run").out
    assert verb("redrive", places[0], places[2], "--json").json["redriven"] == 2
    assert sorted(record.value or b"" for record in bus.broker.records(DOCUMENTS.name)) == [b"v0", b"v2"]
    again = verb("redrive", places[0])
    assert again.code == 1
    assert f"no open dead letter that matches lies at {places[0]}" in again.err


@pytest.mark.parametrize(("place", "said"), [("nonsense", "topic/partition/offset"), ("models.v1/0/0", "list")])
def test_a_redrive_of_no_place_says_what_to_do(bus: MemoryBus, verb: Verb, place: str, said: str) -> None:
    printed = verb("redrive", place)
    assert printed.code == 1
    assert said in printed.err


def test_long_keys_are_cut_and_missing_ones_told_from_blank_ones(bus: MemoryBus, verb: Verb) -> None:
    long = put_aside(bus, b"k" * 200, b"v")
    put_aside(bus, None, b"v")
    blank = put_aside(bus, b"", b"v")
    for printed in (verb("list").out, verb("redrive", "--dry-run").out):
        assert "k" * 59 + "…\n" in printed
        assert "(no key)" in printed
        assert "(blank key of 0 bytes)" in printed
    assert verb("show", long).out.replace("\n", "").count("k") >= 200
    assert "(blank key of 0 bytes)" in verb("show", blank).out


def test_a_redrive_that_fails_says_which(bus: MemoryBus, verb: Verb) -> None:
    ack = bus.broker.append(Outbound(LETTERS, b"k", b"v"))
    printed = verb("redrive")
    assert printed.code == 1
    assert f"{ack.topic}/{ack.partition}/{ack.offset}" in printed.out
    assert "1 of 1 could not be redriven" in printed.err


def test_a_mistyped_topic_is_told(bus: MemoryBus, verb: Verb) -> None:
    printed = verb("redrive", "--topic", "document.v1")
    assert printed.code == 1
    assert "documents.v1" in printed.err


def test_without_a_platform_it_says_how_to_start_one(verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWATER_KAFKA_BOOTSTRAP", raising=False)
    printed = verb("list")
    assert printed.code == 1
    assert re.search(r"start it with `headwater .*\bup`", printed.err)


def test_a_value_is_previewed_as_text_or_in_hex() -> None:
    assert "deletion" in preview(None)
    assert preview(b"plain") == "plain"
    assert "more characters" in preview(b"x" * 3000)
    shown = preview(b"\xff\x00" + b"ab" * 200)
    assert shown.startswith("00000000  ff 00 61 62")
    assert shown.endswith("146 more bytes")
