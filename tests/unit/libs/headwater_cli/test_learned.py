"""What was learned, drawn for people; gold questions, read from a file."""

from pathlib import Path

import pytest
from headwater_cli.commands.gold import read_questions, values
from headwater_cli.commands.learned import full_id, learned_values
from headwater_cli.commands.learned_display import show_decided, show_difference, show_explanation, show_learned
from headwater_client import LearnedModel, ModelDifference, ModelExplanation
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import GateCheck, GateDecided, GateDecision, GoldLabel, ServingPolicy, Stamp

STAMP = Stamp("abcdef0123456789", "fedcba", "00ff", b"\x01\x02", "key", Position(3, 1402), 7, {"pairs": 812.0}, 900)
LIVE = LearnedModel("ranker", "", 900, 1.0, STAMP, ServingPolicy.EXPLOIT, 0.0)
CANARY = LearnedModel("adapter", "", 50, 1.0, Stamp("abd"), ServingPolicy.CANARY, 0.1)
MEMORIES = [LearnedModel("memory", f"c{n}", 3, 1.0, None, ServingPolicy.EXPLOIT, 0.0) for n in range(2)]
DECIDED = GateDecided(
    *("acme", "ranker", "abcdef0123456789", "", GateDecision.REFUSED),
    (GateCheck("snips_lower_bound", -0.31, -0.1, passed=False, examples=240),),
    "did not pass [snips_lower_bound]",
    time=1.0,
    user="ann",
)


def test_a_model_is_told_with_stage_and_share_and_memories_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    show_learned([LIVE, CANARY, *MEMORIES])
    printed = capsys.readouterr().out
    for words in ("ranker", "live", "abcdef012345", "900", "canary, 10%", "questions: 2", "votes: 6"):
        assert words in printed
    show_learned([])
    assert "nothing was learned yet" in capsys.readouterr().out


def test_a_decision_is_told_with_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    show_decided([DECIDED])
    printed = capsys.readouterr().out
    for words in ("refused by ann", "[snips_lower_bound]", "no snips_lower_bound -0.31, bound -0.1", "(240)"):
        assert words in printed


def test_an_explanation_tells_where_a_model_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    show_explanation(ModelExplanation(LIVE, (CANARY,), (DECIDED,)))
    printed = capsys.readouterr().out
    for words in ("up to 3:1402, seed 7", "pairs 812", "signed by", "abd", "refused"):
        assert words in printed


def test_what_differs_most_stands_first(capsys: pytest.CaptureFixture[str]) -> None:
    show_difference(ModelDifference(None, LIVE, {"fused": (1.0, 1.1), "title": (0.0, 0.5), "new": (None, 0.01)}))
    printed = capsys.readouterr().out
    assert printed.index("title") < printed.index("fused") < printed.index("new")
    assert "+0.5" in printed


def test_an_id_may_be_shortened_where_it_is_the_only_one() -> None:
    assert full_id([LIVE, CANARY], "abc") == LIVE.snapshot_id
    assert full_id([LIVE, CANARY], "ab") == "ab"
    assert full_id([LIVE, CANARY], "") == ""
    assert learned_values(LIVE)["stamp"]["signature"] == "0102"


def test_gold_questions_are_read_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl"
    file.write_text('{"text": "when?", "relevant": {"hours": 3, "home": 0}}\n\n', encoding="utf-8")
    (question,) = read_questions(file)
    assert question.labels == (GoldLabel("hours", 3), GoldLabel("home", 0))
    assert values(question)["relevant"] == {"hours": 3, "home": 0}
    for wrong in ("{", "[]", '{"text": "when?"}', '{"text": "when?", "relevant": {"hours": "good"}}'):
        file.write_text(f"\n{wrong}\n", encoding="utf-8")
        with pytest.raises(InvalidInput, match="line 2"):
            list(read_questions(file))
