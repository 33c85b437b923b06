"""A joint n-gram model: each source symbol emits up to two target symbols.

- `state`: what is remembered, and the dictionary of emissions met so far.
- `lattice`: which symbol emitted which, by expectation–maximisation and by Viterbi.
- `ngram`: probabilities of the next pair after up to five before it.
- `learn`: one record through all of them; `beam`: from a source to the best targets.
- `member`: the Python side: growing, saving.

Sources: Bisani & Ney 2008 (joint-sequence models); Ney, Essen & Kneser 1994 (absolute
discounting); Kneser & Ney 1995 (lower orders); Neal & Hinton 1998 (online EM).
"""
