"""Threads take short turns while a service runs, and as before afterwards."""

import sys

import pytest

from stream_rnn.turns import short_turns


def fail():
    with short_turns():
        assert sys.getswitchinterval() == pytest.approx(5e-4)
        raise KeyError


def test_the_interval_is_put_back_after_an_error_too():
    before = sys.getswitchinterval()
    with pytest.raises(KeyError):
        fail()
    assert sys.getswitchinterval() == before
