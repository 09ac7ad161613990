"""Where the platform is, and who calls."""

from pathlib import Path
from typing import Self

from headwater_kit.core.errors import Misconfigured
from headwater_kit.settings import CallerSettings, peer
from pydantic import Field, SecretStr, model_validator

CREDENTIALS = ("api_key", "token", "token_file")


class ClientSettings(CallerSettings):
    """Addresses and credentials of a caller; addresses are read from the same variables as the services'."""

    ingest_target: str = peer("ingest")
    index_target: str = peer("index")
    retrieve_target: str = peer("retrieve")
    generate_target: str = peer("generate")
    feedback_target: str = peer("feedback")
    api_key: SecretStr = Field(default=SecretStr(""), description="API key that every call shows")
    token: SecretStr = Field(default=SecretStr(""), description="token (JWT) that every call shows")
    token_file: Path | None = Field(
        default=None, description="file with the token that every call shows; read at each call, so it may be replaced"
    )

    allow_insecure_credential: bool = Field(
        default=False,
        description="allows showing the credential without TLS to an address other than loopback, as behind a network "
        "policy",
    )

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if sum(map(bool, (self.api_key.get_secret_value(), self.token.get_secret_value(), self.token_file))) > 1:
            raise ValueError("HEADWATER_API_KEY, HEADWATER_TOKEN, HEADWATER_TOKEN_FILE: set one of them, or none")
        return self

    @property
    def has_credential(self) -> bool:
        """Whether calls show a credential, which then says who calls."""
        return bool(self.token_file or self.credential())

    def credential(self) -> str:
        """The key or the token, as it is now; empty without one. Raises Misconfigured where it cannot be read."""
        if self.token_file is None:
            return self.api_key.get_secret_value() or self.token.get_secret_value()
        try:
            return self.token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise Misconfigured(f"cannot read a token from HEADWATER_TOKEN_FILE={self.token_file}") from None
