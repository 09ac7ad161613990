"""Encoders on ONNX Runtime behind a token-budget batcher."""
