"""A training by sentence-transformers and torch, which no service has and `make setup` does not install.

Run it where the extra `headwater-inference[train]` is; elsewhere it is skipped.
The models are made here: BERTs of two layers with random weights.
"""

import json
from pathlib import Path

import pytest
from headwater_inference.addition import add_model, read_manifest
from headwater_inference.catalogue import open_encoder, open_reranker
from headwater_inference.registry import known
from headwater_inference.store import ModelStore
from headwater_inference.training.__main__ import main
from unit.libs.headwater_inference.tiny_model import write_tokenizer

reason = "needs the extra headwater-inference[train]"
pytest.importorskip("onnx", reason=reason)
transformers = pytest.importorskip("transformers", reason=reason)
sentence_transformers = pytest.importorskip("sentence_transformers", reason=reason)
parts = pytest.importorskip("sentence_transformers.sentence_transformer.modules", reason=reason)
SUBJECTS = ("kafka", "bread", "roses", "taxes", "violin", "chess", "rivers", "glass", "horses", "salt", "maps", "wool")


def base(folder: Path, kind: str) -> Path:
    """Random weights, as sentence-transformers saves them."""
    folder.mkdir()
    write_tokenizer(folder / "raw.json")
    words = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "raw.json"), cls_token="[CLS]", sep_token="[SEP]", pad_token="[SEP]",
        model_max_length=64,
    )  # fmt: skip
    words.save_pretrained(folder)
    transformers.set_seed(7)
    size = transformers.BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=64, initializer_range=0.3, num_labels=1,
    )  # fmt: skip
    if kind == "reranker":
        transformers.BertForSequenceClassification(size).save_pretrained(folder)
        return folder
    transformers.BertModel(size).save_pretrained(folder)
    modules = [parts.Transformer(str(folder), max_seq_length=64), parts.Pooling(32, "mean")]
    saved = folder / "saved"
    sentence_transformers.SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(saved))
    return saved


def exported(folder: Path) -> Path:
    """Questions of subjects, each with its answer and what is none; one subject in three is gold."""
    folder.mkdir()
    rows, gold = [], []
    for place, subject in enumerate(SUBJECTS):
        positive, negative = f"yes: {subject}", f"no! {subject}"
        for asked in ("of", "why", "how"):
            row = {"query": f"{asked} {subject}", "positive": positive, "negative": negative}
            if place % 3:
                rows.append(row)
            else:
                gold.append({"query": row["query"], "relevant": [{"text": positive, "grade": 3}]})
    for name, lines in (("negatives", rows), ("gold", gold)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.mark.parametrize("kind", ["encoder", "reranker"])
def test_what_is_trained_learns_and_can_be_added(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"--out {tmp_path}/made --licence MIT --epochs 20 --batch 8 --rate 2e-3 --keep --json"
    export, model = exported(tmp_path / "export"), base(tmp_path / "base", kind)
    assert main([kind, str(export), "--base", str(model), *words.split()]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["last_loss"] < figures["first_loss"]
    assert (figures["rows"], figures["questions"], figures["is_gold"]) == (24, 12, True)
    assert figures["ndcg_after"] > figures["ndcg_before"]
    store = ModelStore(tmp_path / "models")
    folder = tmp_path / "made" / "model"
    spec = add_model(folder, read_manifest(folder, {}), store)
    assert (spec.name, spec.kind, spec.licence) == ("made", kind, "MIT")
    found = known(store.root).get("made")
    if kind == "reranker":
        reranker = open_reranker(found, store)
        assert len(reranker.score([reranker.pair("of chess", "yes: chess")])) == 1
    else:
        assert open_encoder(found, store).card.dimension == 32


def test_what_became_worse_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export, model = exported(tmp_path / "export"), base(tmp_path / "base", "encoder")
    lines = [json.loads(line) for line in (export / "negatives.jsonl").read_text().splitlines()]
    # What answers and what does not, exchanged: the gold questions say otherwise.
    turned = [{**line, "positive": line["negative"], "negative": line["positive"]} for line in lines]
    (export / "negatives.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ours = f"--out {tmp_path}/good --licence MIT --epochs 20 --batch 8 --rate 2e-3 --keep --no-export --json"
    assert main(["encoder", str(export), "--base", str(model), *ours.split()]) == 0
    (export / "negatives.jsonl").write_text("".join(json.dumps(line) + "\n" for line in turned))
    capsys.readouterr()
    words = f"--out {tmp_path}/bad --licence MIT --epochs 20 --batch 8 --rate 2e-3 --no-export"
    assert main(["encoder", str(export), "--base", f"{tmp_path}/good/sentence-transformers", *words.split()]) == 1
    assert "it became worse" in capsys.readouterr().err
    assert not (tmp_path / "bad").exists()
