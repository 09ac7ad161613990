"""`python -m headwater_inference.training encoder|reranker EXPORT --base DIR --out DIR --licence ID`."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from headwater_kit.core.errors import HeadwaterError

from headwater_inference.training.jobs import ENCODER, RERANKER, Job, run
from headwater_inference.training.measure import Outcome
from headwater_inference.training.steps import TrainingPolicy

NEXT = {
    ENCODER: "headwater models add {out}/model; then headwater reindex --model {name}, which compares before it serves",
    RERANKER: "headwater models add {out}/model; then HEADWATER_RERANKER={name} in embed",
}


def main(words: Sequence[str]) -> int:
    """Trains, prints what came of it and what to do next; returns the exit code."""
    options = parse(words)
    policy = TrainingPolicy(options.epochs, options.batch, options.rate, options.seed)
    given = {name: getattr(options, name) for name in ("licence", "name", "query_prefix", "passage_prefix")}
    job = Job(
        options.kind, options.export, options.base, options.out, policy, options.precision,
        {name: value for name, value in given.items() if value is not None}, not options.no_export, options.keep,
    )  # fmt: skip
    try:
        outcome = run(job)
    except HeadwaterError as error:
        sys.stderr.write(f"headwater: {error.message}\n")
        return 1
    sys.stdout.write(json.dumps(outcome.figures) + "\n" if options.json else _told(job, outcome))
    return 0


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="headwater train", description="Trains an encoder or a reranker on what was exported for it."
    )
    parser.add_argument("kind", choices=(ENCODER, RERANKER))
    parser.add_argument("export", type=Path, metavar="EXPORT", help="what `headwater learning export` wrote")
    parser.add_argument("--base", type=Path, required=True, help="the sentence-transformers folder to begin with")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--licence", required=True, help="SPDX id of the weights' licence")
    parser.add_argument("--name", help="what to call the model; the folder's name unless said")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32, help="rows of a step")
    parser.add_argument("--rate", type=float, default=2e-5, help="learning rate at its highest")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=("fp32", "int8"), default="fp32", help="of the exported weights")
    parser.add_argument("--query-prefix", help="what goes before a query")
    parser.add_argument("--passage-prefix", help="what goes before a stored text")
    parser.add_argument("--no-export", action="store_true", help="write no ONNX folder")
    parser.add_argument("--keep", action="store_true", help="write the model although it became worse")
    parser.add_argument("--json", action="store_true", help="print for machines")
    return parser.parse_args(words)


def _told(job: Job, outcome: Outcome) -> str:
    name = (job.given or {}).get("name", job.out.resolve().name)
    by = "gold questions" if outcome.is_gold else "questions kept back"
    return (
        f"{outcome.rows:,} rows in {outcome.seconds:.1f} s on {outcome.device}: loss {outcome.first_loss:.3f} to "
        f"{outcome.last_loss:.3f}, nDCG@10 of {outcome.questions} {by} {outcome.ndcg_before:.4f} to "
        f"{outcome.ndcg_after:.4f}\nnow: {NEXT[job.kind].format(out=job.out, name=name)}\n"
    )


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # of parts of torch that are not needed
    sys.exit(main(sys.argv[1:]))
