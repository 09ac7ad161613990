"""The ports of generate on gRPC, HTTP and Kafka."""
