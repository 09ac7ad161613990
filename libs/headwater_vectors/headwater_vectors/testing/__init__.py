"""What every adapter must pass; imported by tests only."""
