"""One file a kind of task; see `sequences`."""
