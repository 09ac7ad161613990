"""Domain words to protobuf and back."""
