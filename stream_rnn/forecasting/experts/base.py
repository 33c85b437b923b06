"""What a group of experts does; implemented once per kind, in that kind's file.

A group is a NamedTuple of arrays that holds n experts of one kind; a tuple of groups is a
group.  For each record the bank calls `learn` with the target of the forecast made h records
ago, `observe` with the new value, and `predict` for the value h records ahead.
"""

from ...codegen.dispatch import generic


@generic
def size(group):
    """How many experts the group holds."""


@generic
def learn(group, rows, slot, target, rate):
    """Learn from the forecast in ring slot *slot*: feature row ``rows[slot]``, truth *target*.

    *target* is the change in units of the leap; *rate* the step of the noise estimate.
    """


@generic
def observe(group, past, t, h, period):
    """Take in ``past[0]``, record *t*; *period* is the season's length or 0."""


@generic
def predict(group, row, units, past, t, h, slot, out):
    """Write the experts' predictions of S[t + h], in the series' own units, to ``out``."""


@generic
def level_shift(group, jump, age):
    """The level jumped *age* records ago and stays: be as if it had always been there."""


@size.register
def _size_none(group: ()):  # type: ignore[valid-type]
    return 0


@size.register
def _size_all(group: tuple):
    return size(group[0]) + size(group[1:])


@learn.register
def _learn_none(group: (), rows, slot, target, rate):  # type: ignore[valid-type]
    pass


@learn.register
def _learn_all(group: tuple, rows, slot, target, rate):
    learn(group[0], rows, slot, target, rate)
    learn(group[1:], rows, slot, target, rate)


@observe.register
def _observe_none(group: (), past, t, h, period):  # type: ignore[valid-type]
    pass


@observe.register
def _observe_all(group: tuple, past, t, h, period):
    observe(group[0], past, t, h, period)
    observe(group[1:], past, t, h, period)


@predict.register
def _predict_none(group: (), row, units, past, t, h, slot, out):  # type: ignore[valid-type]
    pass


@predict.register
def _predict_all(group: tuple, row, units, past, t, h, slot, out):
    n = size(group[0])
    predict(group[0], row, units, past, t, h, slot, out[:n])
    predict(group[1:], row, units, past, t, h, slot, out[n:])


@level_shift.register
def _shift_none(group: (), jump, age):  # type: ignore[valid-type]
    pass


@level_shift.register
def _shift_all(group: tuple, jump, age):
    level_shift(group[0], jump, age)
    level_shift(group[1:], jump, age)
