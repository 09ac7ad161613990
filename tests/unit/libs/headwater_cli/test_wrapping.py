from headwater_cli.commands.wrapping import WrappedStream
from hypothesis import given
from hypothesis import strategies as st


def wrapped(width: int, *pieces: str) -> str:
    written: list[str] = []
    stream = WrappedStream(width, written.append)
    for piece in pieces:
        stream.push(piece)
    stream.close()
    return "".join(written)


def test_lines_break_between_words_wherever_the_pieces_do() -> None:
    assert wrapped(11, "one tw", "o three ", "four") == "one two\nthree four\n"


def test_a_line_break_in_the_text_is_kept() -> None:
    assert wrapped(40, "one\n", "two") == "one\ntwo\n"


def test_paragraphs_and_indentation_are_kept() -> None:
    text = "One:\n\n- two\n    three\n\n\n\nfour"
    assert wrapped(40, *text) == "One:\n\n- two\n    three\n\nfour\n"


@given(st.lists(st.text(alphabet="ab \n", max_size=6), max_size=12), st.integers(1, 12))
def test_words_survive_and_fit(pieces: list[str], width: int) -> None:
    printed = wrapped(width, *pieces)
    words = "".join(pieces).split()
    assert printed.split() == words
    assert all(len(line) <= max(width, *map(len, words), 0) for line in printed.splitlines())
