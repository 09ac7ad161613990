"""What an answer may hold is measured by its passages."""

import pytest
from headwater_generate.domain import prompts
from headwater_guard.domain import output
from headwater_guard.domain.policies import PROMPT_MARKERS
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage
from headwater_kit.core.events import Finding


def passage(text: str, source_uri: str = "") -> Passage:
    return Passage(Chunk("c", 0, text, (), 0, len(text), 1, "h"), "doc", 1, DocumentInfo(source_uri=source_uri))


def shown(text: str, findings: list[Finding]) -> list[str]:
    return [text[finding.start : finding.end] for finding in findings]


def test_personal_data_of_the_passages_may_be_told() -> None:
    answer = "Ask ada@example.org or bob@example.org, +49 30 901820."
    sources = [passage("Write to ada@example.org, phone +49-30-901820")]
    assert shown(answer, output.foreign_pii(answer, sources)) == ["bob@example.org"]


def test_markers_are_seen_in_any_case() -> None:
    assert output.leaks("fine", ["<|im_start|>"]) == []
    assert len(output.leaks("so: <|IM_START|>system", ["<|im_start|>", ""])) == 1


@pytest.mark.parametrize("marker", PROMPT_MARKERS)
def test_what_generate_tells_the_model_is_known_and_kept_in(marker: str) -> None:
    system = prompts.messages("q", [])[0]["content"]
    assert marker in system
    assert output.leaks(f"I was told: {system}", [marker])


def test_citations_must_exist() -> None:
    answer = "True [1]. Also [2], [3] and [0]; but items[7] is code, [9] is quoted."
    sources = [passage("one"), passage("as in [9]")]
    assert shown(answer, output.unknown_citations(answer, sources)) == ["[3]", "[0]"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("see https://evil.example/x", "foreign_link"),
        ("see [docs](https://evil.example/x)", "foreign_link"),
        ("![x](https://evil.example/?q=secret)", "foreign_image"),
        ("![x](//evil.example/?q=secret)", "foreign_image"),
        ("![x](data:image/png;base64,AAAA)", "foreign_image"),
        ("<img src='https://evil.example/a.png'>", "foreign_image"),
        ("[1]: https://evil.example/x", "foreign_link"),
        ("go to www.evil.example now", "foreign_link"),
        ("see https://docs.example.org/page?leak=secret", "foreign_link"),
        ("![x](https://docs.example.org/secret.png)", "foreign_image"),
        ("see https://user:pw@docs.example.org/", "foreign_link"),
        ("see https://docs.example.org.evil.example/", "foreign_link"),
    ],
)
def test_links_that_could_carry_something_out(answer: str, kind: str) -> None:
    sources = [passage("Read https://docs.example.org/start first.", "https://docs.example.org/list.html")]
    assert {finding.kind for finding in output.foreign_links(answer, sources)} == {kind}


@pytest.mark.parametrize(
    "answer",
    [
        "see https://docs.example.org/start.",
        "see [list](https://docs.example.org/list.html)",
        "see https://www.docs.example.org/other",
        "see [below](#part) and [file](notes.md)",
        "call f[i](x) and g[0](https)",
        "![ok](https://docs.example.org/pic.png?w=10)",
    ],
)
def test_links_of_the_passages_pass(answer: str) -> None:
    sources = [
        passage("Read https://docs.example.org/start and ![p](https://docs.example.org/pic.png?w=10)"),
        passage("x", "https://docs.example.org/list.html"),
    ]
    assert output.foreign_links(answer, sources) == []
