"""What a language model reads and writes, and what that costs."""

from dataclasses import dataclass

from headwater_kit.telemetry import counter, names

PRICED_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class Spending:
    """Counts a model's tokens and their price; the prices are for a million tokens, in any currency."""

    model: str
    input_price: float = 0.0
    output_price: float = 0.0

    def note(self, input_tokens: int, output_tokens: int) -> None:
        """Takes in one completion."""
        of = {names.MODEL_ASKED: self.model}
        counter(names.GENERATE_TOKENS).add(input_tokens, {**of, names.GENERATE_TOKEN_TYPE: "input"})
        counter(names.GENERATE_TOKENS).add(output_tokens, {**of, names.GENERATE_TOKEN_TYPE: "output"})
        cost = (input_tokens * self.input_price + output_tokens * self.output_price) / PRICED_TOKENS
        counter(names.GENERATE_COST).add(cost, of)
