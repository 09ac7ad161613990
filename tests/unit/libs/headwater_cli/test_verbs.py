"""The everyday verbs, from the command line to services in this process."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from headwater_cli.commands.connect import laptop_settings
from headwater_cli.commands.ingest import wait_done
from headwater_cli.commands.listing import highlighted
from headwater_cli.files import FileDocument, Skipped, find
from headwater_cli.platform.process import Identity
from headwater_cli.platform.state import Condition, Phase, PlatformState, ProcessState
from headwater_client import format_filter
from headwater_kit.codec.cascade import cascade_from_proto
from headwater_kit.codec.filters import filter_from_proto
from headwater_kit.codec.shape import shape_from_proto
from headwater_kit.core.cascade import Cascade
from headwater_kit.core.documents import Freshness, Position
from headwater_kit.core.errors import Denied, InvalidInput, Overloaded, Unavailable
from headwater_kit.core.presentation import Span
from headwater_kit.core.rewriting import Rewrite, Turn, Variant
from headwater_kit.core.shape import Folding, Recency, Shape
from rich.progress import Progress
from unit.libs.headwater_cli.conftest import Printed, Verb
from unit.libs.tiny_platform import TinyPlatform, running

Headwater = Callable[..., Any]


@pytest.fixture
def platform() -> TinyPlatform:
    return TinyPlatform()


@pytest.fixture
async def headwater(platform: TinyPlatform, command: Verb, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Headwater]:
    """Runs the command in a thread, against the platform of this test."""

    async def call(*words: str) -> Printed:
        return await asyncio.to_thread(command, *words)

    async with running(platform) as settings:
        for name in ("ingest", "index", "retrieve", "generate", "feedback"):
            monkeypatch.setenv(f"HEADWATER_{name.upper()}_TARGET", getattr(settings, f"{name}_target"))
        monkeypatch.setenv("COLUMNS", "100")
        yield call


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "pears.md").write_text("# Pears\n\nPears are green.")
    (folder / "plums.txt").write_text("Plums are blue.")
    (folder / "picture.png").write_bytes(b"\x89PNG\0\0")
    (folder / "empty.txt").write_text("\n")
    (folder / ".hidden").write_text("secret")
    return folder


async def test_ingest_puts_a_folder_in_and_tells_what_it_left_out(
    platform: TinyPlatform, headwater: Headwater, notes: Path
) -> None:
    printed = await headwater("ingest", str(notes), "--json")
    assert printed.code == 0
    assert set(platform.bodies) == {(notes / name).as_posix() for name in ("pears.md", "plums.txt")}
    assert platform.infos[(notes / "pears.md").as_posix()].media_type == "text/markdown"
    assert printed.json["documents"] == 2
    assert {Path(one["path"]).name: one["reason"] for one in printed.json["skipped"]} == {
        "picture.png": "not text",
        "empty.txt": "empty: what it said before stays, until `headwater delete`",
    }


async def test_ingest_says_who_may_read(platform: TinyPlatform, headwater: Headwater, notes: Path) -> None:
    allowed = ("--allow-group", "board", "--allow-group", "legal", "--allow-user", "ann")
    assert (await headwater("ingest", str(notes), *allowed)).code == 0
    assert {info.readers for info in platform.infos.values()} == {("group:board", "group:legal", "user:ann")}
    refused = await headwater("ingest", str(notes), "--allow-user", "anonymous")
    assert refused.code != 0
    assert "leave readers out for the whole tenant" in refused.err


async def test_ingest_waits_out_a_busy_platform_and_goes_on_after_a_refused_file(
    platform: TinyPlatform, headwater: Headwater, notes: Path
) -> None:
    platform.refusals = [Overloaded("busy"), InvalidInput("no good", field="body")]
    printed = await headwater("ingest", str(notes / "pears.md"), str(notes / "plums.txt"))
    assert printed.code == 0
    assert "1 document searchable" in printed.out
    assert "no good" in printed.out


async def test_ingest_says_what_was_written_and_came_to_nothing(
    platform: TinyPlatform, headwater: Headwater, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater_cli.commands.ingest.SETTLE_SECONDS", 0.0)
    pears, plums = (notes / "pears.md"), (notes / "plums.txt")
    await headwater("ingest", str(plums))
    # One of which nothing ever was, and one of which an older version is.
    platform.put_aside = {pears.as_posix(), plums.as_posix()}
    (notes / "figs.txt").write_text("Figs are brown.")
    printed = await headwater("ingest", str(notes), "--json")
    assert (printed.code, printed.json["documents"]) == (0, 1)
    reasons = {Path(one["path"]).name: one["reason"] for one in printed.json["skipped"]}
    assert "dead-letters list" in reasons["pears.md"]
    assert "dead-letters list" in reasons["plums.txt"]


async def test_ingest_of_nothing_but_refusals_fails(platform: TinyPlatform, headwater: Headwater, notes: Path) -> None:
    platform.refusals = [InvalidInput("no good", field="body")]
    printed = await headwater("ingest", str(notes / "pears.md"))
    assert printed.code == 1
    assert "nothing was ingested" in printed.err


async def test_ingest_ends_at_what_no_other_file_mends(
    platform: TinyPlatform, headwater: Headwater, notes: Path
) -> None:
    platform.refusals = [Denied("not you")] * 2
    printed = await headwater("ingest", str(notes))
    assert (printed.code, printed.err) == (1, "headwater: not you\n")


async def test_bulk_goes_into_its_lane(platform: TinyPlatform, headwater: Headwater, notes: Path) -> None:
    printed = await headwater("ingest", str(notes), "--backfill", "--no-wait")
    assert (printed.code, platform.bulk) == (0, set(platform.bodies))
    assert "2 documents accepted" in printed.out


def test_bulk_is_waited_for_until_its_lane_is_past_it() -> None:
    answers: list[dict[int, int] | Unavailable] = [{}, Unavailable("away"), {0: 5, 1: 1}, {0: 6, 1: 1}]

    def committed() -> dict[int, int]:
        answer = answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    wait_done(committed, [Position(0, 5), Position(1, 0)], Progress(disable=True))
    assert answers == []


async def test_watch_draws_an_event_in_a_line(platform: TinyPlatform, headwater: Headwater) -> None:
    platform.write("fruit", b"Pears are green.")
    printed = await headwater("watch", "fruit", "--once")
    assert printed.code == 0
    assert re.fullmatch(r"v1  accepted → embedded \+\d+ ms → searchable \+\d+ ms\n", printed.out)


async def test_watch_gives_json_by_the_line(platform: TinyPlatform, headwater: Headwater) -> None:
    platform.write("fruit", b"Pears are green.")
    printed = await headwater("watch", "fruit", "--once", "--json")
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [line["state"] for line in lines] == ["accepted", "embedded", "searchable"]
    assert lines[0] == {"state": "accepted", "version": 1, "partition": 0, "offset": 0, "reason": ""}


async def test_watch_says_that_it_waits_for_what_is_not_there(platform: TinyPlatform, headwater: Headwater) -> None:
    printed = await headwater("watch", "fruit", "--once")
    assert (printed.code, printed.out) == (1, "")
    assert "nothing is known of fruit" in printed.err


async def test_ask_streams_and_cites(platform: TinyPlatform, headwater: Headwater) -> None:
    platform.write("fruit", b"Pears are green.")
    printed = await headwater("ask", "pears ?")
    assert printed.code == 0
    assert printed.out.startswith("Pears are green.\n")
    assert "[1] fruit" in printed.out
    assert "headwater feedback answer-1 --up" in printed.out


@pytest.mark.parametrize(
    ("words", "name", "impression"), [("ask", "[1]", "answer-1"), ("search", "passage 1", "impression-1")]
)
async def test_a_reader_is_asked_for_a_rating_where_one_is_wanted(
    platform: TinyPlatform, headwater: Headwater, words: str, name: str, impression: str
) -> None:
    platform.write("fruit", b"Pears are green.")
    assert "--rating" not in (await headwater(words, "pears")).out
    platform.rating_wanted = 1
    printed = await headwater(words, "pears")
    assert f"Does {name} help? headwater feedback {impression} --passage 1 --rating 1..5" in printed.out
    assert (await headwater(words, "pears", "--json")).json["rating_wanted"] == 1


async def test_ask_takes_a_filter(platform: TinyPlatform, headwater: Headwater) -> None:
    platform.write("fruit", b"Pears are green.")
    assert (await headwater("ask", "pears ?", "--filter", "exists(year)")).code == 0
    (asked,) = platform.answered
    assert format_filter(filter_from_proto(asked.filter)) == "exists(year)"
    refused = await headwater("ask", "pears ?", "--filter", "exists year")
    assert (refused.code, len(platform.answered)) == (1, 1)
    assert "at character 8, before 'year': expected (" in refused.err


async def test_ask_gives_json(platform: TinyPlatform, headwater: Headwater) -> None:
    platform.write("fruit", b"Pears are green.")
    answer = (await headwater("ask", "pears ?", "--json")).json
    assert (answer["answer_id"], answer["text"]) == ("answer-1", "Pears are green.")
    assert [citation["document_id"] for citation in answer["citations"]] == ["fruit"]


async def test_an_answer_that_breaks_off_ends_its_line_and_says_why(
    platform: TinyPlatform, headwater: Headwater
) -> None:
    platform.write("fruit", b"Pears are green.")
    platform.break_off = Denied("enough")
    printed = await headwater("ask", "pears ?")
    assert (printed.code, printed.out, printed.err) == (1, "Pears\n", "headwater: enough\n")


async def test_search_shows_what_it_found(platform: TinyPlatform, headwater: Headwater) -> None:
    platform.write("fruit", b"Pears are [green].")
    printed = await headwater("search", "pears")
    assert printed.code == 0
    assert "Pears are [green]." in printed.out
    assert "headwater feedback impression-1 --up --passage 1" in printed.out
    found = (await headwater("search", "pears", "--json")).json
    assert [passage["document_id"] for passage in found["passages"]] == ["fruit"]


async def test_search_asks_for_a_list_by_its_options(platform: TinyPlatform, headwater: Headwater) -> None:
    platform.write("fruit", b"Pears are green.")
    options = "--fold near --characters 800 --per-document 2 --diversity 0.5 --facet lang --recent seen".split()
    printed = await headwater("search", "pears", *options, "--filter", 'lang in ("de", "en") and not exists(draft)')
    assert printed.code == 0
    (asked,) = platform.asked
    assert shape_from_proto(asked) == Shape(
        Folding.NEAR, 800, 2, 0.5, highlight=True, facets=("lang",), recency=Recency("seen", 30.0)
    )
    assert format_filter(filter_from_proto(asked.filter)) == 'lang in ("de", "en") and not exists(draft)'
    assert "said 2 times more" in printed.out
    assert "lang: en 2 · without 1" in printed.out
    assert "--cursor further" in printed.out
    found = (await headwater("search", "pears", "--json")).json
    assert (found["next_cursor"], found["passages"][0]["highlights"]) == ("further", [[0, 5]])


async def test_search_tells_how_its_list_came_about(platform: TinyPlatform, headwater: Headwater) -> None:
    platform.write("fruit", b"Pears are green.")
    shown = (await headwater("search", "pears", "--cascade", "on", "--explain")).out
    assert [cascade_from_proto(asked.cascade) for asked in platform.asked] == [Cascade.ON]
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "fusion 0.2 ms both legs dense_share 0.7" in lines
    assert "rerank 0.0 ms the order is clear" in lines
    assert lines[-2:] == ["source dense lexical fused reranker memory", "1 fruit #1 - 0.750 -0.250 -"]
    told = (await headwater("search", "pears", "--explain", "--json")).json
    assert [(stage["stage"], stage["ran"]) for stage in told["stages"]] == [("fusion", True), ("rerank", False)]
    assert told["standings"][0]["chunk_id"] == "chunk of fruit"
    assert "stages" not in (await headwater("search", "pears", "--json")).json
    assert (await headwater("search", "pears", "--cascade", "far")).code == 2


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--filter", "lang = en"), "at character 8, before 'en'"),
        (("--characters", "50"), "passage_characters must be 0 or 200 to 8000"),
        (("--per-document", "500"), "max_per_document must be 0 to 100"),
    ],
)
async def test_search_says_what_is_wrong_with_an_option(
    platform: TinyPlatform, headwater: Headwater, option: tuple[str, str], told: str
) -> None:
    printed = await headwater("search", "pears", *option)
    assert (printed.code, platform.asked) == (1, [])
    assert told in printed.err


def test_a_text_is_marked_on_one_line() -> None:
    text = "  Lists\n\n  grow.  A list."
    marked = highlighted(text, [Span(2, 7), Span(11, 15), Span(20, 24)])
    assert marked.plain == "Lists grow. A list."
    assert [marked.plain[span.start : span.end] for span in marked.spans] == ["Lists", "grow", "list"]


@pytest.mark.parametrize("verb", ["search", "ask"])
async def test_a_question_says_how_fresh_its_answer_must_be(
    platform: TinyPlatform, headwater: Headwater, verb: str
) -> None:
    platform.write("fruit", b"pears and plums")
    await headwater(verb, "pears")
    await headwater(verb, "pears", "--max-staleness", "1.5s", "--wait", "500ms", "--min-position", "2:7")
    await headwater(verb, "pears", "--max-staleness", "0")
    assert platform.asked_fresh == [
        Freshness(),
        Freshness((Position(2, 7),), 500, 1_500),
        Freshness(max_staleness_ms=0),
    ]


@pytest.mark.parametrize(
    "option",
    [
        ("--max-staleness", "2"),
        ("--wait", "soon"),
        ("--wait", "999999999h"),
        ("--min-position", "7"),
        ("--min-position", "1:99999999999999999999999"),
        ("--min-position", "1:9223372036854775808"),
        ("--min-position", "99:1"),
    ],
)
async def test_a_freshness_that_cannot_be_read_is_wrong_usage(headwater: Headwater, option: tuple[str, str]) -> None:
    assert (await headwater("search", "pears", *option)).code == 2


async def test_a_partition_is_given_once(headwater: Headwater) -> None:
    printed = await headwater("search", "pears", "--min-position", "1:2", "--min-position", "1:3")
    assert printed.code == 2
    assert "partition 1 is given twice" in printed.err


async def test_a_search_may_be_in_several_wordings(platform: TinyPlatform, headwater: Headwater) -> None:
    platform.write("fruit", b"pears and plums")
    shown = await headwater("search", "pears", "--also", "plums", "--also", "sweet fruit")
    assert platform.asked_also == [(Variant("plums"), Variant("sweet fruit"))]
    assert "not searched in time: sweet fruit" in shown.out
    printed = await headwater("search", "pears", "--also", "plums", "--json")
    assert (printed.json["searched"], printed.json["left_out"]) == (["plums"], [])


async def test_a_conversation_is_kept_in_a_file(platform: TinyPlatform, headwater: Headwater, tmp_path: Path) -> None:
    platform.write("fruit", b"pears and plums")
    file = tmp_path / "talks" / "fruit.jsonl"
    await headwater("ask", "pears", "--conversation", str(file))
    shown = await headwater("ask", "and plums", "--conversation", str(file), "--rewrite", "multi")
    assert platform.asked_after == [
        (None, ()),
        (Rewrite.MULTI, (Turn("pears", "pears and plums"),)),
    ]
    assert "searched as: and plums; fruit (by rules) · without late" in shown.out
    turns = [json.loads(line) for line in file.read_text().splitlines()]
    assert turns[1] == {"question": "and plums", "answer": "pears and plums"}
    printed = await headwater("ask", "pears", "--rewrite", "hyde", "--json")
    assert printed.json["rewriting"]["method"] == "hyde"


@pytest.mark.parametrize("line", ["pears", "[]", '{"answer": "x"}', '{"question": 3}', "[" * 9_999])
async def test_a_conversation_that_cannot_be_read_is_named_by_line(
    headwater: Headwater, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "talk.jsonl"
    file.write_text('{"question": "pears"}\n\n' + line)
    failed = await headwater("ask", "pears", "--conversation", str(file))
    assert (failed.code, failed.err.count("\n")) == (1, 1)
    assert "talk.jsonl:3" in failed.err


async def test_a_search_without_a_hit_says_so(headwater: Headwater) -> None:
    printed = await headwater("search", "nothing")
    assert printed.code == 0
    assert "nothing found" in printed.out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--up",), ("REACTION_UP", 2, 0.0, "")),
        (("--down",), ("REACTION_DOWN", 2, 0.0, "")),
        (("--click",), ("REACTION_CLICK", 2, 0.0, "")),
        (("--copy",), ("REACTION_COPY", 2, 0.0, "")),
        (("--cited",), ("REACTION_CITATION_OPENED", 2, 0.0, "")),
        (("--dwell", "12.5"), ("REACTION_DWELL", 2, 12.5, "")),
        (("--rating", "4"), ("REACTION_RATING", 2, 4.0, "")),
        (("--correct", "It is 5."), ("REACTION_CORRECTION", 2, 0.0, "It is 5.")),
        (("--reformulated",), ("REACTION_REFORMULATED", 2, 0.0, "")),
        (("--abandoned",), ("REACTION_ABANDONED", 2, 0.0, "")),
        (("--expert", "0"), ("REACTION_EXPERT_LABEL", 2, 0.0, "")),
    ],
)
async def test_feedback_is_recorded(
    platform: TinyPlatform, headwater: Headwater, flags: tuple[str, ...], said: tuple[object, ...]
) -> None:
    printed = await headwater("feedback", "answer-1", *flags, "--passage", "2", "--user", "ann")
    assert printed.code == 0
    assert platform.reactions == [("ann", *said)]


async def test_feedback_on_what_nobody_was_shown_says_so(headwater: Headwater) -> None:
    printed = await headwater("feedback", "lost", "--up")
    assert (printed.code, "known to have been shown to you" in printed.out) == (0, True)
    assert (await headwater("feedback", "lost", "--up", "--json")).json["standing"] == "not_known_yet"


@pytest.mark.parametrize("flags", [(), ("--up", "--down"), ("--rating", "4", "--click")])
async def test_feedback_wants_one_reaction(platform: TinyPlatform, headwater: Headwater, flags: tuple[str]) -> None:
    printed = await headwater("feedback", "answer-1", *flags)
    assert printed.code == 1
    assert "--up or --down" in printed.err
    assert platform.reactions == []


async def test_delete_takes_an_id_or_a_path_and_leaves_no_impression(
    platform: TinyPlatform, headwater: Headwater, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(notes)
    path = (notes / "pears.md").as_posix()
    platform.write("fruit", b"Pears are green.")
    platform.write(path, b"Pears are green.")
    assert (await headwater("delete", "fruit")).code == 0
    assert (await headwater("delete", "pears.md", "--json")).json["document_id"] == path
    assert platform.deleted == {"fruit", path}
    assert platform.searches == 0


@pytest.mark.parametrize("again", [False, True])
async def test_delete_of_what_is_not_there_fails(platform: TinyPlatform, headwater: Headwater, again: bool) -> None:
    if again:
        platform.write("fruit", b"Pears")
        platform.write("fruit", None)
    printed = await headwater("delete", "fruit")
    assert printed.code == 1
    assert printed.err.count("\n") == 1


async def test_a_message_is_printed_as_it_is(headwater: Headwater) -> None:
    printed = await headwater("delete", "[/red] [bold]")
    assert printed.code == 1
    assert "[/red] [bold]" in printed.err


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    assert list(find([tmp_path / "pipe"])) == [Skipped(tmp_path / "pipe", "not a file")]


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    for name, size in (("fits", 64 * 1024**2), ("over", 64 * 1024**2 + 1)):
        with (tmp_path / name).open("wb") as file:
            file.write(b"text")
            file.truncate(size)
    (tmp_path / "fits").write_text("text")
    assert list(find([tmp_path])) == [FileDocument(tmp_path / "fits"), Skipped(tmp_path / "over", "over 64 MiB")]


def test_a_laptop_is_called_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_TLS_PEER_CA", "elsewhere.pem")
    process = ProcessState("ingest", "127.0.0.1:1234", Condition.READY)
    platform = PlatformState(Phase.READY, "", Identity(1, 2.0), 1.0, "0.1.0", processes=(process,))
    settings = laptop_settings(platform)
    assert (settings.ingest_target, settings.tls_peer_ca) == ("127.0.0.1:1234", None)


async def test_the_demo_removes_no_folder_but_its_own(headwater: Headwater, tmp_path: Path) -> None:
    foreign = tmp_path / "data" / "demo" / "thesis.txt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("years of work")
    printed = await headwater("demo")
    assert printed.code == 1
    assert "name another folder" in printed.err
    assert foreign.read_text() == "years of work"


async def test_the_demo_asks_for_its_files_folder_before_it_starts(headwater: Headwater, tmp_path: Path) -> None:
    printed = await headwater("demo", "--json", str(tmp_path / "none" / "figures.json"))
    assert printed.code == 1
    assert "figures.json" in printed.err
    assert not (tmp_path / "data").exists()
