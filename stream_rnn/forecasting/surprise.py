"""How rare an error is among the errors of the same stream so far."""

from math import log2, log10
from typing import Annotated, NamedTuple

from ..numerics import trees
from ..numerics.trees import Float

PER_OCTAVE = 8
SMALLEST = -8.0  # log₂ of the first bin's upper edge
BINS = 256
YOUNG = 50  # errors before anything is called rare
BEYOND = 2.0  # at most so many decades are added for an error larger than all before
WARM_UP = 20  # the first errors say more about the forecaster than about the stream
CAP = 32.0  # no error stands in the way of a later one by more than this
LARGEST, HELD, SEEN = range(3)


class Surprise(NamedTuple):
    """A histogram of errors on a logarithmic scale, and what must be exceeded to alarm."""

    counts: Annotated[Float, "BINS+1"]
    marks: Annotated[Float, "3"]  # largest error, the last alarm as it has faded, errors seen


def allocate() -> Surprise:
    """Nothing seen."""
    return trees.allocate(Surprise, {"BINS": BINS})


def _bin(error: float) -> int:
    if error <= 0:
        return 0
    return min(BINS, max(0, int((log2(error) - SMALLEST) * PER_OCTAVE)))


def score(surprise: Surprise, error: float) -> float:
    """−log₁₀ of the share of errors so far that were as large, a conformal p-value.

    Errors of the same bin count half.  An *error* (≥ 0) larger than all before adds twice
    the decades between them, up to 2.  0 until 50 errors have been seen.
    """
    counts, place = surprise.counts, _bin(error)
    seen = float(counts.sum())
    if seen < YOUNG:
        return 0.0
    above = float(counts[place + 1 :].sum()) + 0.5 * float(counts[place])
    value = -log10((above + 0.5) / (seen + 1))
    largest = float(surprise.marks[LARGEST])
    if above == 0 and error > largest > 0:
        value += min(BEYOND, 2 * log10(error / largest))
    return value


def learn(surprise: Surprise, error: float) -> None:
    """Count *error*, except the first ones."""
    marks = surprise.marks
    marks[SEEN] += 1
    if marks[SEEN] > WARM_UP:
        surprise.counts[_bin(error)] += 1
        marks[LARGEST] = max(marks[LARGEST], min(CAP, error))


def alarm(surprise: Surprise, value: float, half_life: float) -> float:
    """*value* if it exceeds the last alarm as it has faded, and then the new alarm; else 0.

    So one disturbance raises one alarm, unless it grows worse.  The memory of an alarm
    halves in *half_life* calls.
    """
    marks = surprise.marks
    marks[HELD] *= 0.5 ** (1 / half_life)
    if value <= marks[HELD]:
        return 0.0
    marks[HELD] = value
    return value
