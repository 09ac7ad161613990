"""What the services' Prometheus endpoints show."""

import asyncio
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException

from headwater_kit.telemetry import names
from headwater_kit.telemetry.exposition import family, label
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

SCRAPE_SECONDS = 2.0
SERVICE = "service"

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All services at one time, in seconds: which answered, and their samples by name, labelled by service."""

    time: float
    answered: frozenset[str]
    samples: Mapping[str, Sequence[tuple[Labels, float]]] = field(default_factory=dict)

    def of(self, name: str, **wanted: str) -> Iterator[tuple[Labels, float]]:
        """The samples of a name whose labels have these values."""
        for labels, value in self.samples.get(name, ()):
            if all(labels.get(key) == each for key, each in wanted.items()):
                yield labels, value

    def only(self, services: frozenset[str]) -> "Snapshot":
        """The same without what other services showed."""
        if self.answered <= services:
            return self
        kept = {name: [each for each in of if each[0][SERVICE] in services] for name, of in self.samples.items()}
        return Snapshot(self.time, self.answered & services, kept)

    def sums(self, declared: names.Metric, *by: str, part: str = "", **wanted: str) -> dict[tuple[str, ...], float]:
        """A metric's values by attributes, or by `SERVICE`, added up over all else; `part` of a histogram as "_sum"."""
        totals: defaultdict[tuple[str, ...], float] = defaultdict(float)
        keys = [label(each) for each in by]
        for labels, value in self.of(family(declared) + part, **wanted):
            totals[tuple(labels.get(key, "") for key in keys)] += value
        return totals


async def scrape(endpoints: Mapping[str, str]) -> Snapshot:
    """Reads all endpoints at once; one that does not answer in time is left out."""
    texts = await asyncio.gather(*(asyncio.to_thread(_read, address) for address in endpoints.values()))
    return snapshot(time.time(), dict(zip(endpoints, texts, strict=True)))


def snapshot(now: float, texts: Mapping[str, str | None]) -> Snapshot:
    """What endpoints answered, by service; None for one that did not. What cannot be read is no answer either."""
    samples: defaultdict[str, list[tuple[Labels, float]]] = defaultdict(list)
    shown = {service: _families(text) for service, text in texts.items()}
    for service, families in shown.items():
        for found in families or ():
            for sample in found.samples:
                samples[sample.name].append(({**sample.labels, SERVICE: service}, sample.value))
    return Snapshot(now, frozenset(service for service, families in shown.items() if families is not None), samples)


def _families(text: str | None) -> Sequence[Metric] | None:
    try:
        return None if text is None else list(text_string_to_metric_families(text))
    except ValueError:
        return None


def _read(address: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=SCRAPE_SECONDS) as answer:
            return str(answer.read().decode())
    except (OSError, HTTPException, ValueError):
        return None
