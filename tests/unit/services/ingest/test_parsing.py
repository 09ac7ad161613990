import time

import pytest
from headwater_ingest.domain.blocks import BlockKind, ParsedText
from headwater_ingest.domain.parsing import PARSERS, normalise, parse
from headwater_ingest.domain.parsing.html import MAX_DEPTH
from headwater_kit.core.errors import InvalidInput
from hypothesis import given, settings
from hypothesis import strategies as st

H, P, L, C, T = BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.LIST, BlockKind.CODE, BlockKind.TABLE


def shown(parsed: ParsedText) -> list[tuple[BlockKind, str] | tuple[BlockKind, int, str]]:
    return [
        (b.kind, b.level, parsed.text[b.start : b.end]) if b.level else (b.kind, parsed.text[b.start : b.end])
        for b in parsed.blocks
    ]


def test_markdown() -> None:
    parsed = parse(
        "text/markdown",
        """# A *title*

Para &amp; more
on the next line.  
After a break, with `code` and [a link](u) and ![an image](i.png).

Second
---

- one
  - nested
    ```
    code
    ```
- two

3. three
4. four

| A | B |
|---|---|
| 1 | *2* |

```py
  def f():

    pass
```

> quoted

<div><p>in <b>HTML</b></p><script>no()</script></div>

Text <script>no()</script> after.
""",  # noqa: W291 - two spaces at the end of a line are Markdown's break
    )
    assert parsed.title == "A title"
    assert shown(parsed) == [
        (H, 1, "A title"),
        (P, "Para & more on the next line.\nAfter a break, with code and a link and an image."),
        (H, 2, "Second"),
        (L, "- one\n  - nested\n    code\n- two"),
        (L, "3. three\n4. four"),
        (T, "A | B\n1 | 2"),
        (C, "  def f():\n\n    pass"),
        (P, "quoted"),
        (P, "in HTML"),
        (P, "Text  after."),
    ]


def test_markdown_front_matter_gives_the_title_and_is_no_text() -> None:
    parsed = parse("text/markdown", '---\ntitle: "From the front"\ntags: [a]\n---\n\n# Heading\n\ntext\n')
    assert parsed.title == "From the front"
    assert shown(parsed) == [(H, 1, "Heading"), (P, "text")]


def test_html() -> None:
    parsed = parse(
        "text/html",
        """<!doctype html><html><head><title> The &lt;title&gt; </title><style>p{}</style></head>
        <body><nav>menu</nav><h1>A <i>heading</i></h1>
        <p>a<br>b <b>c</b>
        d<!-- comment --><script>no()</script>
        <ul><li>one<ul><li>nested</ul><li><p>two<p>three</ul>
        <ol><li>x<li>y</ol>
        <table><caption>cap</caption><tr><th>A<th>B<tr><td><p>1</p><p>2</p><td>3</table>
        <pre>
  x
    y
</pre><noscript>no</noscript>
        tail &eacute;</body></html>""",
    )
    assert parsed.title == "The <title>"
    assert shown(parsed) == [
        (P, "menu"),
        (H, 1, "A heading"),
        (P, "a\nb c d"),
        (L, "- one\n  - nested\n- two\n  three"),
        (L, "1. x\n2. y"),
        (T, "cap A | B\n1 2 | 3"),
        (C, "  x\n    y"),
        (P, "tail é"),
    ]


def test_plain_text_stays_as_it_is() -> None:
    text = """Title
*****

Para one,
second line.

   code ::= x

Sub
===

* item
* item 2

====
 Mid
====
text right after
"""
    parsed = parse("text/plain", text)
    assert parsed.text == text
    assert parsed.title == "Title"
    assert shown(parsed) == [
        (H, 1, "Title"),
        (P, "Para one,\nsecond line."),
        (C, "   code ::= x"),
        (H, 2, "Sub"),
        (L, "* item\n* item 2"),
        (H, 3, "Mid"),
        (P, "text right after"),
    ]


def test_newlines_and_control_characters_are_normalised() -> None:
    assert normalise("\ufeffa\r\nb\rc\x00d\x1b\te") == "a\nb\nc d \te"


def test_an_overlong_heading_is_prose() -> None:
    assert [b.kind for b in parse("text/html", f"<h1>{'long ' * 100}</h1>").blocks] == [P]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/html", "<div>" * MAX_DEPTH + "x"),
        ("text/html", "<p>" * 50_000 + "x"),
        ("text/html", "<table><tr><td>" * 600 + "x"),
        ("text/html", "<ul><li>" * 900 + "x"),
        ("text/html", "&amp" * 100_000 + "<" * 100_000),
        ("text/html", "<!--" * 50_000 + "x"),
        ("text/markdown", ">" * 50_000 + "x"),
        ("text/markdown", "- " * 5_000 + "x"),
        ("text/markdown", "[" * 10_000 + "x"),
        ("text/markdown", "*a **" * 5_000),
        ("text/markdown", "`" * 20_000 + "x"),
        ("text/markdown", "|a" * 5_000 + "\n" + "|-" * 5_000 + "\n"),
        ("text/plain", " " * 1_000_000 + "x"),
        ("text/plain", "\n=" * 200_000),
        ("text/plain", "a\n===\n" * 50_000),
    ],
    ids=lambda value: value[:12],
)
def test_hostile_input_is_read_in_time(media_type: str, body: str) -> None:
    start = time.perf_counter()
    parse(media_type, body)
    # Generous, for a machine under load; what grows with the square takes minutes.
    assert time.perf_counter() - start < 10.0


def test_elements_nested_beyond_measure_are_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse("text/html", "<div>" * (MAX_DEPTH + 1) + "x")
    assert refused.value.reason == "TOO_COMPLEX"


TAGS = "<p> </p> <ul><li> </ul> <table><tr><td> </table> <pre> </pre> <h2> </h2> <script> </script>".split()
MARKS = ["word", " ", "\n", "\n\n", "# ", "===", "---", "- ", "1. ", "> ", "```", "| a ", "&lt;", "é", "。", "\t"]
PIECES = st.sampled_from([*TAGS, *MARKS])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(PARSERS)), st.lists(PIECES, max_size=60).map("".join))
def test_blocks_are_in_order_and_hold_all_text(media_type: str, body: str) -> None:
    parsed = parse(media_type, body)
    end = 0
    for block in parsed.blocks:
        assert end <= block.start < block.end <= len(parsed.text)
        assert is_no_text(parsed.text[end : block.start])
        assert parsed.text[block.start : block.end].strip() != ""
        end = block.end
    assert is_no_text(parsed.text[end:])


def is_no_text(gap: str) -> bool:
    """White space, or the underline of a heading of plain text."""
    return set(gap.split()) <= {"=" * count for count in range(3, 90)} | {"-" * count for count in range(3, 90)}
