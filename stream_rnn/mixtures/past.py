"""What a mixture of numbers was before its targets took another level, and the way back to it.

Where 40 targets are in other units and then right again, forests, neighbours and least squares
have learned what they would have to unlearn.  When the targets' statistics accept a new level
(see `engine.moments`), no member has learned any of it yet: the statistics μ', σ' from before
are kept, and all members but the networks, which have their own way back (`engine.former`).
From then on every target y is judged by both statistics, as if it had Cauchy's distribution:

    s ← max(0, s + log σ/σ' + log (1 + (y − μ)²/σ²) − log (1 + (y − μ')²/σ'²) − 1/4)        (1)

the test of `engine.cusum`.  At s > 8 the former state returns.  After 256 targets it is given up.
"""

from math import log, sqrt
from typing import Annotated, NamedTuple

from ..codegen.dispatch import kernel
from ..engine.cusum import ENOUGH, LONGEST, added, held
from ..engine.moments import BLOCK, restore
from ..numerics.trees import NEWER, Float, Int

COUNT, MEAN, VARIANCE, EVIDENCE = range(4)
AGE, RETURNS = range(2)
NOTHING, KEEP, DROP, RETURN = range(4)  # what is to be done with the members


class Past(NamedTuple):
    """Of the targets then: count, μ', σ'², and s since; targets since then, and returns so far."""

    then: Annotated[Float, "4", NEWER]
    counts: Annotated[Int, "2", NEWER]


@kernel
def compare(past, moments, y):
    """Eq. (1) for the target y, which *moments* do not know yet; returns what is to be done."""
    if past.counts[AGE] == 0 or y != y:
        return NOTHING
    past.counts[AGE] += 1
    now = moments.variance[0]
    then = past.then[VARIANCE]
    if now > 0 and then > 0:
        odds = 0.5 * log(now / then)
        odds += unlikely(y, moments.mean[0], now) - unlikely(y, past.then[MEAN], then)
        past.then[EVIDENCE] = added(past.then[EVIDENCE], held(odds))
    if past.then[EVIDENCE] <= ENOUGH and past.counts[AGE] <= LONGEST:
        return NOTHING
    past.counts[AGE] = 0
    return RETURN if past.then[EVIDENCE] > ENOUGH else DROP


@kernel
def unlikely(y, mean, variance):
    """log(1 + d²) of d = (y − μ)/σ, whose square float64 need not hold."""
    d = min(abs(y - mean) / sqrt(variance), 1e150)
    return log(1 + d * d)


@kernel
def remember(past, moments, count, mean, variance):
    """Whether *moments* have just taken a wider level; if so these, from before, are kept."""
    leapt = BLOCK <= moments.count[0] < count and moments.variance[0] > variance
    if not leapt or past.counts[AGE] > 0:
        return False
    past.then[COUNT], past.then[MEAN], past.then[VARIANCE] = count, mean, variance
    past.then[EVIDENCE] = 0
    past.counts[AGE] = 1
    return True


@kernel
def recall(past, moments):
    """Take the statistics of then back."""
    restore(moments, 0, past.then[COUNT], past.then[MEAN], past.then[VARIANCE])
    past.counts[RETURNS] += 1
