"""Channels to peer services."""

import json

import grpc.aio

from headwater_kit.rpc import tls
from headwater_kit.rpc.client import Peer, interceptors
from headwater_kit.rpc.identity import Identity, TrustedIdentity
from headwater_kit.rpc.rotating import RotatingChannel
from headwater_kit.settings import CallerSettings

# Pings keep an idle channel from dying silently; the server allows one every 10 s.
KEEPALIVE_MS = 30_000
KEEPALIVE_TIMEOUT_MS = 10_000
# gRPC's own bounds are 1 s and 2 minutes: too long to wait for a service that is back.
MIN_RECONNECT_MS = 100
MAX_RECONNECT_MS = 2_000

# Calls that did not reach a service are repeated (grfc A6), over all addresses
# of its name; UNAVAILABLE alone is safe to repeat for writes that are idempotent.
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}


def connect(target: str, settings: CallerSettings, identity: Identity | None = None) -> grpc.aio.Channel:
    """A channel to a peer; connects when first used, and again whenever the peer is back.

    Calls carry who calls, by `identity` or else on trust, the trace, and a deadline of min(own, what the
    served call has left less a margin); they raise HeadwaterErrors by the table
    in `status`. Close it with `await channel.close()`. With TLS, files that are
    replaced are used from the next call on. Raises Misconfigured where one is missing.
    """
    files = tls.peer_files(settings)
    around = interceptors(Peer(target, identity or TrustedIdentity()), settings.default_deadline_seconds)
    options = _options(settings)
    if files is None:
        return grpc.aio.insecure_channel(target, options, interceptors=around)
    return RotatingChannel(
        files,
        lambda pems: grpc.aio.secure_channel(target, tls.channel_credentials(pems), options, interceptors=around),
    )


def _options(settings: CallerSettings) -> list[tuple[str, str | int]]:
    return [
        ("grpc.max_receive_message_length", settings.grpc_max_message_bytes),
        ("grpc.max_send_message_length", settings.grpc_max_message_bytes),
        # Pings that measure the network count with servers as keepalive's do, and too many end a long stream.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.initial_reconnect_backoff_ms", MIN_RECONNECT_MS),
        ("grpc.min_reconnect_backoff_ms", MIN_RECONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", MAX_RECONNECT_MS),
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ]
