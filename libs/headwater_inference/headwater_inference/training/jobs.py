"""A training from beginning to end: read, measure, train, measure again, keep what is no worse."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from headwater_kit.core.errors import InvalidInput, Misconfigured

from headwater_inference.training.encoder import EncoderTraining, Prefixes
from headwater_inference.training.measure import Outcome, mean_ndcg
from headwater_inference.training.reranker import RerankerTraining
from headwater_inference.training.rows import Material, read
from headwater_inference.training.steps import TrainingPolicy, settle

EXTRA = "headwater-inference[train]"
# What is trained may be so much worse on the questions that it is measured by: less is not told from chance.
TOLERANCE = 0.01
ENCODER, RERANKER = "encoder", "reranker"
# A cross-encoder's window, where it does not say.
WINDOW = 512


@dataclass(frozen=True, slots=True)
class Job:
    """What to train: `base`, a sentence-transformers folder, on an export; `out` is written, and must not exist.

    `given`: what `model.toml` is to say, such as licence and name. `keeps_all`: also what has become worse.
    """

    kind: str
    export: Path
    base: Path
    out: Path
    policy: TrainingPolicy = TrainingPolicy()  # noqa: RUF009 - frozen
    precision: str = "fp32"
    given: Mapping[str, Any] | None = None
    exports: bool = True
    keeps_all: bool = False


class Training(Protocol):
    """Adapters: `encoder.EncoderTraining` and `reranker.RerankerTraining`."""

    def train(self, rows: Any, policy: TrainingPolicy) -> list[float]:
        """The losses, step by step."""
        ...

    def score(self, query: str, texts: Any) -> Any:
        """A number a text."""
        ...


def run(job: Job) -> Outcome:
    """Trains, and writes `sentence-transformers/`, `model/` (as `headwater models add` takes it) and `training.json`.

    Raises InvalidInput, before anything is written, where there is nothing to
    train on or the model has become worse; Misconfigured without the extra.
    """
    if job.out.exists():
        raise InvalidInput(f"{job.out} exists already: name another folder by --out", field="--out")
    material, device = read(job.export, job.policy.seed), _settled(job)
    model, training = _opened(job, device)
    outcome = _trained(job, training, material, device)
    if outcome.ndcg_after < outcome.ndcg_before - TOLERANCE and not job.keeps_all:
        raise InvalidInput(
            f"it became worse: nDCG@10 {outcome.ndcg_before:.4f} before, {outcome.ndcg_after:.4f} after, over "
            f"{outcome.questions} questions; nothing was written (--keep writes it all the same)"
        )
    _write(job, model, outcome)
    return outcome


def _trained(job: Job, training: Training, material: Material, device: str) -> Outcome:
    before = mean_ndcg(material.judged, training.score)
    begin = time.perf_counter()
    losses = training.train(material.rows, job.policy)
    seconds = time.perf_counter() - begin
    after = mean_ndcg(material.judged, training.score)
    end = max(1, len(losses) // 10)
    return Outcome(
        job.kind, len(material.rows), len(material.judged), material.is_gold, round(before, 4), round(after, 4),
        round(fmean(losses[:end]), 4), round(fmean(losses[-end:]), 4), round(seconds, 2), device,
    )  # fmt: skip


def _settled(job: Job) -> str:
    try:
        import sentence_transformers  # noqa: F401, PLC0415 - heavy, and of an extra

        device = settle(job.policy.seed)
    except ImportError as error:
        raise Misconfigured(
            f"training needs what is not installed here ({error.name}): pip install '{EXTRA}'"
        ) from error
    if not (job.base / "config.json").is_file():
        raise InvalidInput(f"{job.base} is no model folder: it has no config.json", field="--base")
    return device


def _opened(job: Job, device: str) -> tuple[Any, Training]:
    from sentence_transformers import CrossEncoder, SentenceTransformer  # noqa: PLC0415 - as above

    if job.kind == RERANKER:
        scorer = CrossEncoder(str(job.base), num_labels=1, device=device, local_files_only=True)
        scorer.max_seq_length = min(scorer.max_seq_length or WINDOW, WINDOW)
        # Steps are too small for half precision, which weights may be kept in.
        return scorer.float().eval(), RerankerTraining(scorer)
    model = SentenceTransformer(str(job.base), device=device, local_files_only=True)
    prompts, given = model.prompts or {}, job.given or {}
    prefixes = Prefixes(
        given.get("query_prefix", prompts.get("query") or ""),
        given.get("passage_prefix", prompts.get("document") or prompts.get("passage") or ""),
    )
    return model.float().eval(), EncoderTraining(model, prefixes)


def _write(job: Job, model: Any, outcome: Outcome) -> None:
    from headwater_inference.training.folders import write_model  # noqa: PLC0415 - what it needs may be missing

    job.out.mkdir(parents=True)
    trained = job.out / "sentence-transformers"
    model.save_pretrained(str(trained))
    (job.out / "training.json").write_text(
        json.dumps({**outcome.figures, **_said(job)}, indent=2, default=str) + "\n", "utf-8"
    )
    if job.exports:
        write_model(replace(job, base=trained), model)


def _said(job: Job) -> Mapping[str, object]:
    policy = job.policy
    return {
        "export": job.export.name,
        "base": job.base.resolve().name,
        "seed": policy.seed,
        "epochs": policy.epochs,
        "batch": policy.batch,
        "rate": policy.rate,
    }
