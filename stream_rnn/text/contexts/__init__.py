"""What followed the contexts that a position is in (`history`, `tables`), mixed (`mixture`)."""
