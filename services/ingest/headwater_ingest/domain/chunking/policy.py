"""How large a chunk may be."""

from dataclasses import dataclass

# Special tokens that the encoder puts around a text: [CLS] and [SEP].
SPECIAL_TOKENS = 2


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of the chunks of one section; tokens of their text alone."""

    min_tokens: int
    max_tokens: int
    max_characters: int

    def allows(self, tokens: int, characters: int) -> bool:
        """Whether a piece of this size may be a chunk."""
        return tokens <= self.max_tokens and characters <= self.max_characters


@dataclass(frozen=True, slots=True)
class ChunkPolicy:
    """Sizes in the encoder's tokens, special tokens excluded, unless the name says otherwise.

    A section of up to `max_tokens` is one chunk; a larger one is divided into
    chunks of at least `min_tokens`. Of `window_tokens`, headings may take
    `path_tokens`, so what is embedded is not truncated.
    """

    min_tokens: int = 64
    max_tokens: int = 320
    path_tokens: int = 128
    window_tokens: int = 512
    # A word of any length may be one (unknown) token; this bounds rows and records all the same.
    max_characters: int = 4000

    def __post_init__(self) -> None:
        if not 0 < self.min_tokens <= self.max_tokens:
            raise ValueError("chunk sizes must be 0 < min <= max")
        if self.max_tokens + self.path_tokens + SPECIAL_TOKENS > self.window_tokens:
            raise ValueError("max_tokens, path_tokens and 2 special tokens must fit into window_tokens")

    @classmethod
    def within(cls, window_tokens: int, max_tokens: int) -> "ChunkPolicy":
        """A policy for a window: chunks of that size, or less where headings, at most a quarter of it, leave less."""
        usual = cls()
        path = min(usual.path_tokens, window_tokens // 4)
        most = min(max_tokens, window_tokens - path - SPECIAL_TOKENS)
        return cls(min(usual.min_tokens, most // 4), most, path, window_tokens)

    def budget(self, path_tokens: int) -> Budget:
        """Limits beneath headings of `path_tokens`; a title that is a text by itself still leaves `min_tokens`."""
        room = max(self.min_tokens, self.window_tokens - SPECIAL_TOKENS - path_tokens)
        return Budget(self.min_tokens, min(self.max_tokens, room), self.max_characters)
