"""Files, one or many, that may be compressed, rotated or still being written."""
