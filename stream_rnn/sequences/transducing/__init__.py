"""A sequence for a sequence: two members that read a source and write a target.

- `joint`: an n-gram model over pairs (source symbol, what it emits), aligned online.
- `network`: a bidirectional reader, attention, and a writer.
- `mixing`: the weights of the two; `model`: both together.
- `symbols`: numbers for symbols, of either side, as they are met.
"""
