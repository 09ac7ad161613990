"""Other encoders with the same weights, each in a process of its own that `bench/encode.py` starts and asks.

    PEERS_PYTHON peers.py NAME FOLDER

FOLDER holds `weights.npz`, `config.json` and `tokenizer.json`, and for
fastembed `model.onnx`. For each line of standard input, a JSON list of texts,
it writes one line: the seconds that encoding took, and where the vectors are.
Needs the packages of bench/requirements-peers.txt and nothing of Headwater.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

# A peer that waits for its turn must not spin on the cores of the one that has it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
THREADS = 2


def sentence_transformers(folder: Path, kind: str) -> Callable[[Sequence[str]], np.ndarray]:
    import torch  # noqa: PLC0415 - each peer needs its own packages
    from sentence_transformers import SentenceTransformer, models  # noqa: PLC0415
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast  # noqa: PLC0415

    torch.set_num_threads(THREADS)
    config = json.loads((folder / "config.json").read_text())
    pooling = config.pop("pooling")
    bert = BertModel(BertConfig(**config), add_pooling_layer=False)
    with np.load(folder / "weights.npz") as weights:
        bert.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files}, strict=False)
    bert.save_pretrained(folder / "hf")
    PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), model_max_length=512, pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]", unk_token="[UNK]", mask_token="[MASK]",
    ).save_pretrained(folder / "hf")  # fmt: skip
    transformer = models.Transformer(
        str(folder / "hf"), max_seq_length=512, model_args={"torch_dtype": getattr(torch, kind)}
    )
    parts = [transformer, models.Pooling(config["hidden_size"], pooling), models.Normalize()]
    encoder = SentenceTransformer(modules=parts, device="cpu")
    return lambda texts: np.asarray(encoder.encode(list(texts), batch_size=32, convert_to_numpy=True), dtype=np.float32)


def fastembed(folder: Path) -> Callable[[Sequence[str]], np.ndarray]:
    from fastembed import TextEmbedding  # noqa: PLC0415
    from fastembed.common.model_description import ModelSource, PoolingType  # noqa: PLC0415

    config = json.loads((folder / "config.json").read_text())
    pooling = {"cls": PoolingType.CLS, "mean": PoolingType.MEAN}[config["pooling"]]
    TextEmbedding.add_custom_model(
        model="bench/model", pooling=pooling, normalization=True, sources=ModelSource(hf="bench/model"),
        dim=config["hidden_size"], model_file="model.onnx",
    )  # fmt: skip
    encoder = TextEmbedding("bench/model", threads=THREADS, specific_model_path=str(folder))
    return lambda texts: np.stack(list(encoder.embed(list(texts), batch_size=32)))


PEERS: dict[str, Callable[[Path], Callable[[Sequence[str]], np.ndarray]]] = {
    "sentence-transformers float32": lambda folder: sentence_transformers(folder, "float32"),
    "sentence-transformers bfloat16": lambda folder: sentence_transformers(folder, "bfloat16"),
    "fastembed float32": fastembed,
}


def main(name: str, folder: Path) -> None:
    """Answers until there is nothing more to read."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever the packages print goes elsewhere
    encode = PEERS[name](folder)
    encode(["warm up"])
    for line in sys.stdin:
        texts = json.loads(line)
        begin = time.perf_counter()
        vectors = encode(texts)
        seconds = time.perf_counter() - begin
        target = folder / f"{name}.npy"
        np.save(target, vectors)
        answers.write(json.dumps({"seconds": seconds, "vectors": str(target)}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
