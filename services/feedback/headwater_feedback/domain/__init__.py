"""What feedback means: joining it with what was shown, and remembering it."""
