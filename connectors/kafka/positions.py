"""Where a checkpoint continues, and what its topic still holds."""

from collections.abc import Mapping

from ..base import Lost
from .driver import Partition


def check_position(
    position: Mapping[Partition, int], bounds: Mapping[Partition, tuple[int, int]]
) -> None:
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
                f"{end}: it was deleted and made again, or it is another cluster. Correct "
                "bootstrap and topic, or start anew with an empty checkpoint directory"
            )
