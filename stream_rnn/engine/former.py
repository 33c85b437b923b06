"""What a network was when its data went strange, and the way back to it.

Wrong data teach a network wrong things: a feature that is stuck, a target in other units.  Once
they are right again it would have to unlearn them.  So at the first loss L far beyond the usual,

    L > 9 v,   v ← v + max(1/n, 1/128) (min(L, 9 v) − v),                         (1)

or at an input that is far (`moments`), the parameters and the running statistics are kept.  Few
outliers change little, so these are dropped after 8 records, unless losses are large as a whole:
their exponential average of rate 1/4, each counted up to 9 v, exceeds 4 v; or unless the inputs
of 5 records were far.  From then on each target is predicted by the former parameters, too, with
loss L' beside L, both in units of the former statistics.  It is

    s ← max(0, s + log((v + L) / (v + L')) − 1/4)                                 (2)

the cumulative sum test of `cusum` for the change from "the data are others" to "they are what
they were", if errors have Cauchy's tails; the logarithm is held within ±5, so that no single
record decides.  At s > 8 the former parameters and statistics return.  They are given up 256
records after they were kept, or when the size of the logarithm averages to less than 1/4 over
records that are not strange to both: there is nothing to return to.

Where the data have changed for good the former parameters predict worse, and nothing returns:
every bit is that of a network without any of this.
"""

from math import isfinite, isnan, log
from typing import Annotated, NamedTuple

from ..codegen.dispatch import generic, kernel
from ..losses import value
from ..numerics.linalg import copy
from ..numerics.trees import NEWER, Float, Int
from .cusum import ENOUGH, LONGEST, added, held
from .moments import AGREEING, restore
from .network import evaluate, forward
from .scale import Standard, Unscaled, express_by, recover_by, standardise

FAR, HOT, FLOOR = 9.0, 4.0, 1e-6  # losses in units of v; the least v
YOUNG, MEMORY = 64, 128  # records before v is known; those that it is a mean of
TRIAL, BLOCK = 8, 24  # records
ALIKE = 0.25  # of the size of logarithms
WIDEST = 1e3  # deviations, whose square float32 can hold

# Places in Former.counts: records in v; since the copy; inputs then that were far; whether the two
# are compared, and how often that said something; returns.
SEEN, AGE, STRANGE, SURE, COMPARED, RETURNS = range(6)
USUAL, CALM, HEAT, EVIDENCE, APART = range(5)  # in Former.means: v; v then; L now; s; mean |log|


class Former(NamedTuple):
    """Statistics of then; the parameters are in `State.saved`."""

    inputs: Annotated[Float, "3 m", NEWER]  # count, mean, variance
    targets: Annotated[Float, "3 O", NEWER]
    counts: Annotated[Int, "6", NEWER]
    means: Annotated[Float, "5", NEWER]


@generic
def reconsider(scale, model, state, work, x, y):
    """Before the target y of input x is learned: keep, compare or return to the former.

    The scratch is as `infer` left it, or as it leaves it with what has returned.
    """


@reconsider.register
def reconsider_nothing(scale: Unscaled, model, state, work, x, y):
    pass


@reconsider.register
def reconsider_standard(scale: Standard, model, state, work, x, y):
    targets = state.targets
    express_by(model.target_scale, targets.mean, targets.variance, WIDEST, y, work.y)
    loss = value(model.loss, work.y, work.o, work.p)
    if not isfinite(loss):
        return
    counts, means = state.former.counts, state.former.means
    strange = any_far(state.inputs)
    if counts[AGE] > 0:
        counts[AGE] += 1
        counts[STRANGE] += strange
        means[HEAT] += (min(loss / means[CALM], FAR) - means[HEAT]) / 4
        if counts[SURE] > 0 or means[HEAT] > HOT or counts[STRANGE] >= AGREEING:
            counts[SURE] = 1
            compare(model, state, work, x, y)
        elif counts[AGE] > TRIAL:
            counts[AGE] = 0
    elif counts[SEEN] >= YOUNG and (strange or loss > FAR * max(means[USUAL], FLOOR)):
        keep(state, loss)
    counts[SEEN] += 1
    most = FAR * max(means[USUAL], FLOOR) if counts[SEEN] > YOUNG else loss
    rate = max(1 / counts[SEEN], 1 / MEMORY)
    means[USUAL] += rate * (min(loss, most) - means[USUAL])


@kernel
def any_far(moments):
    """Whether a column doubts its last value."""
    found = False
    for j in range(moments.doubted.size):
        found = found or moments.doubted[j] > 0
    return found


@kernel
def keep(state, loss):
    """Copy the parameters and statistics."""
    former = state.former
    copy(state.theta, state.saved[1])
    remember(state.inputs, former.inputs)
    remember(state.targets, former.targets)
    former.counts[AGE] = 1
    former.counts[STRANGE] = 1
    former.counts[SURE] = 0
    former.counts[COMPARED] = 0
    former.means[CALM] = max(former.means[USUAL], FLOOR)
    former.means[HEAT] = min(loss / former.means[CALM], FAR) / 4
    former.means[EVIDENCE] = 0
    former.means[APART] = 0


@kernel
def remember(moments, statistics):
    copy(moments.count, statistics[0])
    copy(moments.mean, statistics[1])
    copy(moments.variance, statistics[2])


@kernel
def compare(model, state, work, x, y):
    """Eq. (2); `work` is that of the network as it is in the end."""
    former = state.former
    counts, means = former.counts, former.means
    now = cost_of_now(model, state, work, y)
    then = cost_of_then(model, state, work, x, y)
    ratio = log((means[CALM] + now) / (means[CALM] + then))
    if isfinite(ratio):
        ratio = held(ratio)
        means[EVIDENCE] = added(means[EVIDENCE], ratio)
        if min(now, then) < FAR * means[CALM]:  # else the record is strange to both
            counts[COMPARED] += 1
            means[APART] += (abs(ratio) - means[APART]) / min(counts[COMPARED], BLOCK)
    if means[EVIDENCE] > ENOUGH:
        come_back(state)
    elif counts[AGE] > LONGEST or (counts[COMPARED] > BLOCK and means[APART] < ALIKE):
        counts[AGE] = 0
    standardise(model.input_scale, state.inputs, x, work.x)
    forward(model, state, work)


@kernel
def cost_of_now(model, state, work, y):
    """L: of the prediction in *work*, in units of the former statistics."""
    scale, now, then = model.target_scale, state.targets, state.former.targets
    express_by(scale, then[1], then[2], WIDEST, y, work.y)
    for p in (work.o, work.p):
        recover_by(scale, now.mean, now.variance, p)
        express_by(scale, then[1], then[2], WIDEST, p, p)
    return value(model.loss, work.y, work.o, work.p)


@kernel
def cost_of_then(model, state, work, x, y):
    """L': of the prediction by the former parameters."""
    scale, then = model.input_scale, state.former.inputs
    express_by(scale, then[1], then[2], scale.limit, x, work.x)
    for j in range(x.size):
        if isnan(x[j]):
            work.x[j] = 0
    evaluate(model, state.saved[1], state.layers, work)
    return value(model.loss, work.y, work.o, work.p)


@kernel
def come_back(state):
    former = state.former
    copy(state.saved[1], state.theta)
    recall(former.inputs, state.inputs)
    recall(former.targets, state.targets)
    former.counts[AGE] = 0
    former.counts[RETURNS] += 1
    former.means[USUAL] = former.means[CALM]


@kernel
def recall(statistics, moments):
    """Take the statistics of then back."""
    for j in range(moments.mean.size):
        restore(moments, j, statistics[0, j], statistics[1, j], statistics[2, j])
