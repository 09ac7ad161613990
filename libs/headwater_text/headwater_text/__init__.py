"""Text analysis: sentences and search terms, the same on the write and the read side."""
