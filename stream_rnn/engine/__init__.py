"""A recurrent network that predicts and learns, one record at a time.

`model` composes cells, a learner, an optimizer and a loss; `layout` says which arrays they need;
`network` runs them forward and backward, `adapt` turns a loss into new parameters, and `loop` is
the compiled pass over records; `online` holds the whole for Python.
"""
