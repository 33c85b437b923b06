"""How well a model predicts, beside models that a reader knows.

`evaluate` runs a stream prequentially; `comparison` holds the scores of a model and of the
`baselines` and `peers` beside it; `scores` are the measures, `plot` draws them.
"""
