"""Downloading a pinned file by HTTP: from a model hub, a mirror of one, or any server that holds the file."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path

from headwater_kit.core.errors import Misconfigured, Unavailable

from headwater_inference.download import DOWNLOAD_SECONDS, Progress, Report

HUB = "https://huggingface.co"
# Of silence, after which a server counts as gone.
QUIET_SECONDS = 60.0
READ_BYTES = 256 * 1024
# What a server says that may say something else later; all else is the address's fault.
_PASSING = {408, 425, 429}


def download_file(url: str, target: Path, size_bytes: int, report: Report) -> None:
    """Writes what stands at the address to `target`. Blocks for minutes. The hash is not checked here.

    Raises Unavailable where the server does not give it now, Misconfigured
    where the address is no good or gives more than `size_bytes`.
    """
    give_up = time.monotonic() + DOWNLOAD_SECONDS
    done_bytes = 0
    with _network_errors(url), _open(url) as response, target.open("wb") as output:
        for block in _blocks(response):
            done_bytes += len(block)
            if done_bytes > size_bytes:
                raise Misconfigured(
                    f"{url} gives more than the {size_bytes} bytes it should: correct the model registry"
                )
            if time.monotonic() > give_up:
                raise Unavailable(f"downloading {url} took over {DOWNLOAD_SECONDS:.0f} s: try again")
            output.write(block)
            report(Progress("downloading", done_bytes, size_bytes))


def _open(url: str) -> HTTPResponse:
    if not url.startswith(("https://", "http://")):
        raise Misconfigured(f"{url!r} is no http address: correct the model registry or HEADWATER_MODEL_HUB")
    response: HTTPResponse = urllib.request.urlopen(url, timeout=QUIET_SECONDS)  # noqa: S310 - the scheme is checked above
    return response


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    while block := response.read(READ_BYTES):
        yield block
    if response.length:  # of which http.client says nothing, where a body is read in blocks
        raise IncompleteRead(b"", response.length)


@contextmanager
def _network_errors(url: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        message = f"{url} answers {error.code} {error.reason}"
        if error.code >= 500 or error.code in _PASSING:
            raise Unavailable(f"{message}: try again later") from error
        raise Misconfigured(f"{message}: correct the model registry, or set HEADWATER_MODEL_HUB to a mirror") from error
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise Unavailable(
            f"{url} cannot be downloaded ({reason}): check the network, set HEADWATER_MODEL_HUB to a mirror, or copy a "
            "filled model folder from another machine and name it by HEADWATER_MODEL_DIR"
        ) from error
