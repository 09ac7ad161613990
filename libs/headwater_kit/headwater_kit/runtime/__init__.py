"""A service's life: start, readiness, drain."""
