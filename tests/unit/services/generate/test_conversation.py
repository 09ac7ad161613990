"""Questions that lean on earlier ones, by rules."""

import pytest
from headwater_generate.domain.conversation import leans, stand_alone
from headwater_generate.domain.parts import parts
from headwater_kit.core.rewriting import Turn
from hypothesis import given
from hypothesis import strategies as st

FERRY = Turn("When does the ferry to Skarholm leave?", "At noon, says Captain Ada Brandt. [1]")


@pytest.mark.parametrize(
    "question",
    [
        "Does it sail in winter?",
        "What do they cost on Sundays?",
        "And in winter on Sundays?",
        "What about children under six?",
        "Why?",
        "How much?",
        "Who runs these?",
        "How do I get there?",
        "它什么时候开？",
        "冬天呢？",
        "谁？",
    ],
)
def test_a_question_that_points_back_or_leaves_out_what_it_is_about_leans(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "When does the ferry to Skarholm leave?",
        "When a dog barks at night, does it bite?",
        "Is there a limit on open files?",
        "Which functions that return None raise errors?",
        "战国无双是由谁开发的？",
        "那么战国无双是由谁开发的？",
    ],
)
def test_a_question_that_names_what_it_is_about_stands_alone(question: str) -> None:
    assert not leans(question)
    assert stand_alone(question, [FERRY]) == question


@pytest.mark.parametrize(
    ("question", "history", "expected"),
    [
        ("Does it sail in winter?", [FERRY], "Does it sail in winter? (ferry, Skarholm leave)"),
        ("Why does the ferry?", [FERRY], "Why does the ferry? (Skarholm leave)"),
        ("Where was she born?", [FERRY], "Where was she born? (Captain Ada Brandt, ferry, Skarholm leave)"),
        ("冬天呢？", [Turn("去岛上的渡轮什么时候开？")], "冬天呢？ (去岛上, 渡轮, 开)"),
        # Through a question that leaned itself; and no further back than three turns.
        ("Why not?", [FERRY, Turn("And in winter?")], "Why not? (winter, ferry, Skarholm leave)"),
        ("Why not?", [FERRY, *[Turn("Why?")] * 3], "Why not?"),
        ("Does it sail in winter?", [], "Does it sail in winter?"),
        ("Does it sail in winter?", [Turn("What is it?")], "Does it sail in winter?"),
    ],
)
def test_it_is_given_the_phrases_that_it_leans_on(question: str, history: list[Turn], expected: str) -> None:
    assert stand_alone(question, history) == expected


@given(st.text(max_size=60), st.lists(st.builds(Turn, st.text(max_size=60), st.text(max_size=60)), max_size=5))
def test_a_questions_own_words_stay(question: str, history: list[Turn]) -> None:
    assert stand_alone(question, history).startswith(question)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When does the ferry leave?", ()),
        ("Tell me about salt and pepper.", ()),
        (
            "When was Skarholm church built and who built it?",
            ("When was Skarholm church built", "who built it? (Skarholm church built)"),
        ),
        (
            "What does the ferry cost? Where is the bakery?",
            ("What does the ferry cost?", "Where is the bakery?"),
        ),
        ("渡轮什么时候开？面包店在哪里？", ("渡轮什么时候开？", "面包店在哪里？")),
        ("; ".join(f"where is place {name}" for name in "abcdef"), tuple(f"where is place {name}" for name in "abcd")),
    ],
)
def test_a_question_is_cut_into_the_questions_in_it(question: str, expected: tuple[str, ...]) -> None:
    assert parts(question) == expected


def test_a_part_may_lean_on_the_conversation() -> None:
    assert parts("Does it sail in winter, and what about the bakery of Holm?", [FERRY])[0].endswith(
        "(ferry, Skarholm leave)"
    )
