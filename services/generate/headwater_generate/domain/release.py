"""Holding back a stream until it can be checked."""

from headwater_text.sentences import split_sentences


class SentenceBuffer:
    """Collects streamed text and gives it out by whole sentences.

    What `push` and `rest` return, joined, is what was pushed.
    """

    def __init__(self) -> None:
        self._text = ""

    def push(self, piece: str) -> str:
        """Adds a piece; returns the sentences that are certainly complete, or nothing."""
        self._text += piece
        sentences = split_sentences(self._text)
        if len(sentences) < 2:
            return ""
        # The last one may go on; what stands before it cannot change any more.
        complete, self._text = self._text[: sentences[-1].start], self._text[sentences[-1].start :]
        return complete

    def rest(self) -> str:
        """Returns what is left, at the end of the stream."""
        rest, self._text = self._text, ""
        return rest
