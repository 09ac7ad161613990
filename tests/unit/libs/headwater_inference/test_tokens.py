import subprocess
import sys
from pathlib import Path

import pytest
from headwater_inference.registry import builtin
from headwater_inference.store import ModelStore
from headwater_inference.tokens import BLOCK_CHARACTERS, SubwordCounter, WordCounter, blocks, open_counter
from headwater_kit.core.errors import Misconfigured
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

TEXT = "Records, in order:\n\n  naïve 你好 "


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> SubwordCounter:
    """A real tokenizer with a small vocabulary: each character a piece, each mark its own word."""
    alphabet = sorted(set(TEXT + "abcdefghijklmnopqrstuvwxyz"))
    vocabulary = {"[UNK]": 0}
    for character in alphabet:
        vocabulary.setdefault(character, len(vocabulary))
        vocabulary.setdefault("##" + character, len(vocabulary))
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.enable_truncation(8)  # must not count
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return SubwordCounter(path)


def test_offsets_point_at_the_tokens(counter: SubwordCounter) -> None:
    offsets = counter.offsets(TEXT)
    assert "".join(TEXT[start:end] for start, end in zip(offsets.starts, offsets.ends, strict=True)) == "".join(
        TEXT.split()
    )
    assert len(offsets) == counter.count(TEXT)


def test_a_span_is_counted_by_the_tokens_that_begin_in_it(counter: SubwordCounter) -> None:
    offsets = counter.offsets("abc de")
    assert [offsets.count(0, 6), offsets.count(0, 3), offsets.count(3, 6), offsets.count(2, 5)] == [5, 3, 2, 2]


def test_long_texts_count_as_if_they_were_not_cut(counter: SubwordCounter) -> None:
    words = 2 * BLOCK_CHARACTERS // len(TEXT)
    assert counter.count(TEXT * words) == words * counter.count(TEXT)
    offsets = counter.offsets(TEXT * words)
    assert len(offsets) == words * counter.count(TEXT)
    assert list(offsets.starts) == sorted(offsets.starts)


def test_words_are_counted_without_a_file(tmp_path: Path) -> None:
    counter = open_counter(builtin().get("hash-words"), ModelStore(tmp_path))
    assert isinstance(counter, WordCounter)
    assert counter.count("Two words.") == len(counter.offsets("Two words.")) == 3


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(Misconfigured, match=r"tokenizer\.json"):
        SubwordCounter(path)


def test_counting_does_not_load_the_runtime() -> None:
    code = (
        "import sys, headwater_inference.tokens, headwater_inference.settings; sys.exit('onnxruntime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.text(st.sampled_from("ab \n"), max_size=100), st.integers(1, 9))
def test_blocks_make_up_the_text_and_cut_after_white_space(text: str, repeat: int) -> None:
    text = (text * repeat * 200)[: 5 * BLOCK_CHARACTERS]
    parts = list(blocks(text))
    assert "".join(block for _, block in parts) == text
    assert [start for start, _ in parts] == [sum(len(b) for _, b in parts[:i]) for i in range(len(parts))]
    for _, block in parts[:-1]:
        assert len(block) <= BLOCK_CHARACTERS
        assert block[-1].isspace() or not any(map(str.isspace, block))
