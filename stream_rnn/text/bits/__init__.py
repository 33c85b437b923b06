"""The bit mixture: a byte is eight decisions, each predicted by mixing many opinions (`state`)."""
