"""An export by sentence-transformers and torch, which no service has and `make setup` does not install.

Run it where the extra `headwater-inference[export]` is; elsewhere it is skipped.
The model is made here: a BERT of two layers with random weights.
"""

from pathlib import Path
from typing import Any

import pytest
from headwater_inference.addition import add_model, read_manifest
from headwater_inference.catalogue import open_encoder
from headwater_inference.export import SAMPLES, export, main
from headwater_inference.registry import known
from headwater_inference.store import ModelStore
from headwater_kit.core.errors import InvalidInput
from unit.libs.headwater_inference.tiny_model import write_tokenizer

reason = "needs the extra headwater-inference[export]"
pytest.importorskip("onnx", reason=reason)
sentence_transformers = pytest.importorskip("sentence_transformers", reason=reason)
parts = pytest.importorskip("sentence_transformers.sentence_transformer.modules", reason=reason)
transformers = pytest.importorskip("transformers", reason=reason)
GIVEN = {"name": "made", "licence": "Apache-2.0", "query_prefix": "query: "}


def made(folder: Path, pooling: str = "mean") -> Any:
    """A small model, saved as sentence-transformers does."""
    base = folder / "base"
    base.mkdir(parents=True)
    write_tokenizer(base / "raw.json")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(base / "raw.json"),
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[SEP]",
        model_max_length=64,
    )
    tokenizer.save_pretrained(base)
    transformers.set_seed(7)
    size = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=64, initializer_range=0.3,  # or the first state would hardly depend on the text
    )  # fmt: skip
    transformers.BertModel(size).save_pretrained(base)
    words = parts.Transformer(str(base), max_seq_length=64)
    model = sentence_transformers.SentenceTransformer(modules=[words, parts.Pooling(32, pooling)], device="cpu")
    model.save(str(folder / "model"))
    return model


@pytest.mark.parametrize(
    ("precision", "pooling", "least"), [("fp32", "mean", 0.9999), ("fp32", "cls", 0.9999), ("int8", "mean", 0.97)]
)
def test_what_is_exported_and_added_embeds_like_the_original(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], precision: str, pooling: str, least: float
) -> None:
    model = made(tmp_path, pooling)
    words = f"--out {tmp_path}/out --precision {precision} --licence MIT --name made --source me --language en"
    assert main([f"{tmp_path}/model", *words.split(), "--query-prefix", "query: "]) == 0
    assert "least cosine to sentence-transformers" in capsys.readouterr().out
    store = ModelStore(tmp_path / "models")
    spec = add_model(tmp_path / "out", read_manifest(tmp_path / "out", {}), store)
    assert (spec.dimension, spec.max_tokens, spec.pooling, spec.query_prefix) == (32, 64, pooling, "query: ")
    assert (spec.licence, spec.source, spec.languages) == ("MIT", "me", ("en",))
    encoder = open_encoder(known(store.root).get("made"), store)
    vectors = encoder.encode([encoder.tokenize(text)[0] for text in SAMPLES])
    assert (vectors * model.encode(list(SAMPLES), normalize_embeddings=True)).sum(axis=1).min() >= least


def test_the_same_model_has_the_same_id_wherever_it_is_exported(tmp_path: Path) -> None:
    made(tmp_path)
    for name in ("one", "other"):
        export(tmp_path / "model", tmp_path / name / "out", "fp32", GIVEN)
    one, other = ((tmp_path / name / "out/model.onnx").read_bytes() for name in ("one", "other"))
    assert one == other
    assert str(tmp_path).encode() not in one


def test_a_pooling_that_cannot_be_served_is_refused_and_nothing_written(tmp_path: Path) -> None:
    made(tmp_path, "max")
    with pytest.raises(InvalidInput, match="pools by max"):
        export(tmp_path / "model", tmp_path / "out", "fp32", GIVEN)
    assert not (tmp_path / "out").exists()
