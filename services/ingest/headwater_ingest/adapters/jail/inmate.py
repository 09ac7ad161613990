"""The process that cuts: `python -m headwater_ingest.adapters.jail.inmate`, spoken to over its pipes.

It holds no secret, opens no connection, and dies by the kernel's hand when a
document takes more processor time than the terms allow, even within C code.
"""

import json
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from headwater_inference.tokens import SubwordCounter, WordCounter
from headwater_kit.core.errors import InvalidInput

from headwater_ingest.adapters.jail.frames import LENGTHS, Frame, JailTerms, cut_to_frame, error_to_frame
from headwater_ingest.domain.cutting import cut_document
from headwater_ingest.domain.tokens import TokenCounter
from headwater_ingest.domain.validation import body_text

STATM = Path("/proc/self/statm")


def main() -> None:
    """Answers requests until its input ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    first = _read(source)
    if first is None:
        return
    terms = JailTerms.from_header(first.header)
    counter = SubwordCounter(Path(terms.tokenizer)) if terms.tokenizer else WordCounter()
    _limit_memory(terms.memory_bytes)
    _write(sink, Frame({"ready": True}))
    while (request := _read(source)) is not None:
        # Counts the processor time of this process alone: a busy machine shortens nobody's time.
        signal.setitimer(signal.ITIMER_PROF, terms.cpu_seconds)
        answer = _answer(request, counter, terms)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(sink, answer)


def _answer(request: Frame, counter: TokenCounter, terms: JailTerms) -> Frame:
    try:
        body = body_text(request.body)
        return cut_to_frame(
            cut_document(request.header["media_type"], body, request.header["title"], counter, terms.policy)
        )
    except InvalidInput as error:
        return error_to_frame(error)
    except (MemoryError, RecursionError) as error:
        message = f"the document takes more than it may to be read ({type(error).__name__}): simplify it"
        return error_to_frame(InvalidInput(message, reason="TOO_COMPLEX", field="body"))
    except Exception as error:  # a defect; the loop counts it as poison
        return Frame({"failed": repr(error)[:1000]})


def _limit_memory(memory_bytes: int) -> None:
    # Only Linux tells the size and keeps the limit.
    if STATM.exists():
        now = int(STATM.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + memory_bytes, now + memory_bytes))


def _read(source: BinaryIO) -> Frame | None:
    lengths = source.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    header, body = LENGTHS.unpack(lengths)
    return Frame(json.loads(source.read(header)), source.read(body))


def _write(sink: BinaryIO, frame: Frame) -> None:
    sink.write(frame.to_bytes())
    sink.write(frame.body)
    sink.flush()


if __name__ == "__main__":
    main()
