"""What the rules of `filter.lark` mean: a filter's parts, made as they are read."""

import math
import re

from headwater_kit.core.documents import MetadataValue
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import All, Any, Compare, Exists, Filter, Member, Not, Operator, Prefix
from headwater_kit.core.moments import Moment, moment_of
from lark import Token, Transformer, v_args

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_FLIPPED = {Operator.LT: Operator.GT, Operator.LE: Operator.GE, Operator.GT: Operator.LT, Operator.GE: Operator.LE}


def refusal(message: str) -> InvalidInput:
    """A text is no filter."""
    return InvalidInput(message, field="filter", reason="BAD_FILTER")


@v_args(inline=True)
class FilterTree(Transformer[Token, Filter]):
    """One method a rule, called from the leaves up; each gets what the rule's parts were made into."""

    def any(self, *filters: Filter) -> Filter:
        """Operands of `or`."""
        return Any(filters)

    def all(self, *filters: Filter) -> Filter:
        """Operands of `and`."""
        return All(filters)

    def negated(self, filter: Filter) -> Filter:
        """What stands behind `not`."""
        return Not(filter)

    def compare(self, field: str, operator: Operator, value: MetadataValue | Moment) -> Filter:
        """A field against a value."""
        return Compare(field, operator, value)

    def between(
        self,
        low: MetadataValue | Moment,
        first: Operator,
        field: str,
        second: Operator | None = None,
        high: MetadataValue | Moment = 0.0,
    ) -> Filter:
        """A value before a field, and maybe one behind it."""
        above = Compare(field, _FLIPPED[first], low)
        return above if second is None else All((above, Compare(field, second, high)))

    def member(self, field: str, values: tuple[MetadataValue, ...]) -> Filter:
        """A field among values."""
        return Member(field, values)

    def outside(self, field: str, values: tuple[MetadataValue, ...]) -> Filter:
        """A field not among values."""
        return Not(Member(field, values))

    def prefix(self, field: str, text: Token) -> Filter:
        """How a field begins."""
        return Prefix(field, self.text(text))

    def exists(self, field: str) -> Filter:
        """Whether a field is there."""
        return Exists(field)

    def values(self, *values: MetadataValue | Moment) -> tuple[MetadataValue | Moment, ...]:
        """Values to be among; times are none."""
        if any(isinstance(value, Moment) for value in values):
            raise refusal("a time cannot be a member of a list: compare it by < <= > >=, or put text into quotes")
        return values

    def comparator(self, sign: Token) -> Operator:
        """A comparison; `=` is `==`."""
        return Operator("==" if sign == "=" else str(sign))

    def order(self, sign: Token) -> Operator:
        """A comparison by order."""
        return Operator(str(sign))

    def plain_name(self, name: Token) -> str:
        """A field's name."""
        return str(name)

    def quoted_name(self, name: Token) -> str:
        """A field's name in backquotes, of which two mean one."""
        return name[1:-1].replace("``", "`")

    def text(self, text: Token) -> str:
        """A text in quotes; after a backslash n, r and t mean breaks and a tab, others themselves."""
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1], flags=re.DOTALL)

    def number(self, number: Token) -> float:
        """A finite number."""
        value = float(number)
        if not math.isfinite(value):
            raise refusal(f"{number[:20]}, at character {_place(number)}, is too large for a number")
        return value

    def time(self, time: Token) -> Moment:
        """A date or a time that there is."""
        moment = moment_of(str(time))
        if moment is None:
            raise refusal(f"{time}, at character {_place(time)}, is no date or time that there is")
        return moment

    def true(self) -> bool:
        """Yes."""
        return True

    def false(self) -> bool:
        """No."""
        return False


def _place(token: Token) -> int:
    """Its first character, counted from 1."""
    return (token.start_pos or 0) + 1
