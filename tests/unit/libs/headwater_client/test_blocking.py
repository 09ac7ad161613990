"""The client without asyncio, on services in this process; its calls run in a thread, as a caller's would."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest
from headwater_client import Change, Client, ClientSettings, DocumentState, Progress, Reacted
from headwater_client.documents import UPLOAD_BYTES
from headwater_kit.core.cascade import Cascade
from headwater_kit.core.documents import DocumentInfo, Position, Principal
from headwater_kit.core.errors import Misconfigured, NotFound, Overloaded, Unavailable
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import Reaction, Standing
from headwater_kit.core.rewriting import Rewrite, Rewriting, Turn, Variant
from unit.libs.tiny_platform import STAGES, TinyPlatform, running


class Caller:
    """Runs code against a fresh client in a thread of its own."""

    def __init__(self, settings: ClientSettings) -> None:
        self.settings = settings

    async def __call__(self, act: Callable[[Client], object]) -> object:
        def work() -> object:
            with Client(self.settings, Principal("acme", "ann")) as client:
                return act(client)

        return await asyncio.to_thread(work)


@pytest.fixture
def platform() -> TinyPlatform:
    return TinyPlatform()


@pytest.fixture
async def caller(platform: TinyPlatform) -> AsyncIterator[Caller]:
    async with running(platform) as settings:
        yield Caller(settings)


def client_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "headwater-client"]


async def test_a_document_is_written_read_and_deleted(platform: TinyPlatform, caller: Caller) -> None:
    info = DocumentInfo(title="Greeting", metadata={"part": "one", "year": 2026.0, "draft": False})

    def act(client: Client) -> None:
        assert client.upsert("greeting", "Hello there.", info) == Position(0, 0)
        stored = client.get("greeting")
        assert (stored.info, stored.deleted) == (info, False)
        assert client.delete("greeting") == Position(0, 1)
        assert client.get("greeting").deleted
        assert client.watermark() == (Position(0, 1),)
        assert client.progress() == Progress((Position(0, 1),), lag=3, staleness_ms=250)

    await caller(act)
    assert platform.bodies == {"greeting": b"Hello there."}


@pytest.mark.parametrize("size", [UPLOAD_BYTES, UPLOAD_BYTES + 1])
async def test_a_body_arrives_whole_also_in_pieces(platform: TinyPlatform, caller: Caller, size: int) -> None:
    body = bytes(i % 251 for i in range(size))
    await caller(lambda client: client.upsert("large", body))
    assert platform.bodies["large"] == body


async def test_a_search_returns_passages_and_a_reaction_its_id(platform: TinyPlatform, caller: Caller) -> None:
    platform.write("a", b"apples and pears")

    def act(client: Client) -> None:
        found = client.search("pears")
        assert [passage.document_id for passage in found.passages] == ["a"]
        assert client.react(found.impression_id, Reaction.UP, rank=1) == Reacted("feedback-1", Standing.SHOWN)
        client.react("lost", Reaction.CORRECTION, text="No.")

    await caller(act)
    assert platform.reactions == [("ann", "REACTION_UP", 1, 0.0, ""), ("ann", "REACTION_CORRECTION", 0, 0.0, "No.")]


async def test_an_answer_comes_in_pieces_and_whole_at_the_end(platform: TinyPlatform, caller: Caller) -> None:
    platform.write("a", b"apples and pears")

    def act(client: Client) -> None:
        *pieces, answer = client.ask("pears ?")
        assert "".join(str(piece) for piece in pieces) == "apples and pears"
        assert isinstance(answer, AnswerGenerated)
        assert (answer.tenant, answer.user) == ("acme", "ann")

    await caller(act)


async def test_other_words_and_a_conversation_travel_with_what_is_asked(platform: TinyPlatform, caller: Caller) -> None:
    platform.write("a", b"apples and pears")
    variants = (Variant("fruit", 0.3), Variant("A pear is sweet.", hypothetical=True))
    history = (Turn("apples ?", "red"),)

    def act(client: Client) -> None:
        found = client.search("pears", variants=variants)
        assert (found.searched, found.left_out) == (("fruit",), ("A pear is sweet.",))
        assert client.search("pears", cascade=Cascade.ON, explain=True).stages == STAGES
        *_, answer = client.ask("pears ?", rewrite=Rewrite.MULTI, history=history)
        assert isinstance(answer, AnswerGenerated)
        assert answer.rewriting == Rewriting(Rewrite.MULTI, "pears ?", ("fruit",), ("late",), "rules")

    await caller(act)
    assert platform.asked_also == [variants, ()]
    assert platform.asked_after == [(Rewrite.MULTI, history)]


async def test_a_stream_that_breaks_off_raises(platform: TinyPlatform, caller: Caller) -> None:
    platform.write("a", b"apples and pears")
    platform.break_off = Overloaded("too much", retry_after_ms=7)

    def act(client: Client) -> None:
        pieces = client.ask("pears")
        assert next(pieces) == "apple"
        with pytest.raises(Overloaded) as caught:
            next(pieces)
        assert caught.value.retry_after_ms == 7

    await caller(act)


async def test_a_watch_ends_with_its_event(caller: Caller) -> None:
    def act(client: Client) -> list[Change]:
        return list(client.watch("a", until=Position(0, 0)))

    changes = await caller(act)
    assert isinstance(changes, list)
    assert [change.state for change in changes] == [
        DocumentState.ACCEPTED,
        DocumentState.EMBEDDED,
        DocumentState.SEARCHABLE,
    ]
    assert [change.state.is_final for change in changes] == [False, False, True]


async def test_closing_an_iterator_ends_its_call(platform: TinyPlatform, caller: Caller) -> None:
    left = asyncio.Event()

    def act(client: Client) -> None:
        changes = client.watch("a")
        assert next(changes).state is DocumentState.ACCEPTED
        changes.close()  # type: ignore[attr-defined]
        loop.call_soon_threadsafe(left.set)
        # The client is still open: it is not its end that ends the call.
        assert asyncio.run_coroutine_threadsafe(ended(), loop).result(5.0)

    async def ended() -> bool:
        await platform.watch_ended.wait()
        return left.is_set()

    loop = asyncio.get_running_loop()
    await caller(act)


async def test_an_error_is_the_services(caller: Caller) -> None:
    with pytest.raises(NotFound, match="nothing"):
        await caller(lambda client: client.get("nothing"))


async def test_calls_from_many_threads_do_not_mix(platform: TinyPlatform, caller: Caller) -> None:
    def act(client: Client) -> None:
        threads = [threading.Thread(target=client.upsert, args=(str(i), f"text {i}")) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    await caller(act)
    assert platform.bodies == {str(i): f"text {i}".encode() for i in range(20)}


async def test_calls_under_way_end_when_the_client_is_closed(caller: Caller) -> None:
    def act(client: Client) -> None:
        ends: list[BaseException] = []
        begun = threading.Event()

        def wait() -> None:
            try:
                for _ in client.watch("a"):
                    begun.set()
            except Exception as error:
                ends.append(error)

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        assert begun.wait(5.0)
        client.close()
        waiting.join(5.0)
        assert not waiting.is_alive()
        assert [type(error) for error in ends] == [Unavailable]

    await caller(act)


async def test_a_closed_client_says_so_and_closes_once(caller: Caller) -> None:
    def act(client: Client) -> None:
        pieces = client.watch("a")
        next(pieces)
        client.close()
        client.close()
        with pytest.raises(Unavailable, match="closed"):
            client.get("a")
        with pytest.raises(Unavailable, match="closed"):
            next(pieces)

    await caller(act)
    assert client_threads() == []


def test_a_client_that_cannot_be_made_leaves_no_thread(tmp_path: object) -> None:
    with pytest.raises(Misconfigured, match=r"nowhere\.pem"):
        Client(ClientSettings(tls_peer_ca="nowhere.pem"))
    assert client_threads() == []
