"""Schema registries: where the schemas of messages are, by number."""
