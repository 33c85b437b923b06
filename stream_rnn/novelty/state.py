"""The state of a detector, declared once: what there is, how long, and its first values."""

from typing import Annotated, NamedTuple

import numpy as np

from ..numerics import trees
from ..numerics.laid import Laid
from ..numerics.trees import Float

MEANS = 8  # exponential means over 1, 2, 4, …, 128 records
WIDTH = MEANS + 2  # of a pattern: the means, and the time of day as a circle
CENTRES = 256  # that cover the past of a view
BLOCKS = 16  # of the past, to twice as many
SHORTEST = 8  # records of the first blocks
LABELS = 16  # operators' labels that are kept, the newest

#: What a field is looked at in, and under which name an alarm speaks of it.
VIEWS = ("level", "shape", "movement", "shape at this time of day", "movement at this time of day")
LEVEL, SHAPE, MOVEMENT, SHAPE_AT, MOVEMENT_AT = range(5)
#: What has a tail: the value of this record, every view over two records, the forecast's error,
#: every view over some more records.
TAILS = ("value", *VIEWS, "forecast", *VIEWS)
VALUE, FIRST_VIEW, FORECAST, FIRST_LASTING = 0, 1, 6, 7

# of Fields.clock: records seen; moments of the values and of the steps; the last value; how many
# have been missing since
SEEN, MEAN, DEVIATION, STEP, LAST, MISSING = range(6)
# of Cover.marks
CENTRED, WAITING, RADIUS = range(3)
# of Tail.marks
FILLED, LENGTH, COUNT, LARGEST, LOCATION, SCALE, TAIL_SHAPE, READY = range(8)
# of Labels.marks
REACH, KIND = range(2)
# of Fields.alarm: the field's own record until which its patterns are part of an alarm; the
# detector's record of that alarm; the field's highest score since
UNTIL, AT, TOP = range(3)
# of State.joint: records; the time of the first; of the running episode its first record (0 if
# none runs), its last high one and its highest score; alarms; the record of the last alarm; the
# worst field of the last record
RECORDS, BEGAN, START, HIGH, PEAK, ALARMS, ALARM, WORST = range(8)


class Cover(NamedTuple):
    """Centres that cover the past of each view, and patterns that wait to become the past."""

    marks: Annotated[Float, "F view 3"]
    centres: Annotated[Float, "F view room width"]
    waiting: Annotated[Float, "F view centre width"]
    since: Annotated[Float, "F view centre"]


class Tail(NamedTuple):
    """Maxima of equal blocks of the past, and the distribution fitted to them."""

    marks: Annotated[Float, "F tail 8"]
    maxima: Annotated[Float, "F tail block"]


class Labels(NamedTuple):
    """Patterns that an operator has spoken of; those of the last alarm; how far they were."""

    patterns: Annotated[Float, "F label view width"]
    marks: Annotated[Float, "F label view 2"]
    alarmed: Annotated[Float, "F view width"]
    distance: Annotated[Float, "F 2 view"]


class Fields(NamedTuple):
    """All of the F fields but the forecasters."""

    clock: Annotated[Float, "F clock"]
    extremes: Annotated[Float, "F tail 2"]  # lowest and highest
    means: Annotated[Float, "F view width"]
    smooth: Annotated[Float, "F tail"]
    alarm: Annotated[Float, "F 3"]
    cover: Cover
    tail: Tail
    labels: Labels


class State(NamedTuple):
    """All of a detector but the forecasters."""

    fields: Fields
    joint: Annotated[Float, "joint"]


LENGTHS = {
    "clock": 6,
    "view": len(VIEWS),
    "tail": len(TAILS),
    "width": WIDTH,
    "centre": CENTRES,
    "room": CENTRES + 1,  # one more comes before the cover is thinned
    "block": 2 * BLOCKS,
    "label": LABELS,
    "joint": 8,
}


def allocate(fields: int) -> Laid:
    """Nothing seen of any of the *fields*."""
    new = Laid((), _shapes(fields), ())
    _begin(new.state.fields, 0)
    new.state.joint[BEGAN] = np.nan
    return new


def grown(old: Laid, fields: int) -> Laid:
    """*old* with room for more *fields*, which have seen nothing."""
    new = old.grown(_shapes(fields), ())
    _begin(new.state.fields, len(old.state.fields.clock))
    return new


def _shapes(fields: int) -> State:
    return trees.fields(State, LENGTHS | {"F": fields})


def _begin(fields: Fields, first: int) -> None:
    """What is not 0 in a field that has seen nothing."""
    fields.extremes[first:, :, 0], fields.extremes[first:, :, 1] = np.inf, -np.inf
    fields.tail.marks[first:, :, LENGTH] = SHORTEST
    fields.tail.marks[first:, :, LARGEST] = -np.inf
