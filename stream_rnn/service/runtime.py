"""How a service that runs for months sets the interpreter: threads' turns, garbage collection."""

import contextlib
import gc
import sys
from collections.abc import Iterator

TURN_SECONDS = 1e-3
COLLECT = 50_000, 20, 50  # objects made, and collections of one age before one of the next


@contextlib.contextmanager
def set_for_streams() -> Iterator[None]:
    """Until the end of the block, threads take short turns and garbage is seldom looked for.

    Compiled loops run beside the interpreter and then wait for it: a turn of 5 ms, Python's
    own, is a thousand records.  Records are thousands of small objects in no cycle, which
    reference counts free; looking for cycles after every 700 of them, Python's own setting,
    takes a quarter of the time of reading and learning from Kafka.
    """
    turn, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(TURN_SECONDS)
    gc.freeze()  # what is there already, modules above all, stays
    gc.set_threshold(*COLLECT)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        sys.setswitchinterval(turn)
