"""Protobuf messages, of the schemas in a registry or of a descriptor file."""
