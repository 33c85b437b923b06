"""Words as symbols: cut from text (`split`), predicted in two steps, class and word (`head`)."""
