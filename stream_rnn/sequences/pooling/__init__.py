"""From the steps of a sequence to one target: summaries, and members that read them."""
