"""Forgetting users, by gRPC."""

from dataclasses import dataclass

from headwater.feedback.v1 import feedback_pb2 as pb
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceStub

from headwater_client.connection import Connection

# All that the tenant's users did is read again, twice.
FORGET_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What there was of a user, and the proof that nothing is left in what was learned.

    `examples` were, or would be, taken back; `models` are learned of the tenant
    now. `sha256_without`: of all that the log teaches without the user;
    `sha256_learned`: of what is learned.
    """

    examples: int
    models: int
    sha256_without: str
    sha256_learned: str

    @property
    def is_proven(self) -> bool:
        """Whether what is learned is what would be, had the user never been there."""
        return self.sha256_without == self.sha256_learned


class Users:
    """The feedback service's calls about users. Every call raises HeadwaterErrors, as the service does."""

    def __init__(self, connection: Connection, target: str) -> None:
        self._connection = connection
        self._stub = FeedbackServiceStub(connection.channel(target))

    async def forget(self, user: str = "", *, dry_run: bool = False) -> Forgotten:
        """Forgets all that a user taught, the caller by default; returns once nothing of it is served.

        Raises Denied for another than the caller, unless an operator asks. It may be repeated.
        """
        request = pb.ForgetUserRequest(user=user, dry_run=dry_run)
        metadata = self._connection.metadata
        found = await self._stub.ForgetUser(request, timeout=FORGET_SECONDS, metadata=metadata)
        return Forgotten(found.examples, found.models, found.sha256_without, found.sha256_learned)
