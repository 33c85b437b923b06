"""Kafka topics, by kafka-python or confluent-kafka; `driver` is what is asked of either."""
