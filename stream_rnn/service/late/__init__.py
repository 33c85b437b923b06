"""Late truth: the target of a record arrives after it, in a record of its own.

A record is predicted when it arrives.  It waits, with its features, for its label; the two are
joined by an id.  Records are learned in the order in which they arrived, each when its label is
there: labels in another order wait for those before them.  When a label has not come in time,
its record is given up: the hidden state goes on over it and nothing is learned from it.  So the
parameters are, bit for bit, those of a run in which the labels had come with the records and
the ones that never came were null.  `estimators.delayed` says what the hidden states do.

Time is that of the records, never that of the clock on the wall: what is given up depends on
the stream alone.
"""
