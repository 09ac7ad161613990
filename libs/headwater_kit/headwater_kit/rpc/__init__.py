"""gRPC: server, channels, interceptors, errors."""
