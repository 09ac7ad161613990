"""The contract suite over encoders and what else tests need; imported by tests only."""
