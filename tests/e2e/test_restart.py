"""A platform of one's own, stopped and started again: what was known is known."""

import json
from pathlib import Path

import pytest
from e2e.laptop import Laptop
from e2e.polling import accepted, until
from e2e.records import Records
from headwater_client import Client
from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import Reaction

QUESTION = "Where is the key of the boathouse?"
TEXTS = {
    "hook": "The key of the boathouse hangs on the hook behind the kitchen door.",
    "neighbour": "The neighbour has a second key of the boathouse.",
    "boat": "The boat is painted every second spring.",
}
# Boost 3 × 12 / (12 + 2), above 2, which is the most that two passages can be apart.
VOTERS = 12


def ranks(client: Client) -> dict[str, int]:
    return {passage.document_id: passage.rank for passage in client.search(QUESTION).passages}


@pytest.mark.timeout(300)
def test_data_versions_and_memory_survive_down_and_up(tmp_path: Path) -> None:
    with Laptop(tmp_path / "data") as laptop:
        laptop.up()
        with laptop.client("home") as client:
            for document_id, text in TEXTS.items():
                client.upsert(document_id, text)
            client.delete("boat")
            edited = client.upsert("neighbour", TEXTS["neighbour"] + " Ask before nine.")
            client.search(QUESTION, min_positions=[edited], wait_ms=30_000)
            until(lambda: set(ranks(client)) == {"hook", "neighbour"}, what="both documents")
            with laptop.client("home", ANONYMOUS) as anybody:
                shown = anybody.search(QUESTION)
            second = shown.passages[1]
            for number in range(VOTERS):
                with laptop.client("home", f"user-{number}") as voter:
                    voter.react(shown.impression_id, Reaction.UP, rank=2)
            until(lambda: ranks(client)[second.document_id] == 1, what="the votes' effect")
            *_, answer = client.ask(QUESTION)
            assert isinstance(answer, AnswerGenerated)
        down = laptop("down")
        assert down.returncode == 0, down.stderr
        assert not (laptop.root / "platform.json").exists()

        laptop.up()
        with laptop.client("home") as client:
            # Ready means that what was found before is found now.
            assert ranks(client) == {second.document_id: 1, shown.passages[0].document_id: 2}
            assert (client.get("neighbour").version, client.get("boat").deleted) == (2, True)
            assert client.receipt(answer.answer_id) == answer
            again = client.upsert("neighbour", TEXTS["neighbour"])
            client.search(QUESTION, min_positions=[again], wait_ms=30_000)
            assert accepted(client, "neighbour", 3).version == 3
            # Nothing is taken in twice: only the new write was left to do.
            assert Records(laptop.bootstrap).ends("documents.v1")[again.partition] == again.offset + 1
            status = json.loads(laptop("status", "--json").stdout)
            assert (status["dead_letters"], {lag["lag"] for lag in status["lags"]}) == ([], {0})
