"""A conversation in a file: a JSON object a line, with `question` and `answer`, oldest turn first."""

import json
from pathlib import Path

from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.rewriting import Rewriting, Turn

# As many as a question may bring along.
MAX_TURNS = 50


def turns(file: Path) -> tuple[Turn, ...]:
    """The last turns of the conversation; none where there is no such file yet. Raises InvalidInput naming the line."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}", field="conversation") from None
    read = [_turn(line, f"{file}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    return tuple(read[-MAX_TURNS:])


def add_turn(file: Path, turn: Turn) -> None:
    """Adds a turn at the end. Raises InvalidInput where the file cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"question": turn.question, "answer": turn.answer}, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error}", field="conversation") from None


def searched_as(rewriting: Rewriting) -> str:
    """One line about how a question was searched."""
    texts = "; ".join((rewriting.question, *rewriting.queries))
    without = f" · without {'; '.join(rewriting.left_out)}" if rewriting.left_out else ""
    shortfall = f" · {rewriting.shortfall}" if rewriting.shortfall else ""
    return f"searched as: {texts} (by {rewriting.by}){without}{shortfall}"


def _turn(line: str, place: str) -> Turn:
    try:
        fields = json.loads(line)
        question, answer = fields["question"], fields.get("answer", "")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise InvalidInput(
            f'{place}: not a turn: write {{"question": "…", "answer": "…"}}', field="conversation"
        ) from None
    if not isinstance(question, str) or not isinstance(answer, str):
        raise InvalidInput(f"{place}: question and answer must be texts", field="conversation")
    return Turn(question, answer)
