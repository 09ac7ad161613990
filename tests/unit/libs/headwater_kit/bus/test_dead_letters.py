from headwater_kit.bus.dead_letters import MAX_ERROR_CHARACTERS, Rejection, to_dead_letter
from headwater_kit.bus.ports import Record
from headwater_kit.bus.sizes import check_size
from headwater_kit.bus.topics import GROUPS, TOPICS, dead_letter
from headwater_kit.core.errors import InvalidInput

RECORD = Record("documents.v1", 2, 7, b"\xffkey", b"\x00value", {"content-type": b"x/y", "empty": b""}, 12.5)


def test_a_dead_letter_is_the_original_and_says_what_went_wrong() -> None:
    rejection = Rejection(InvalidInput("not text", reason="INVALID_UTF8"), 2, "ab" * 16)
    letter = to_dead_letter(RECORD, "ingest", rejection)
    assert (letter.topic, letter.key, letter.value) == ("documents.v1.ingest.dead-letter", RECORD.key, RECORD.value)
    assert {name: letter.headers[name] for name in RECORD.headers} == RECORD.headers
    facts = {name.removeprefix("headwater-dead-letter-"): value for name, value in letter.headers.items()}
    assert facts["topic"] == b"documents.v1"
    assert facts["partition"] == b"2"
    assert facts["offset"] == b"7"
    assert facts["timestamp"] == b"12.500"
    assert facts["reason"] == b"INVALID_UTF8"
    assert facts["error"] == b"not text"
    assert facts["attempts"] == b"2"
    assert facts["service"] == b"ingest"
    assert facts["trace-id"] == b"ab" * 16
    assert facts["version"]


def test_a_long_error_is_cut_and_an_odd_one_is_kept() -> None:
    letter = to_dead_letter(RECORD, "ingest", Rejection(InvalidInput("\ud800" + "x" * 9999), 1))
    assert len(letter.headers["headwater-dead-letter-error"]) == MAX_ERROR_CHARACTERS


def test_the_largest_record_of_every_group_fits_its_dead_letter_topic() -> None:
    for group, topics in GROUPS.items():
        for topic in topics:
            record = Record(topic.name, 0, 0, b"k" * 2048, bytes(topic.max_message_bytes - 4096), {}, 0.0)
            letter = to_dead_letter(record, group, Rejection(InvalidInput("e" * 2000), 1))
            check_size(letter, TOPICS[dead_letter(topic.name, group)])
