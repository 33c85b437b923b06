"""One record of one field: how new it is, how rare that is, and why."""

from math import isnan, log, log10

import numpy as np

from ..codegen.dispatch import kernel
from .cover import nearest, remember
from .labels import NOW, is_usual, raised
from .state import (
    CENTRED,
    DEVIATION,
    FIRST_LASTING,
    FIRST_VIEW,
    FORECAST,
    LAST,
    LEVEL,
    MISSING,
    MOVEMENT,
    MOVEMENT_AT,
    SEEN,
    VALUE,
)  # fmt: skip
from .tail import LEAST, MOST, count, rarity
from .views import YOUNG, average, limited, observe

EPISODE, LONGEST = 0.05, 2000.0  # of the records seen, but no longer than so many
SHORT, LONG = 2.0, 8.0  # records over which lasting novelty is averaged: twice, once in each
SMALL = 1e-3  # a distance, in mean deviations, that is none
TWICE = 0.3  # as rare: log₁₀ 2
COMPARED = 3 * YOUNG  # from this record on, novelties count
SURPRISE = 0.1  # weight of the forecaster among the tails: news counts more than surprise

SCORE, CAUSE, EXTREME, PART, OUTS = range(5)  # what is told of a field; PART: in an alarm


@kernel
def ripe(now):
    """What came up to this record of a field is its past, once *now* have been seen."""
    return now - min(EPISODE * now, LONGEST)


@kernel
def learn(fields, f, x, time, expected, out):
    """Score the value *x* at *time* (seconds, or NaN), then learn it.

    *expected* is what was forecast, NaN if nothing was.  *out* (OUTS,) takes the score,
    the tail that says most, and whether its measure is the highest (1) or the lowest (−1) so
    far.
    """
    clock = fields.clock[f]
    raw, now = x, clock[SEEN]
    x = limited(clock, x)
    observe(clock, x)
    views = MOVEMENT + 1 if isnan(time) else MOVEMENT_AT + 1
    evidence, tails = 0.0, 2.0 * (1 + views)
    out[CAUSE], most = VALUE, -np.inf
    for view in range(views):
        average(fields.means[f, view], clock, view, x, time)
        if now < YOUNG:
            continue
        novelty = _novelty(fields, f, view, now)
        if view == LEVEL:
            found = _rare(fields, f, VALUE, novelty, now, 1.0)
            evidence, most = 2 * 10.0**found, found
        brief = _rare(fields, f, FIRST_VIEW + view, novelty, now, SHORT)
        lasting = _rare(fields, f, FIRST_LASTING + view, novelty, now, LONG)
        evidence += 10.0**brief + 10.0**lasting
        if max(brief, lasting) > most + TWICE:  # else the simpler view says it
            most, out[CAUSE] = max(brief, lasting), FIRST_VIEW + view
    if not isnan(expected) and now >= YOUNG:
        small = SMALL * clock[DEVIATION]
        found = _rare(fields, f, FORECAST, log(abs(raw - expected) + small + 1e-300), now, 1.0)
        evidence += 2 * SURPRISE * 10.0**found
        tails += 2 * SURPRISE
        if most < min(0.0, found):  # news says why better than a surprise does
            out[CAUSE] = FORECAST
    clock[LAST] = x
    clock[SEEN] += 1
    out[EXTREME] = _extreme(fields, f, int(out[CAUSE]), raw)
    out[SCORE] = log10(evidence / tails) if evidence > 0 else LEAST
    out[SCORE] = min(MOST, out[SCORE] + raised(fields.labels, f, fields.means[f]))


@kernel
def miss(fields, f, expected, time):
    """The value at *time* is missing: the views go on with what was *expected*."""
    clock = fields.clock[f]
    clock[MISSING] += 1
    if isnan(expected) or clock[SEEN] == 0:
        return
    x = limited(clock, expected)
    for view in range(MOVEMENT + 1 if isnan(time) else MOVEMENT_AT + 1):
        average(fields.means[f, view], clock, view, x, time)
    clock[LAST] = x


@kernel
def _novelty(fields, f, view, now):
    """Log distance of *view* from its past; learns the pattern."""
    cover, pattern = fields.cover, fields.means[f, view]
    distance = nearest(pattern, cover.centres[f, view], int(cover.marks[f, view, CENTRED]))
    least = SMALL * (fields.clock[f, DEVIATION] if view == LEVEL else 1.0)
    remember(cover, f, view, pattern, distance, now, ripe(now), least)
    if distance == np.inf:
        distance = 0.0
    fields.labels.distance[f, NOW, view] = distance
    if is_usual(fields.labels, f, view, pattern):
        distance = 0.0
    return log(distance + least + 1e-300)


@kernel
def _rare(fields, f, tail, novelty, now, span):
    """Rarity of the *novelty* averaged over *span* records; takes it into the tail."""
    smooth = fields.smooth[f]
    if now == YOUNG:
        smooth[tail] = novelty
    smooth[tail] += (novelty - smooth[tail]) / span
    found = rarity(fields.tail.marks[f, tail], smooth[tail])
    if now >= COMPARED:
        count(fields.tail.marks[f, tail], fields.tail.maxima[f, tail], smooth[tail])
    return found


@kernel
def _extreme(fields, f, cause, raw):
    """Whether the value, level or movement that caused it is beyond all before: 1, −1 or 0."""
    found = 0.0
    for tail in range(FIRST_VIEW + MOVEMENT + 1):
        value = raw if tail == VALUE else fields.means[f, tail - FIRST_VIEW, 2]
        lowest, highest = fields.extremes[f, tail, 0], fields.extremes[f, tail, 1]
        if tail == cause:
            found = 1.0 if value > highest else -1.0 if value < lowest else 0.0
        fields.extremes[f, tail, 0] = min(lowest, value)
        fields.extremes[f, tail, 1] = max(highest, value)
    return found
