"""Errors, drawn as a tree; each class says what the caller must do.

    HeadwaterError
    ├── Permanent            do not retry: the same call fails again
    │   ├── InvalidInput     change the request; `field` says where
    │   ├── NotFound         it is not there, or not yours
    │   ├── Denied           present a credential that may do this
    │   │   └── Unauthenticated  present a credential that is one
    │   ├── Suspended        an operator must let the tenant call again
    │   ├── NotYet           wait for the index, or ask for less freshness
    │   └── Misconfigured    an operator must change a setting
    └── Transient            retry with back-off: it may pass
        ├── Overloaded       the queue is full; wait `retry_after_ms` first
        ├── Unavailable      a broker, store or service is away
        └── DeadlineExceeded the caller's time is up

Whatever is raised and is none of these is a defect; where records are consumed
it counts as poison after a few tries (`bus.loop`).
"""


class HeadwaterError(Exception):
    """Base of all expected failures.

    `reason` is a stable code in UPPER_SNAKE, for machines; the message is one
    line for people and says what to do.
    """

    reason = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason

    @property
    def message(self) -> str:
        """The line for people."""
        return str(self.args[0])


class Permanent(HeadwaterError):
    """The same call fails again; records go to the dead-letter topic at once, but for Denied and Misconfigured.

    Those two are the service's, whatever the record: they end it.
    """


class InvalidInput(Permanent):
    """The request is wrong; `field` names the part, in the request's own words."""

    reason = "INVALID_INPUT"

    def __init__(self, message: str, *, field: str = "", reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.field = field


class NotFound(Permanent):
    """It is not there, or not the caller's: the two are not told apart."""

    reason = "NOT_FOUND"


class Denied(Permanent):
    """The credential is missing, bad, or may not do this."""

    reason = "DENIED"


class Unauthenticated(Denied):
    """No credential was shown, or none that is good: `reason` says what to do about it, and no more."""

    reason = "UNAUTHENTICATED"


class Suspended(Permanent):
    """The tenant is suspended: its calls are refused, and a record that needs one is put aside."""

    reason = "TENANT_SUSPENDED"


class NotYet(Permanent):
    """The index has not come as far as the caller asked.

    `lag` is how many source records it is behind, summed over the partitions
    asked for. `staleness_ms` is how old what it shows is, where the caller set
    a bound to that, and else 0.
    """

    reason = "NOT_YET"

    def __init__(self, message: str, *, lag: int, staleness_ms: int = 0) -> None:
        super().__init__(message)
        self.lag = lag
        self.staleness_ms = staleness_ms


class Misconfigured(Permanent):
    """A setting does not fit; an operator must change it."""

    reason = "MISCONFIGURED"


class Transient(HeadwaterError):
    """May pass: retry with back-off; records wait, and are never dead-lettered."""


class Overloaded(Transient):
    """A bounded queue is full; come back after `retry_after_ms`."""

    reason = "OVERLOADED"

    def __init__(self, message: str, *, retry_after_ms: int = 100, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_ms = retry_after_ms


class Unavailable(Transient):
    """A broker, store or service is away."""

    reason = "UNAVAILABLE"


class DeadlineExceeded(Transient):
    """The caller's time is up."""

    reason = "DEADLINE_EXCEEDED"
