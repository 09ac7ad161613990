"""Events: topics, ports, adapters and the consumer loop."""
