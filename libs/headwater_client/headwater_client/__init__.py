"""Python SDK for backends and producers."""
