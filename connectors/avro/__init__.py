"""Avro messages, of the schemas in a registry or of one file."""
