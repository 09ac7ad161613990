"""How large a chunk may be."""

from dataclasses import dataclass

# Special tokens that the encoder puts around a text: [CLS] and [SEP].
SPECIAL_TOKENS = 2


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of the chunks of one section; tokens of their text alone."""

    min_tokens: int
    target_tokens: int
    max_tokens: int
    max_characters: int

    def allows(self, tokens: int, characters: int) -> bool:
        """Whether a piece of this size may be a chunk."""
        return tokens <= self.max_tokens and characters <= self.max_characters


@dataclass(frozen=True, slots=True)
class ChunkPolicy:
    """Sizes in the encoder's tokens, special tokens excluded, unless the name says otherwise.

    A chunk is closed once it has `target_tokens`, never holds more than
    `max_tokens`, and may be closed from `min_tokens` on. Of `window_tokens`,
    headings may take `path_tokens`, so what is embedded is not truncated.
    """

    min_tokens: int = 64
    target_tokens: int = 200
    max_tokens: int = 280
    path_tokens: int = 128
    window_tokens: int = 512
    # A word of any length may be one (unknown) token; this bounds rows and records all the same.
    max_characters: int = 4000

    def __post_init__(self) -> None:
        if not 0 < self.min_tokens <= self.target_tokens <= self.max_tokens:
            raise ValueError("chunk sizes must be 0 < min <= target <= max")
        if self.max_tokens + self.path_tokens + SPECIAL_TOKENS > self.window_tokens:
            raise ValueError("max_tokens, path_tokens and 2 special tokens must fit into window_tokens")

    @classmethod
    def within(cls, window_tokens: int, target_tokens: int, max_tokens: int) -> "ChunkPolicy":
        """A policy for a window: these sizes, or less where headings, at most a quarter of it, leave less room."""
        usual = cls()
        path = min(usual.path_tokens, window_tokens // 4)
        most = min(max_tokens, window_tokens - path - SPECIAL_TOKENS)
        target = min(target_tokens, most)
        return cls(min(usual.min_tokens, target), target, most, path, window_tokens)

    def budget(self, path_tokens: int) -> Budget:
        """Limits beneath headings of `path_tokens`; a title that is a text by itself still leaves `min_tokens`."""
        room = max(self.min_tokens, self.window_tokens - SPECIAL_TOKENS - path_tokens)
        most = min(self.max_tokens, room)
        return Budget(self.min_tokens, min(self.target_tokens, most), most, self.max_characters)
