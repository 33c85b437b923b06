"""The interpreter is set for streams while a service runs, and as before afterwards."""

import gc
import sys
import weakref

import pytest

from stream_rnn.service.runtime import COLLECT, TURN_SECONDS, set_for_streams


class Node:
    """Refers to itself: only the collector can free it."""

    def __init__(self):
        self.me = self


def fail():
    with set_for_streams():
        assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS)
        assert gc.get_threshold() == COLLECT
        assert gc.get_freeze_count() > 0
        raise KeyError


def test_all_is_put_back_after_an_error_too():
    before = sys.getswitchinterval(), gc.get_threshold()
    with pytest.raises(KeyError):
        fail()
    assert (sys.getswitchinterval(), gc.get_threshold()) == before
    assert gc.get_freeze_count() == 0


def test_cycles_are_still_freed():
    with set_for_streams():
        lost = weakref.ref(Node())
        assert lost() is not None
        kept = [[] for _ in range(2 * COLLECT[0])]
        assert lost() is None, f"not collected while {len(kept)} objects were made"
