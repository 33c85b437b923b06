"""Sources and sinks in memory."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Record, SinkError, SourceError
from connectors.memory import MemorySink, MemorySource


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 7))
def test_restored_at_any_point_it_gives_the_rest(count, stop, size):
    rows = [{"x": i} for i in range(count)]
    source = MemorySource(rows)
    seen = source.next_batch(stop, 0)
    position = json.loads(json.dumps(source.snapshot()))
    source = MemorySource(rows)
    source.restore(position)
    while not source.finished:
        seen += source.next_batch(size, 0)
    assert [r.value for r in seen] == rows
    assert [r.offset for r in seen] == list(range(count))


def test_records_pass_as_they_are_and_raw_is_json():
    ready = Record(None, b"?", "malformed")
    plain, bad = MemorySource([{"x": 1}, ready]).next_batch(5, 0)
    assert json.loads(plain.raw) == {"x": 1}
    assert bad is ready


def test_positions_out_of_range_are_refused():
    with pytest.raises(SourceError, match="position 3 is not among the 1 records"):
        MemorySource([{}]).restore(3)
    sink = MemorySink()
    sink.write([{"y": 1}, {"y": 2}])
    sink.restore(1)
    assert sink.rows == [{"y": 1}]
    with pytest.raises(SinkError, match="fewer than the 2"):
        sink.restore(2)
    sink.restore(None)
    sink.flush()
    sink.close()
    assert sink.snapshot() == 0
