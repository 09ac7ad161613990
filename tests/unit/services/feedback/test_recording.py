import math
from dataclasses import replace

import pytest
from headwater_feedback.domain.velocity import Velocity
from headwater_feedback.handlers import Reacted, Recording
from headwater_kit.core.documents import ANONYMOUS, Principal
from headwater_kit.core.errors import Denied, InvalidInput, Overloaded
from headwater_kit.core.impressions import ImpressionRecorded, Reaction, Standing
from headwater_kit.core.roles import Role
from headwater_kit.testing.clock import ManualClock
from unit.services.feedback.shown import impression
from unit.services.feedback.test_handlers import MemoryLog

ANN = Principal("acme", "ann", roles=frozenset({Role.READER}))
EXPERT = replace(ANN, roles=frozenset({Role.OPERATOR}))
UP = Reacted("i", Reaction.UP, 2)


class Known:
    """Follows one list; ids that begin with x are another process's."""

    def find(self, impression_id: str) -> ImpressionRecorded | None:
        if impression_id.startswith("x"):
            raise LookupError(impression_id)
        return impression() if impression_id == "i" else None


def recording(most_a_minute: int = 100) -> tuple[Recording, MemoryLog]:
    log = MemoryLog()
    return Recording(log, ManualClock(), lambda: "new", shown=Known(), velocity=Velocity(most_a_minute)), log


async def test_the_principal_comes_from_the_credential() -> None:
    taking, log = recording()
    recorded = await taking.record(replace(UP, reaction=Reaction.RATING, value=4.0), ANN)
    assert (recorded.feedback_id, recorded.standing) == ("new", Standing.SHOWN)
    said = log.feedback[0]
    assert (said.tenant, said.user, said.rank, said.value) == ("acme", "ann", 2, 4.0)


@pytest.mark.parametrize(
    ("reacted", "field"),
    [
        (replace(UP, rank=2_001), "rank"),
        (replace(UP, rank=-1), "rank"),
        (replace(UP, rank=9), "rank"),
        (replace(UP, value=1.0), "value"),
        (replace(UP, text="no"), "text"),
        (replace(UP, feedback_id="a\n"), "feedback_id"),
        (replace(UP, impression_id=""), "impression_id"),
        (replace(UP, reaction=Reaction.RATING, value=0.0), "value"),
        (replace(UP, reaction=Reaction.RATING, value=3.5), "value"),
        (replace(UP, reaction=Reaction.RATING, value=6.0), "value"),
        (replace(UP, reaction=Reaction.DWELL, value=-0.1), "value"),
        (replace(UP, reaction=Reaction.DWELL, value=math.nan), "value"),
        (replace(UP, reaction=Reaction.DWELL, value=math.inf), "value"),
        (replace(UP, reaction=Reaction.EXPERT_LABEL, value=4.0), "value"),
        (replace(UP, reaction=Reaction.CORRECTION, text=" "), "text"),
        (replace(UP, reaction=Reaction.CORRECTION, text="a" * 10_001), "text"),
    ],
)
async def test_what_no_reaction_can_be_is_refused_by_its_field(reacted: Reacted, field: str) -> None:
    taking, log = recording()
    with pytest.raises(InvalidInput) as caught:
        await taking.record(reacted, EXPERT)
    assert caught.value.field == field
    assert log.feedback == []


async def test_an_expert_label_needs_an_operator() -> None:
    taking, log = recording()
    label = replace(UP, reaction=Reaction.EXPERT_LABEL, value=3.0)
    with pytest.raises(Denied):
        await taking.record(label, ANN)
    assert log.feedback == []
    for role in (Role.OPERATOR, Role.ADMIN):
        await taking.record(label, replace(ANN, user="expert", roles=frozenset({role})))
    assert len(log.feedback) == 2


@pytest.mark.parametrize(
    ("impression_id", "principal", "standing"),
    [
        ("i", ANN, Standing.SHOWN),
        ("never", ANN, Standing.NOT_KNOWN_YET),
        ("x", ANN, Standing.UNCHECKED),
        # Whether others were shown it is not told.
        ("i", replace(ANN, user="ben"), Standing.NOT_KNOWN_YET),
        ("i", replace(ANN, tenant="evil"), Standing.NOT_KNOWN_YET),
    ],
)
async def test_the_reply_says_whether_it_was_shown(
    impression_id: str, principal: Principal, standing: Standing
) -> None:
    taking, log = recording()
    assert (await taking.record(replace(UP, impression_id=impression_id), principal)).standing is standing
    assert len(log.feedback) == 1


async def test_a_flood_is_refused_by_user_and_minute() -> None:
    taking, log = recording(most_a_minute=2)
    for name in "fg":
        await taking.record(replace(UP, feedback_id=name), ANN)
    with pytest.raises(Overloaded) as caught:
        await taking.record(replace(UP, feedback_id="h"), ANN)
    assert caught.value.reason == "FLOOD"
    await taking.record(UP, replace(ANN, user="ben"))
    assert len(log.feedback) == 3


def test_each_minute_is_counted_anew_and_nobody_known_is_not() -> None:
    velocity = Velocity(1)
    asked = [velocity.admits("acme", "ann", f"f{time}", time) for time in (0.0, 59.0, 60.0, 30.0)]
    assert asked == [True, False, True, False]
    assert all(velocity.admits("acme", ANONYMOUS, str(number), 0.0) for number in range(9))
    assert all(Velocity(0).admits("acme", "ann", str(number), 0.0) for number in range(9))


def test_a_call_that_is_tried_again_counts_once() -> None:
    velocity = Velocity(2)
    assert all(velocity.admits("acme", "ann", "f", 0.0) for _ in range(9))
    assert [velocity.admits("acme", "ann", name, 0.0) for name in "gh"] == [True, False]
