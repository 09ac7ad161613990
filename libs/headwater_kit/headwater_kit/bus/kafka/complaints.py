"""What a client says of its connections: the cause behind a request that only says it had no answer."""

from confluent_kafka import KafkaError

_TLS = "HEADWATER_KAFKA_TLS_CA, HEADWATER_KAFKA_TLS_CERT"
# What to look at, by librdkafka's own codes, which begin with an underscore; of what is not here, the address.
_LOOK_AT = {
    KafkaError._AUTHENTICATION: "HEADWATER_KAFKA_SASL_USERNAME, HEADWATER_KAFKA_SASL_PASSWORD",  # noqa: SLF001
    KafkaError._SSL: _TLS,  # noqa: SLF001
    KafkaError._CRIT_SYS_RESOURCE: _TLS,  # noqa: SLF001
}
_ADDRESS = "HEADWATER_KAFKA_BOOTSTRAP, and whether the broker is up"
_OAUTH = "HEADWATER_KAFKA_OAUTH_TOKEN_URL, and client id and secret"


class Complaints:
    """The last one is kept; an `error_cb` of confluent-kafka."""

    def __init__(self) -> None:
        self._last: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Takes one in. That all brokers are down says less than what was said of one."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN or self._last is None:  # noqa: SLF001
            self._last = error

    def forget(self) -> None:
        """All is well again."""
        self._last = None

    def why(self) -> str:
        """The cause and the settings to look at, to follow a message on its line; empty where nothing was said."""
        if self._last is None:
            return ""
        text = " ".join(self._last.str().split())
        look_at = _OAUTH if "OAUTHBEARER" in text else _LOOK_AT.get(self._last.code(), _ADDRESS)
        return f": {text}; see to {look_at}"
