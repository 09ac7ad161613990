"""First places count by the probability that they were drawn with, whatever was withheld or stood on a page before."""

from dataclasses import replace

import numpy as np
import pytest
from headwater_feedback.domain.offpolicy import drawn_list
from headwater_feedback.domain.preferences import drawn
from headwater_kit.core.impressions import ImpressionClosed, ImpressionItem
from unit.services.feedback.closed_lists import closed, item
from unit.services.feedback.traffic import drawn as drawn_order

SCORES = np.array([2.0, 1.0, 0.5, 0.0])
# What users make of each, where it stands first.
WORTH = (0.2, 0.9, 0.4, 0.6)
LISTS = 6_000


def shown(rng: np.random.Generator, withheld: float, per_page: int) -> tuple[list[ImpressionItem], list[int]]:
    """A drawn list, and which passage stands at each place; the first may be withheld, or on a page before."""
    order, chances = drawn_order(SCORES, rng)
    items = [
        replace(item(rank, (float(place),), float(np.log(chance))), chunk_id=f"c{place}")
        for rank, (place, chance) in enumerate(zip(order, chances, strict=True), 1)
    ]
    # Documents change while a list is made, the liked ones more often.
    gone = [one for one in range(len(items)) if rng.random() < withheld * WORTH[order[one]]]
    left = [one for one in range(len(items)) if one not in gone]
    page = left if rng.random() < 0.5 else [one for one in left if one >= per_page]
    return [items[one] for one in page], [order[one] for one in page]


def closing(items: list[ImpressionItem], order: list[int]) -> ImpressionClosed:
    labels = {items[0].rank: WORTH[order[0]]} if items else {}
    event = closed(items, labels).event
    assert isinstance(event, ImpressionClosed)
    return event


@pytest.mark.parametrize("withheld", [0.0, 0.3])
def test_a_first_place_has_the_probability_that_it_was_drawn_with(withheld: float) -> None:
    rng = np.random.default_rng(7)
    found = [drawn_list(closing(*shown(rng, withheld, per_page=2))) for _ in range(LISTS)]
    lists = [each for each in found if each is not None]
    assert len(lists) > LISTS / 8
    chances = np.exp(SCORES) / np.exp(SCORES).sum()
    for place, worth in enumerate(WORTH):
        mine = [one for one in lists if one.features[one.first][0] == place]
        assert {round(one.propensity, 9) for one in mine} == {round(float(chances[place]), 9)}
        assert {one.reward for one in mine} == {worth}
        if not withheld:
            # Weighed by it, each passage comes first as often as any other: what inverse propensities rest on.
            assert sum(1.0 / one.propensity for one in mine) / len(lists) == pytest.approx(1.0, abs=0.12)


def test_a_list_that_has_a_gap_is_read_up_to_it() -> None:
    whole = [item(rank, log_propensity=-1.0) for rank in range(1, 5)]
    assert len(drawn(whole)[0]) == 4
    assert len(drawn([whole[0], whole[1], whole[3]])[0]) == 2
    assert len(drawn(whole[2:])[0]) == 2, "of a page that follows shares of what the first one left"
