"""The ports of feedback on Faust tables and Kafka."""
