"""The compiled loops: predict, and predict then learn.

One record runs through `infer` and `absorb`:

    infer    x → standard units → network → prediction, in the target's units
    absorb   carry traces and state over; if there is a target: standardise it, score the
             prediction, adapt the parameters; take x into the running statistics

`infer` changes scratch only.  `learn_one` is `prequential` on one row, so one at a time
and in chunks are the same machine code on the same numbers.
"""

from math import isfinite, isnan

from ..codegen.denormals import flush_denormals, restore_denormals
from ..codegen.dispatch import compiled, kernel
from ..losses import value
from ..numerics.linalg import copy
from ..optimizers.base import adapt
from .former import AGE, reconsider
from .network import advance, draw_dropout, forward
from .scale import express, observe, recover, standardise

RECORDS, LEARNED, ROLLBACKS, SINCE_SAVED = range(4)  # places in State.counts
CHECK_EVERY = 256  # learned records between two copies of the parameters


@kernel
def infer(model, state, work, x, out):
    """Prediction (O,) for the raw input x (m,), in the target's units; NaN is missing."""
    standardise(model.input_scale, state.inputs, x, work.x)
    draw_dropout(model.cells, state.layers, work.layers, False)
    forward(model, state, work)
    recover(model.target_scale, state.targets, work.p, out)
    for j in range(out.size):
        if not isfinite(out[j]):
            out[j] = state.targets.mean[j]


@kernel
def absorb(model, state, work, x, y):
    """Learn the record that `infer` has just seen; False if something is not finite."""
    for i in range(work.r.size):
        if not isfinite(work.r[i]):
            return False
    if any_known(y):
        reconsider(model.input_scale, model, state, work, x, y)
    if draw_dropout(model.cells, state.layers, work.layers, True):
        forward(model, state, work)  # now with some of it left out
    advance(model.cells, model.learner, state.layers, work.layers, state.theta, 0, ())
    finite = score(model, state, work, y) if any_known(y) else True
    observe(model.input_scale, state.inputs, x)
    state.counts[RECORDS] += 1
    return finite


@kernel
def any_known(y):
    """Whether there is something to learn."""
    known = False
    for j in range(y.size):
        known = known or not isnan(y[j])
    return known


@kernel
def score(model, state, work, y):
    """Score the prediction, then adapt the parameters; False if something is not finite."""
    observe(model.target_scale, state.targets, y)
    express(model.target_scale, state.targets, y, work.y)
    if not any_known(work.y):  # too far out to be believed yet
        return True
    loss = value(model.loss, work.y, work.o, work.p)
    if not isfinite(loss):
        return False
    state.sums[0] += loss
    state.counts[LEARNED] += 1
    finite = adapt(model.optimizer, model, state, work)
    if finite:
        state.counts[SINCE_SAVED] += 1
        if state.counts[SINCE_SAVED] >= CHECK_EVERY and state.former.counts[AGE] == 0:
            copy(state.theta, state.saved[1])
            state.counts[SINCE_SAVED] = 0
    return finite


@kernel
def predict_rows(model, state, work, X, out):
    """`predict`, with its parts apart."""
    setting = flush_denormals()
    for t in range(X.shape[0]):
        infer(model, state, work, X[t], out[t])
    restore_denormals(setting)


@kernel
def learn_rows(model, state, work, X, Y, out):
    """`prequential`, with its parts apart."""
    setting = flush_denormals()
    rows, finite = 0, True
    while finite and rows < X.shape[0]:
        infer(model, state, work, X[rows], out[rows])
        finite = absorb(model, state, work, X[rows], Y[rows])
        rows += 1
    restore_denormals(setting)
    return rows, finite


@compiled
def predict(bound, X, out):
    """Predictions (T, O) for the rows of X (T, m), each as if it came next."""
    predict_rows(bound.model, bound.state, bound.work, X, out)


@compiled
def prequential(bound, X, Y, out):
    """Predict each row of X (T, m), then learn its target in Y (T, O).

    Returns (rows done, True), or (rows done, False) when the last of them met a number
    that is not finite, upon which the caller restores the parameters and goes on.
    """
    return learn_rows(bound.model, bound.state, bound.work, X, Y, out)


@compiled
def prequential_keyed(bound, context, pool, slots, X, Y, out):
    """`prequential`, with the context of row t, pool[slots[t]], put into place before it.

    *context* (words,) is the part of bound.state that belongs to one stream.  A context is
    copied only where the stream changes from one row to the next.
    """
    setting = flush_denormals()
    rows, finite, at = 0, True, slots[0]
    copy(pool[at], context)
    while finite and rows < X.shape[0]:
        if slots[rows] != at:
            copy(context, pool[at][: context.size])
            at = slots[rows]
            copy(pool[at], context)
        infer(bound.model, bound.state, bound.work, X[rows], out[rows])
        finite = absorb(bound.model, bound.state, bound.work, X[rows], Y[rows])
        rows += 1
    copy(context, pool[at][: context.size])
    restore_denormals(setting)
    return rows, finite
