"""A platform that asks for keys: who comes in, whose documents are seen, and how fast a revocation counts."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.laptop import Laptop
from e2e.polling import quietly, until
from e2e.records import Records, headers_of
from headwater.events.v1.events_pb2 import AnswerGenerated as AnswerMessage
from headwater_client import Client
from headwater_kit.core.errors import Denied, HeadwaterError, NotFound, Suspended, Unauthenticated
from headwater_kit.core.events import AnswerGenerated

QUESTION = "Where does the ferry to Skarholm leave?"
TEXT = "The ferry to Skarholm leaves from pier seven at noon."
# Everywhere at once, less what the command itself takes and a busy machine.
REVOKED_SECONDS = 1.0


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A running platform whose services take API keys alone."""
    with Laptop(tmp_path_factory.mktemp("guarded"), HEADWATER_AUTH="api-key") as platform:
        assert platform.up()["auth"] == "api-key"
        yield platform


def key(laptop: Laptop, tenant: str, *roles: str) -> dict[str, str]:
    """A fresh key, once it is known."""
    options = [word for role in roles for word in ("--role", role)]
    return {
        name: str(value)
        for name, value in laptop.json("auth", "create", "--user", "ann", "--tenant", tenant, *options).items()
    }


def admitted(client: Client) -> None:
    until(quietly(lambda: client.watermark() is not None, Unauthenticated), what="the key")


@pytest.mark.timeout(300)
def test_keys_open_what_they_are_for_and_peers_carry_them_on(guarded: Laptop) -> None:
    writer, reader, stranger = (
        key(guarded, tenant, *roles)
        for tenant, *roles in (("acme", "producer", "reader"), ("acme", "reader"), ("globex", "producer", "reader"))
    )
    with guarded.holder(writer["key"]) as client, guarded.holder(stranger["key"]) as other:
        admitted(client)
        admitted(other)
        written = client.upsert("ferry", TEXT)
        # Retrieve asks embed, and generate asks guard, retrieve and embed, in the name of who asks.
        found = client.search(QUESTION, min_positions=[written], wait_ms=30_000)
        assert [passage.document_id for passage in found.passages] == ["ferry"]
        assert found.missing_legs == ()
        *_, answer = client.ask(QUESTION)
        assert isinstance(answer, AnswerGenerated)
        assert (answer.tenant, answer.user) == ("acme", "ann")
        assert "pier seven" in answer.text
        assert other.search(QUESTION).passages == ()
        for look in (lambda: other.get("ferry"), lambda: other.receipt(answer.answer_id)):
            with pytest.raises(NotFound):
                look()
    with guarded.holder(reader["key"]) as client:
        until(quietly(lambda: client.search(QUESTION).passages, Unauthenticated))
        with pytest.raises(Denied, match="producer"):
            client.upsert("ferry", "changed")
    with guarded.client("acme") as nobody, pytest.raises(Unauthenticated) as caught:
        nobody.search(QUESTION)
    assert caught.value.reason == "MISSING_CREDENTIAL"


def test_operators_look_after_the_index_and_readers_do_not(guarded: Laptop) -> None:
    with guarded.holder(key(guarded, "default", "operator")["key"]) as operator:
        until(quietly(lambda: operator.reindex_status() is not None, Unauthenticated))
    with guarded.holder(key(guarded, "default", "reader")["key"]) as reader:
        admitted(reader)
        with pytest.raises(Denied, match="operator"):
            reader.reindex_status()


def test_a_revoked_key_is_refused_within_moments_by_a_connection_that_is_open(guarded: Laptop) -> None:
    made = key(guarded, "acme", "reader")
    with guarded.holder(made["key"]) as client:
        admitted(client)
        guarded.json("auth", "revoke", made["key_id"])
        told = time.monotonic()
        assert until(lambda: refusal(client.watermark), what="the revocation").reason == "REVOKED"
        assert time.monotonic() - told < REVOKED_SECONDS


def test_a_suspended_tenant_is_refused_by_call_and_by_event_until_it_may_again(guarded: Laptop) -> None:
    records = Records(guarded.bootstrap)
    question = json.dumps({"text": QUESTION, "tenant": "acme"}).encode()
    letters = "questions.v1.generate.dead-letter"
    with guarded.holder(key(guarded, "acme", "reader")["key"]) as client:
        admitted(client)
        guarded.json("auth", "suspend", "acme")
        assert isinstance(until(lambda: refusal(client.watermark), what="the suspension"), Suspended)
        ends = records.ends(letters)
        records.produce("questions.v1", question, b"suspended")
        letter = records.first(letters, ends, lambda message: message.key() == b"suspended")
        assert headers_of(letter)["headwater-dead-letter-reason"] == b"TENANT_SUSPENDED"

        guarded.json("auth", "resume", "acme")
        until(quietly(lambda: client.watermark() is not None, Suspended), what="the tenant's return")
        ends = records.ends("answers.v1")
        records.produce("questions.v1", question, b"resumed")

        def answers(message: object) -> bool:
            return AnswerMessage.FromString(message.value()).question_id == "resumed"  # type: ignore[attr-defined]

        assert "pier seven" in AnswerMessage.FromString(records.first("answers.v1", ends, answers).value()).text


def test_no_key_is_in_any_file_of_the_platform(guarded: Laptop) -> None:
    made = key(guarded, "acme", "reader")
    with guarded.holder(made["key"]) as client:
        admitted(client)
    secret = made["key"][-43:].encode()
    assert [path for path in files(guarded.root) if secret in path.read_bytes()] == []


def refusal(call: Callable[[], object]) -> HeadwaterError | None:
    try:
        call()
    except (Unauthenticated, Suspended) as error:
        return error
    return None


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]
