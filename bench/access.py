"""The authorization matrix, and what it costs to verify a credential.

python bench/access.py [--json FILE]

Calls every method of the contract, over one in-process service of them all, with
every credential that must be refused and with those that must come in; then
times each way to verify one, seen for the first time and again.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from headwater_kit.auth.api_keys import ApiKeys, new_key
from headwater_kit.auth.carried import Carried, Signer
from headwater_kit.auth.claims import ClaimNames
from headwater_kit.auth.jwks import KeySet, from_file
from headwater_kit.auth.peer_keys import PeerKeys
from headwater_kit.auth.shown import CARRIED, Shown
from headwater_kit.auth.signed import Terms
from headwater_kit.auth.tokens import Tokens
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import Principal
from headwater_kit.core.roles import Role
from headwater_kit.testing.authorization import matrix
from headwater_kit.testing.issuing import AUDIENCE, ISSUER, Issuer, write_peer

ROUNDS = 300
CLOCK = SystemClock()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    return parser.parse_args(arguments)


async def measure(folder: Path) -> dict[str, Any]:
    """All figures."""
    started = time.perf_counter()
    async with matrix(folder) as every_case:
        report = await every_case.run()
    return {
        "methods": report.methods,
        "cases": report.cases,
        "refused": report.refused,
        "admitted": report.admitted,
        "leaks": len(report.leaks),
        "wrongly_refused": len(report.wrongly_refused),
        "wrong_reasons": len(report.wrong_reasons),
        "reasons": dict(sorted(report.reasons.items())),
        "matrix_seconds": round(time.perf_counter() - started, 1),
        "verify_us": await costs(folder),
    }


async def costs(folder: Path) -> dict[str, float]:
    """Microseconds to verify, median of `ROUNDS`."""
    who = Principal("acme", "ann", ("board",), frozenset({Role.READER}))
    shown_key, kept = new_key(who, CLOCK.now())
    keys = ApiKeys({kept.key_id: kept}.get, CLOCK)
    issuer = Issuer()
    (folder / "costs.json").write_bytes(issuer.jwks())
    key_set = KeySet(from_file(folder / "costs.json"), CLOCK, 300.0)
    tokens = Tokens(key_set, ["ES256"], Terms(ISSUER, AUDIENCE, 10.0), ClaimNames(), CLOCK)
    signer = Signer("generate", write_peer(folder / "costs", "generate"), CLOCK)
    carried = Carried(PeerKeys(folder / "costs", CLOCK), 10.0, CLOCK)
    fresh_tokens = iter([issuer.token(CLOCK.now(), nonce=number) for number in range(ROUNDS + 1)])
    token = next(fresh_tokens)
    fresh_carried = iter([signer.token("s", Principal("acme", f"user {number}")) for number in range(ROUNDS)])
    signed = signer.token("s", who)
    return {
        "api_key": await _median_us(lambda: keys.principal(_bearer(shown_key))),
        "token_first": await _median_us(lambda: tokens.principal(_bearer(next(fresh_tokens)))),
        "token_again": await _median_us(lambda: tokens.principal(_bearer(token))),
        "carried_first": await _median_us(lambda: carried.principal(_carried(next(fresh_carried)))),
        "carried_again": await _median_us(lambda: carried.principal(_carried(signed))),
    }


async def _median_us(verify: Callable[[], Awaitable[object]]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await verify()
        seconds.append(time.perf_counter() - started)
    return round(sorted(seconds)[len(seconds) // 2] * 1e6, 1)


def _bearer(credential: str) -> Shown:
    return Shown((("authorization", f"Bearer {credential}"),))


def _carried(token: str) -> Shown:
    return Shown(((CARRIED, token),), service="s")


def main() -> None:
    """Measures and prints."""
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(asyncio.run(measure(Path(folder))), indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
