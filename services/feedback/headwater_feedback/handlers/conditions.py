"""What learning goes by beside the examples: gold questions, users who are forgotten, tenants that were erased."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from headwater_kit.core.impressions import UserForgotten
from headwater_kit.core.learning import GoldQuestion
from headwater_kit.core.questions import question_key
from headwater_kit.core.tenants import Erasures

from headwater_feedback.domain.opinions import Example, people


class Conditions:
    """Owned by the event loop. Each of `told` is called with the tenant whose examples now teach something else."""

    def __init__(self, erasures: Erasures) -> None:
        self.told: list[Callable[[str], None]] = []
        self._erasures = erasures
        self._gold: dict[bytes, GoldQuestion] = {}
        self._forgotten: defaultdict[str, dict[str, float]] = defaultdict(dict)
        erasures.told.append(lambda erased: self._tell(erased.tenant))

    def gold(self, tenant: str) -> Mapping[str, GoldQuestion]:
        """See `ports.Gold`."""
        mine = (self._gold[key] for key in sorted(self._gold) if self._gold[key].tenant == tenant)
        return {question_key(question.query): question for question in mine}

    def put_gold(self, key: bytes, question: GoldQuestion | None) -> None:
        """Takes a gold question in, or out."""
        before = self._gold.pop(key, None)
        if question is not None:
            self._gold[key] = question
        if before != question:
            self._tell((question or before or _NOBODYS).tenant)

    def forget(self, user: UserForgotten) -> None:
        """Takes a user in who is forgotten; the latest word counts.

        Also of a tenant that was erased: whichever of the two is heard of first, the same is left.
        """
        before = self._forgotten[user.tenant].get(user.pseudonym, 0.0)
        if user.time > before:
            self._forgotten[user.tenant][user.pseudonym] = user.time
            self._tell(user.tenant)

    def admits(self, example: Example) -> bool:
        """Whether an example teaches: not if shown before its tenant was erased, or one of its people forgotten.

        By the time of the showing, since when somebody reacted is their own word.
        """
        shown = example.impression
        forgotten = self._forgotten.get(shown.tenant, {})
        is_forgotten = any(shown.show_time < forgotten.get(one, 0.0) for one in people(example))
        return not is_forgotten and not self._erasures.covers(shown.tenant, shown.show_time)

    def _tell(self, tenant: str) -> None:
        for tell in self.told:
            tell(tenant)


_NOBODYS = GoldQuestion("", "", (), "", 0.0)
