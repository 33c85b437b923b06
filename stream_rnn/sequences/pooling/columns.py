"""Which column of a sequence's summary holds what.

The summary of a sequence of T steps and m channels is one row: T, the R numbers of the reservoir
(its last state and the mean of its states), then a block for each channel, so that a channel
more is columns more at the end.  The block of channel j holds

    STATISTICS numbers   mean, deviation, least, largest, first, last, deviation and mean size of
                         the steps' differences, ln deviation, lag-1 autocorrelation
    BINS numbers         its outline: means of that many equal parts of the sequence
    j numbers            correlations with the channels i < j          } for the first PAIRED
    j + 1 numbers        covariances with the channels i ≤ j           } channels only
"""

import numpy as np

MEAN, DEVIATION, LEAST, LARGEST, FIRST, LAST, ROUGHNESS, PACE, LOG, LAG = range(10)
STATISTICS = 10
BINS = 12
PAIRED = 24  # channels looked at in pairs


def block(j: int) -> int:
    """Columns of channel j."""
    return STATISTICS + BINS + (2 * j + 1 if j < PAIRED else 0)


def width(states: int, channels: int) -> int:
    """Columns of a summary."""
    return 1 + states + sum(block(j) for j in range(channels))


def channels_of(states: int, inputs: int) -> int:
    """m, of a summary that is *inputs* columns wide."""
    m = 0
    while width(states, m) < inputs:
        m += 1
    return m


def starts(states: int, channels: int) -> np.ndarray:
    """Where the block of each channel begins, (m,)."""
    return np.array([width(states, j) for j in range(channels)], np.int64)


def chosen(
    states: int, channels: int, *, state: bool, statistics: bool, outline: bool
) -> np.ndarray:
    """Columns of what is asked for; those of more channels begin with those of fewer."""
    found = [0] if state or statistics else []
    found += range(1, 1 + states) if state else []
    for j, at in enumerate(starts(states, channels).tolist()):
        bins = at + STATISTICS
        pairs = bins + BINS
        found += range(at, bins) if statistics else []
        found += range(bins, pairs) if outline else []
        found += range(pairs, pairs + j) if statistics and j < PAIRED else []
    return np.array(found, np.int64)
