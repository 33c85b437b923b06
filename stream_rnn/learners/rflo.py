"""Random-feedback local online learning's trace (Murray 2019), for gated cells e-prop's."""

from typing import NamedTuple

from . import base
from .own_rows import Decay, OwnRows, carry, own_decay


class RFLO(NamedTuple):
    """Only what the cell itself carries over extends a parameter's influence; O(P) a record.

    RTRL without its matrix M: equation (1) of `own_rows` with D = B.  For LSTM and GRU
    this is the eligibility trace of e-prop (Bellec et al. 2020); for Elman, whose state
    has no leak, nothing is carried over and RFLO is TBPTT(1).  The loss arrives through
    the readout's own weights, not through random ones.

    >>> from stream_rnn import GRU, Adam, RecurrentRegressor, RFLO
    >>> model = RecurrentRegressor(GRU(4), RFLO(), Adam(0.01), seed=1)
    >>> for t in range(401):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> round(model.predict_one({"x": 1}), 1)
    1.0
    """


@base.trace_of.register
def _(learner: RFLO, sizes):
    return OwnRows


@base.work_of.register
def _(learner: RFLO, sizes):
    return Decay


base.gradient.register(base.gradient_by_trace, RFLO)
base.pass_down.register(base.pass_down_now, RFLO)


@base.observe.register
def observe(learner: RFLO, W, s_, trace, work, below):
    own_decay(work.B, work.learner.D)
    carry(trace.T, work.learner.D, work.A, work.z, work.learner.fresh)
