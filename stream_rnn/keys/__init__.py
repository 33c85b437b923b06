"""Many keys in one stream: a context each, few of them in memory, all of them in a checkpoint.

A key is what tells the entities of a stream apart, such as a sensor's name.  Its *context* is
the state that belongs to its records alone: with shared weights the hidden states and traces,
otherwise a whole model; and the lags of its features.
"""
