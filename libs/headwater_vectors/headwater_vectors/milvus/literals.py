"""Filter values written into the text, where templates are not taken.

The only place where a value becomes expression text. Strings are quoted and
everything that ends or escapes a quoted string is escaped, so a value stays one
token whatever it holds; tests feed the result to the engine's own tokenizer.
"""

import math
import re

from headwater_kit.core.errors import InvalidInput

from headwater_vectors.filters import Expression, Parameter

_PLACE = re.compile(r"\{(p\d+)\}")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'[\\"\n\r\t]')


def inlined(expression: Expression) -> str:
    """The expression with its parameters written in; each place is filled once, values are not looked into."""
    return _PLACE.sub(lambda place: literal(expression.parameters[place[1]]), expression.text)


def literal(value: Parameter) -> str:
    """A value in the grammar of Milvus filters. Raises InvalidInput for a number that is none."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + _ESCAPED.sub(lambda found: _ESCAPES[found[0]], value) + '"'
        case list():
            return "[" + ", ".join(literal(each) for each in value) + "]"
        case int():
            return str(value)
    if not math.isfinite(value):
        raise InvalidInput("a filter value must be a finite number", field="filter")
    # repr is exact, but "1e+16" and "-5.0" are read as an operator and a number: the grammar takes that too.
    return repr(value)
