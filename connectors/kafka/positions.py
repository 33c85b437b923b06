"""Where a checkpoint continues, and what its topic still holds."""

from collections.abc import Collection, Mapping
from typing import Any

from ..base import Lost
from .driver import Partition
from .origins import Origin

Bounds = Mapping[Partition, tuple[int, int]]


def offsets_in(position: Mapping[str, Mapping[str, Any]]) -> dict[Partition, int]:
    """The next offsets in a source's position.

    >>> offsets_in({"rides": {"0": 12, "1": 7, "id": "STg4mjMQRia55Un9opUPhg"}})
    {Partition(topic='rides', number=0): 12, Partition(topic='rides', number=1): 7}
    """
    return {
        Partition(topic, int(number)): offset
        for topic, numbers in position.items()
        for number, offset in numbers.items()
        if number.isdecimal()
    }


def position_of(
    offsets: Mapping[Partition, int], origins: Mapping[str, Origin]
) -> dict[str, dict[str, Any]]:
    """The position for a checkpoint: of each topic its next offsets, its id, its cluster's.

    >>> position_of({Partition("rides", 0): 12}, {"rides": Origin("STg4", "JEoE")})
    {'rides': {'0': 12, 'id': 'STg4', 'cluster': 'JEoE'}}
    """
    position: dict[str, dict[str, Any]] = {}
    for (topic, number), offset in offsets.items():
        position.setdefault(topic, {})[str(number)] = offset
    for topic, part in position.items():
        if topic in origins:
            part |= origins[topic]._asdict()
    return position


def check_position(position: Mapping[Partition, int], bounds: Bounds) -> None:
    """Raise `Lost` for a position outside of what its partition holds."""
    for partition, offset in position.items():
        first, end = bounds[partition]
        if offset < first:
            raise Lost(
                f"{partition}: the checkpoint continues at offset {offset}, but the topic's "
                f"retention has deleted everything before {first}, so {first - offset} records "
                "would be lost. Restore the records, or start anew with an empty checkpoint "
                "directory; for the future raise retention.ms or write checkpoints more often"
            )
        if offset > end:
            raise Lost(
                f"{partition}: the checkpoint continues at offset {offset}, but the topic ends at "
                f"{end}: it was deleted and made again, it was cut back when a broker was lost, or "
                "it is another cluster. Correct bootstrap and topic, or start anew with an empty "
                "checkpoint directory"
            )


def what_is_left(
    position: Mapping[Partition, int],
    bounds: Bounds,
    remade: Collection[str],
    same: Collection[str],
) -> tuple[dict[Partition, int], int | None]:
    """Where to go on if what is lost is skipped, and how many records that are, if that is known.

    Topics that are *remade* are read from their beginning.  Beyond its end a topic that is known
    to be the *same* was cut back, and goes on there; another was made again.

    >>> rides = Partition("rides", 0)
    >>> what_is_left({rides: 10}, {rides: (30, 50)}, (), ())
    ({Partition(topic='rides', number=0): 30}, 20)
    >>> what_is_left({rides: 60}, {rides: (0, 50)}, (), {"rides"})
    ({Partition(topic='rides', number=0): 50}, None)
    >>> what_is_left({rides: 40}, {rides: (0, 50)}, {"rides"}, ())
    ({Partition(topic='rides', number=0): 0}, None)
    """
    left: dict[Partition, int] = {}
    lost, is_known = 0, True
    for partition, offset in position.items():
        first, end = bounds[partition]
        if partition.topic in remade or offset > end:
            is_known = False
            left[partition] = end if partition.topic in same else first
        else:
            left[partition] = max(offset, first)
            lost += left[partition] - offset
    return left, lost if is_known else None
