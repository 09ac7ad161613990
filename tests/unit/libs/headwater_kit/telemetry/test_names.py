"""What is named in one place is named well."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import opentelemetry.semconv._incubating.attributes as experimental_attributes
import opentelemetry.semconv.attributes as stable
import pytest
from headwater_kit.telemetry import names
from headwater_kit.telemetry.names import attributes

METRICS = [value for value in vars(names).values() if isinstance(value, names.Counter | names.Gauge | names.Histogram)]


def test_no_two_metrics_share_a_name() -> None:
    found = [metric.name for metric in METRICS]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_name_unit_and_meaning(metric: names.Counter | names.Gauge | names.Histogram) -> None:
    assert re.fullmatch(r"headwater(\.[a-z_]+)+", metric.name)
    assert metric.unit
    assert metric.meaning


@pytest.mark.parametrize("metric", [m for m in METRICS if isinstance(m, names.Histogram)], ids=lambda m: m.name)
def test_a_histograms_bounds_grow(metric: names.Histogram) -> None:
    assert list(metric.bounds) == sorted(set(metric.bounds))


ATTRIBUTES = {name: value for name, value in vars(attributes).items() if name.isupper()}
# What would hold what somebody wrote, or who it was.
CONTENT = re.compile(
    r"gen_ai\.(input|output|prompt|completion|system_instructions|retrieval)|db\.(query|statement|operation\.parameter)"
    r"|messaging\.(kafka\.)?message\.(key|id)|rpc\.(request|response)\.metadata|(en|)user\.|exception\."
)


def conventional() -> dict[str, bool]:
    """Every attribute of the semantic conventions that are installed, and whether it still holds."""
    experimental = {name: not told.startswith("Deprecated") for name, told in _declared(experimental_attributes)}
    return experimental | {name: not told.startswith("Deprecated: Re") for name, told in _declared(stable)}


def _declared(package: ModuleType) -> Iterator[tuple[str, str]]:
    """Names and what is said of them."""
    for module in iter_modules(package.__path__):
        body = ast.parse(Path(package.__path__[0], f"{module.name}.py").read_text()).body
        for declared, told in pairwise(body):
            if isinstance(declared, ast.AnnAssign) and isinstance(declared.value, ast.Constant):
                is_told = isinstance(told, ast.Expr) and isinstance(told.value, ast.Constant)
                yield declared.value.value, str(told.value.value).strip() if is_told else ""  # type: ignore[attr-defined]


def test_an_attribute_is_either_ours_or_of_the_conventions_of_today() -> None:
    known = conventional()
    assert len(known) > 500
    # The conventions for generative AI have moved to a repository of their own, and hold.
    foreign = [each for each in ATTRIBUTES.values() if not each.startswith("headwater.")]
    assert [
        each for each in foreign if not known.get(each) and not (each in known and each.startswith("gen_ai."))
    ] == []


def test_no_attribute_is_for_content() -> None:
    assert [each for each in ATTRIBUTES.values() if CONTENT.match(each)] == []


def test_no_two_attributes_are_one_but_for_metrics_words() -> None:
    found = list(ATTRIBUTES.values())
    doubles = {each for each in found if found.count(each) > 1}
    assert all(not each.startswith("headwater.") for each in doubles)


@pytest.mark.parametrize("declared", names.SPANS, ids=lambda each: f"{each.kind.name.lower()} {each.meaning[:30]}")
def test_a_span_is_named_by_attributes_that_it_has(declared: names.Span) -> None:
    may = {*declared.required, *declared.optional}
    assert set(declared.named_by) <= may
    assert may <= set(ATTRIBUTES.values())
    assert not set(declared.required) & set(declared.optional)
    assert declared.name(dict.fromkeys(declared.named_by, "x"))
    assert names.ERROR_TYPE in declared.optional


def test_every_span_is_among_the_spans() -> None:
    assert {id(each) for each in vars(names).values() if isinstance(each, names.Span)} == set(map(id, names.SPANS))
