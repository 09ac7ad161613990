"""`headwater audit`, from the command line to a broker in this process."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from headwater_kit.bus.audit import Chain
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.topics import AUDIT
from headwater_kit.core.audit import CallServed, ChainEnded
from headwater_kit.core.events import Finding, GuardDecided, Stage, Verdict
from unit.libs.headwater_cli.conftest import Verb

KEY = "a secret of the operators"
# In the year 2100, so that no look at the wall clock takes it for gone.
TIME = 4_102_444_800.0


@pytest.fixture
def verb(command: Verb, bus: MemoryBus, monkeypatch: pytest.MonkeyPatch) -> Verb:
    monkeypatch.setenv("HEADWATER_AUDIT_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "160")
    return partial(command, "audit")


def write(bus: MemoryBus, name: str, *calls: Any, ends: bool = True) -> Chain:
    chain = Chain(name, "retrieve", KEY.encode(), TIME)
    links = [chain.first, *(chain.link(call, TIME + number) for number, call in enumerate(calls, 1))]
    for link in [*links, *([chain.link(ChainEnded(), TIME)] if ends else [])]:
        bus.broker.append(link)
    return chain


def search(user: str, subject: str, tenant: str = "acme") -> CallServed:
    return CallServed("headwater.retrieve.v1.RetrieveService/Search", tenant, tenant, user, subject, "OK")


def test_nothing_noted_is_no_fault(bus: MemoryBus, verb: Verb) -> None:
    assert verb("verify").code == 0
    assert verb("show").out == "nothing noted that matches\n"


def test_whole_chains_are_told_of_and_end_well(bus: MemoryBus, verb: Verb) -> None:
    write(bus, "one", search("alice", "list 1"))
    write(bus, "two", ends=False)
    code, out, _ = verb("verify")
    assert code == 0
    assert "2 chains, 4 links; 1 without a last link" in out
    assert "no fault" in out
    found = verb("verify", "--json").json
    assert (found["findings"], {chain["has_ended"] for chain in found["chains"]}) == ([], {True, False})


def test_a_link_that_is_gone_is_named_and_fails_the_command(bus: MemoryBus, verb: Verb) -> None:
    write(bus, "one", *(search("alice", f"list {number}") for number in range(5)))
    log = next(log for log in bus.broker.log(AUDIT.name).partitions if log)
    del log[3]
    code, out, _ = verb("verify")
    assert code == 1
    assert "missing chain one link 3" in out
    assert "1 faults" in out
    (finding,) = verb("verify", "--json").json["findings"]
    assert (finding["fault"], finding["sequence"]) == ("missing", 3)


def test_another_key_finds_no_link_in_order(bus: MemoryBus, verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    write(bus, "one", search("alice", "list 1"))
    monkeypatch.setenv("HEADWATER_AUDIT_KEY", "another one")
    assert verb("verify").code == 1


def test_a_file_of_heads_finds_what_was_cut_since_the_last_look(bus: MemoryBus, verb: Verb, tmp_path: Path) -> None:
    write(bus, "one", search("alice", "list 1"), search("bob", "list 2"))
    heads = tmp_path / "heads.json"
    assert verb("verify", "--heads", str(heads)).code == 0
    before = heads.read_text()
    (whole,) = (log for log in bus.broker.log(AUDIT.name).partitions if log)
    kept = whole.pop(), whole.pop()
    code, out, _ = verb("verify", "--heads", str(heads))
    assert (code, "the chain ends at link 1, but link 3 was written" in out) == (1, True)
    assert heads.read_text() == before
    assert verb("verify").code == 0
    whole.extend(reversed(kept))
    write(bus, "two")
    assert verb("verify", "--heads", str(heads)).code == 0
    assert set(json.loads(heads.read_text())["chains"]) == {"one", "two"}
    for log in bus.broker.log(AUDIT.name).partitions:
        log.clear()
    assert "the chain is not there, which it was at the last look" in verb("verify", "--heads", str(heads)).out


def test_a_file_that_holds_no_heads_is_refused_by_name(bus: MemoryBus, verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("[1, 2]")
    code, _, err = verb("verify", "--heads", str(tmp_path / "notes.json"))
    assert (code, "notes.json is no file of heads" in err) == (1, True)


def test_notes_are_listed_by_whose_data_who_and_what(bus: MemoryBus, verb: Verb) -> None:
    rebuild = CallServed("headwater.index.v1.IndexService/Rebuild", "", "ops", "olga", "", "OK")
    findings = (Finding("pii", "email", 0, 3),)
    decision = GuardDecided(Stage.INPUT, "acme", "alice", Verdict.REDACT, findings, TIME, "answer 1")
    write(bus, "one", search("alice", "list 1"), search("bob", "list 2"), search("carl", "list 3", "globex"))
    write(bus, "two", rebuild, decision)

    def shown(*options: str) -> list[tuple[str, str]]:
        return [(note["user"], note["subject"]) for note in verb("show", *options, "--json").json["notes"]]

    assert len(shown()) == 5
    # What is done to all tenants is done to this one.
    assert set(shown("--tenant", "globex")) == {("carl", "list 3"), ("olga", "")}
    assert shown("--user", "bob") == [("bob", "list 2")]
    assert shown("--subject", "answer 1") == [("alice", "answer 1")]
    assert shown("--method", "Rebuild") == [("olga", "")]
    assert shown("--limit", "1") == [("carl", "list 3")]
    out = verb("show").out
    assert "retrieve.v1.RetrieveService/Search" in out
    assert "ops/olga" in out
    assert "redact pii email" in out
