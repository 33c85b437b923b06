"""SnAp-1 (Menick et al. 2020): RTRL that keeps only each unit's own parameters."""

from typing import NamedTuple

from . import base
from .own_rows import Decay, OwnRows


class SnAp1(NamedTuple):
    """The sparse n-step approximation with n = 1, O(P) a record.

    RTRL with its matrix M reduced to its diagonal: equation (1) of `own_rows` with

        D[k,l,i] = B[k,l,i] + δ_l0 Σ_g A[k,g,i] W[i,g,i].

    Exact for cells whose units do not feed each other, such as `ELSTM` and `MinGRU`.

    >>> from stream_rnn import Adam, Elman, RecurrentRegressor, SnAp1
    >>> model = RecurrentRegressor(Elman(4), SnAp1(), Adam(0.01), seed=1)
    >>> for t in range(401):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> round(model.predict_one({"x": 1}), 1)
    1.0
    """


@base.trace_of.register
def _(learner: SnAp1, sizes):
    return OwnRows


@base.work_of.register
def _(learner: SnAp1, sizes):
    return Decay


base.observe.register(base.observe_by_trace, SnAp1)
base.gradient.register(base.gradient_by_trace, SnAp1)
base.pass_down.register(base.pass_down_now, SnAp1)
