"""What an operator has said of patterns: "not an anomaly", or "missed".

A pattern that is none is usual from now on, and so is all that is nearer to it than the past
was when it raised the alarm.  What is like a missed one in level and shape scores higher,
the more the nearer it is.  The newest labels are kept.
"""

import numpy as np

from ..codegen.dispatch import kernel
from ..numerics.linalg import copy
from .cover import nearest
from .state import AT, KIND, LABELS, LEVEL, RADIUS, REACH, SHAPE, Fields, State

USUAL, MISSED = 1.0, -1.0
RAISE, REACHES = 3.0, 1.5  # of the score of what was missed; how far away it ends
ALARMED, NOW = range(2)  # of Labels.distance


@kernel
def is_usual(labels, f, view, pattern):
    """Whether *pattern* is within the reach of one that was said to be no anomaly."""
    for i in range(LABELS):
        if labels.marks[f, i, view, KIND] == USUAL:
            d = nearest(pattern, labels.patterns[f, i, view : view + 1], 1)
            if d <= labels.marks[f, i, view, REACH]:
                return True
    return False


@kernel
def raised(labels, f, means):
    """By how much the score rises for being like a missed record in level and shape.

    Movement is left out: it is too much a matter of chance to come twice.

    3 (1 − d/1.5), d the distance in reaches, in the view where it is largest; never below 0.
    """
    most = 0.0
    for i in range(LABELS):
        if labels.marks[f, i, LEVEL, KIND] == MISSED:
            far = 0.0
            for view in (LEVEL, SHAPE):
                d = nearest(means[view], labels.patterns[f, i, view : view + 1], 1)
                far = max(far, d / (labels.marks[f, i, view, REACH] + 1e-300))
            most = max(most, RAISE * (1 - far / REACHES))
    return most


@kernel
def keep_alarmed(fields, f):
    """The field *f* takes part in an alarm: an operator may speak of its patterns."""
    labels = fields.labels
    copy(labels.distance[f, NOW], labels.distance[f, ALARMED])
    for view in range(len(labels.alarmed[f])):
        copy(fields.means[f, view], labels.alarmed[f, view])


def not_an_anomaly(state: State, alarm: float) -> list[int]:
    """The alarm at record number *alarm* was none; the fields that took part in it."""
    fields = state.fields
    chosen = np.flatnonzero(fields.alarm[:, AT] == alarm).tolist()
    for f in chosen:
        labels = fields.labels
        _add(fields, f, labels.alarmed[f], labels.distance[f, ALARMED], USUAL)
    return chosen


def missed(state: State, chosen: list[int]) -> None:
    """The record taken in last was an anomaly of the *chosen* fields."""
    fields = state.fields
    for f in chosen:
        reach = np.maximum(fields.labels.distance[f, NOW], fields.cover.marks[f, :, RADIUS])
        _add(fields, f, fields.means[f], reach, MISSED)


def _add(fields: Fields, f: int, patterns: np.ndarray, reach: np.ndarray, kind: float) -> None:
    labels = fields.labels
    labels.patterns[f, 1:], labels.marks[f, 1:] = labels.patterns[f, :-1], labels.marks[f, :-1]
    labels.patterns[f, 0] = patterns
    labels.marks[f, 0, :, REACH], labels.marks[f, 0, :, KIND] = reach, kind
