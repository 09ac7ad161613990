"""The verifier: reads store and topics itself and compares them with what the input log alone asks for.

It shares no code with services and libraries but the generated messages.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chaos.expecting import Expected, expected, inputs
from chaos.following import INDEXED, Said, said
from chaos.records import Ends, Records, headers_of
from chaos.stored import Held
from chaos.workload import BACKFILL, DOCUMENTS, WRITE_ID
from confluent_kafka import KafkaException

# Each group and what it reads; those of topics that are not there are left out.
GROUPS = {
    "ingest": DOCUMENTS,
    "embed": "chunks.v1",
    "index": "embeddings.v1",
    "ingest-backfill": BACKFILL,
    "embed-backfill": "chunks.backfill.v1",
    "index-backfill": "embeddings.backfill.v1",
}
LETTERS = ".dead-letter"
REASON = "headwater-dead-letter-reason"
CALM_SECONDS = 1.0
LOOK_SECONDS = 0.3


@dataclass(slots=True)
class Findings:
    """What was compared, and what was found wrong, as sentences; `letters` counts dead letters, copies included."""

    expected: Expected
    wrong: dict[str, list[str]] = field(default_factory=dict)
    letters: int = 0


class Verifier:
    """Of one tenant, from now on."""

    def __init__(self, records: Records, milvus_uri: str, tenant: str) -> None:
        self._records = records
        self._milvus_uri = milvus_uri
        self._tenant = tenant
        topics = records.topics()
        letters = [topic for topic in topics if topic.endswith(LETTERS)]
        self._start = {topic: records.ends(topic) for topic in (DOCUMENTS, BACKFILL, INDEXED, *letters)}

    def wait_quiet(self, seconds: float) -> list[str]:
        """Returns once everything written is done with; what is not by then, after `seconds`."""
        deadline = time.monotonic() + seconds
        calm_since: float | None = None
        while True:
            left = self._left()
            now = time.monotonic()
            calm_since = None if left else calm_since or now
            if calm_since is not None and now - calm_since >= CALM_SECONDS:
                return []
            if now > deadline:
                return left
            time.sleep(LOOK_SECONDS)

    def findings(self, acknowledged: Mapping[str, str]) -> Findings:
        """Compares; `acknowledged` are the writes that must stand in the log, by id, with their places.

        To be called when all is quiet.
        """
        ends = {topic: self._records.ends(topic) for topic in self._start}
        log = inputs(self._records, self._tenant, self._start, ends)
        found = Findings(expected(log))
        logged = {each.write_id for each in log}
        found.wrong["unlogged"] = [f"{name} {place}" for name, place in acknowledged.items() if name not in logged]
        found.wrong |= Held.of(self._milvus_uri, self._tenant).faults(found.expected.texts)
        letters = self._letters(ends)
        found.letters = sum(len(reasons) for reasons in letters.values())
        found.wrong["dead_letters_missing"] = _missing(found.expected.poison, letters)
        found.wrong["dead_letters_unwanted"] = sorted(set(letters) - set(found.expected.poison))
        heard = self._heard(ends[INDEXED])
        found.wrong["disordered"] = _disordered(heard, self._start[DOCUMENTS])
        found.wrong["misreported"] = _misreported(heard, found.expected, self._tenant)
        return found

    def _left(self) -> list[str]:
        try:
            return [
                f"{group} of {topic}: {behind}"
                for group, topic in GROUPS.items()
                if (behind := self._behind(group, topic))
            ]
        except KafkaException as error:
            return [str(error)]

    def _behind(self, group: str, topic: str) -> int:
        ends = self._records.ends(topic)
        committed = self._records.committed(group, topic, ends)
        return sum(max(0, end - max(committed.get(partition, 0), 0)) for partition, end in ends.items())

    def _letters(self, ends: Mapping[str, Ends]) -> dict[str, list[str]]:
        """Reasons by the write that was put aside."""
        found: dict[str, list[str]] = defaultdict(list)
        for topic in ends:
            if topic.endswith(LETTERS):
                for message in self._records.between(topic, self._start[topic], ends[topic]):
                    headers = headers_of(message)
                    name = headers.get(WRITE_ID, f"{topic} {message.key()!r}".encode()).decode()
                    if WRITE_ID not in headers or name.startswith(f"{self._tenant}/"):
                        found[name].append(headers.get(REASON, b"").decode())
        return found

    def _heard(self, ends: Ends) -> Sequence[Said]:
        messages = self._records.between(INDEXED, self._start[INDEXED], ends)
        return [heard for message in messages if (heard := said(message.key(), message.value()))]


def _missing(poison: Mapping[str, str], letters: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        f"{name}: {reason} wanted, {sorted(set(letters.get(name, ())))} found"
        for name, reason in poison.items()
        if set(letters.get(name, ())) != {reason}
    ]


def _disordered(heard: Sequence[Said], start: Ends) -> list[str]:
    """Events of which one after them was announced before them: then the watermark says too much."""
    found: list[str] = []
    next_offset = Counter(start)
    for each in heard:
        if not each.is_live:
            continue
        if each.offset > next_offset[each.partition]:
            found.append(f"{each.partition}/{next_offset[each.partition]} to {each.offset - 1} skipped")
        next_offset[each.partition] = max(next_offset[each.partition], each.offset + 1)
    return found


def _misreported(heard: Sequence[Said], wanted: Expected, tenant: str) -> list[str]:
    """Documents of which the last word of `indexed.v1` is another than the input's."""
    last: dict[str, Said] = {}
    for each in heard:
        if each.floor and each.key.startswith(f"{tenant}\x1f") and each.floor >= last.get(each.key, each).floor:
            last[each.key] = each
    return [
        f"{key}: {'nothing' if key not in last else 'serving ' + str(last[key].serving_version)}"
        for key, texts in wanted.texts.items()
        if len(texts) == 1 and (None in texts) != (key not in last or last[key].serving_version == 0)
    ]
