"""From a checked configuration to objects: the one room that knows all others."""
