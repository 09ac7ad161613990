"""What a client says of its connections: the cause behind a request that only says it had no answer."""

from confluent_kafka import KafkaError

# What to look at, by a word of the complaint; codes do not tell these apart. Of others, the address.
_LOOK_AT = {
    "OAUTHBEARER": "HEADWATER_KAFKA_OAUTH_TOKEN_URL, and client id and secret",
    "SASL": "HEADWATER_KAFKA_SASL_USERNAME and HEADWATER_KAFKA_SASL_PASSWORD",
    "SSL": "HEADWATER_KAFKA_TLS_CA and HEADWATER_KAFKA_TLS_CERT",
}
_ADDRESS = "HEADWATER_KAFKA_BOOTSTRAP, and whether the broker is up"
# A token endpoint may answer with a whole page.
MAX_CHARACTERS = 300


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
        text = " ".join(self._last.str().split())[:MAX_CHARACTERS]
        look_at = next((settings for word, settings in _LOOK_AT.items() if word in text), _ADDRESS)
        return f": {text}; see to {look_at}"
