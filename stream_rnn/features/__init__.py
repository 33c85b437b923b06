"""Everything between a record and an array."""
