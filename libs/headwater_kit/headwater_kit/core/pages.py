"""Tables that the code writes into pages written by hand."""

from pathlib import Path


def put_between(page: Path, begin: str, end: str, text: str) -> None:
    """Puts the text between the page's two marker lines. Raises ValueError if it has none."""
    head, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"put {begin} and {end} on lines of their own where the table goes")
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")
