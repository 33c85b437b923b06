"""A recurrent network whose outputs are scores of the chain, beside those of sparse features.

- `state`: parameters and what a sentence brings forth, each shape written once.
- `sentence`: scores of a sentence, and their exact gradient through all of it.
- `member`: the Python side: growing, saving.

One reads from the first token on; where the cell is `Bidirectional`, another from the last
(Schuster & Paliwal 1997; with a chain on top Huang, Xu & Yu 2015).
"""
