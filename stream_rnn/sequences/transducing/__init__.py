"""A sequence for a sequence: two members that read a source and write a target.

- `joint`: an n-gram model over pairs (source symbol, what it emits), aligned online.
- `symbols`: numbers for symbols, of either side, as they are met.
"""
