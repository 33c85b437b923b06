"""What is the stream doing now that it has never done before?

Each field is looked at in several views, exponential means over 1, 2, 4, …, 128 of its last
records (`views`).  The past of a view is covered by at most 256 centres; how far a record is
from the nearest of them is its novelty (`cover`).  An extreme-value distribution of the
novelties so far says how often as much is to be expected by chance (`tail`): the number of
false alarms until the stream is twice as long.  Such numbers, of the views and of the
forecaster's error, are joined to one by their harmonic mean, that of the fields likewise
(`fields`, `joint`).  Alarms that follow each other are one episode (`joint`); what an operator
says of them is kept (`labels`) and goes before what was counted.

Nothing depends on the unit, the offset or the length of a series, or on what comes later.
"""
