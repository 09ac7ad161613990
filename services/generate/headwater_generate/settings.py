"""What generate can be told."""

from typing import ClassVar, Literal

from headwater_kit.settings import KafkaTenantSettings
from headwater_kit.settings.base import ServiceSettings
from headwater_kit.settings.ports import peer
from pydantic import Field, SecretStr


class Settings(KafkaTenantSettings, ServiceSettings):
    """Settings of the generate service."""

    service: ClassVar[str] = "generate"

    embed_target: str = peer("embed")
    retrieve_target: str = peer("retrieve")
    guard_target: str = peer("guard")
    generate_guard_seconds: float = Field(default=2.0, gt=0, description="deadline of one guard check, in seconds")
    generate_guard_failure: Literal["closed", "open"] = Field(
        default="closed",
        description="what happens while the guard cannot be reached: closed fails the question, open answers "
        "unguarded; one that is there and does not decide, for want of time or of room for its audit, fails it anyway",
    )
    generate_answer_seconds: float = Field(
        default=30.0,
        gt=0,
        description="deadline of an answer to a question that came by event, or by a call without one, in seconds",
    )
    generate_answer_attempts: int = Field(
        default=3, ge=1, description="times that a question by event may exceed its deadline before it is put aside"
    )
    generate_receipts: int = Field(default=10_000, ge=1, description="receipts kept, about 10 KiB each")
    generate_min_score: float = Field(
        default=0.82,
        ge=0,
        le=1.25,
        description="cosine of question and best sentence, plus a quarter of the share of the question's rare words "
        "in its passage, below which there is no source; on the default encoder's scale, whatever the encoder",
    )
    generate_min_coverage: float = Field(
        # Bigrams hold question words and ends of words too: on 400 Chinese questions each of XQuAD and CMRC 2018,
        # 73 and 90 % of the passages that answer reach it, and 7 and 6 % of the best ones that do not.
        default=0.25,
        ge=0,
        le=1,
        description="share of the question's rare words that stands alone where the encoder cannot read the question",
    )
    generate_rewrite: Literal["none", "multi", "hyde", "decompose"] = Field(
        default="none",
        description="in what other words questions are searched too that do not say so themselves",
    )
    generate_rewrite_seconds: float = Field(
        default=4.0,
        gt=0,
        description="time the language model is given to rewrite a question, at most a quarter of what is left for the "
        "answer; after it rules stand in, in seconds",
    )
    llm_base_url: str = Field(
        default="",
        description="OpenAI-compatible endpoint, such as http://127.0.0.1:11434/v1; empty: the built-in extractive one",
    )
    llm_model: str = Field(default="", description="model to ask for at the endpoint")
    llm_api_key: SecretStr = Field(default=SecretStr(""), description="key for the endpoint; empty where it needs none")
    llm_input_price: float = Field(
        default=0.0, ge=0, description="price of a million tokens that the model reads, for the metric of cost"
    )
    llm_output_price: float = Field(
        default=0.0, ge=0, description="price of a million tokens that the model writes, in the same currency"
    )
    llm_seconds: float = Field(
        default=20.0, gt=0, description="longest silence of the endpoint before extractive stands in, in seconds"
    )
