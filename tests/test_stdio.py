"""Standard input and output."""

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from connectors.base import SinkError, SourceError
from connectors.stdio import StdinSource, StdoutSink


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for end in (read, write):
        with contextlib.suppress(OSError):  # a test may have closed it
            os.close(end)


def values(source, timeout=0.0):
    return [record.value for record in source.next_batch(100, timeout)]


def test_what_is_there_is_handed_out_at_once(pipe):
    read, write = pipe
    source = StdinSource(format="csv", fd=read)
    os.write(write, b"x,y\n1,2\n3,")
    assert values(source, timeout=60) == [{"x": "1", "y": "2"}]
    os.write(write, b"4\n")
    assert values(source) == [{"x": "3", "y": "4"}]
    assert values(source) == []
    assert not source.finished
    os.close(write)
    assert values(source) == []
    assert source.finished


def test_it_waits_no_longer_than_the_timeout(pipe):
    source = StdinSource(fd=pipe[0])
    start = time.monotonic()
    assert values(source, timeout=0.05) == []
    assert 0.04 < time.monotonic() - start < 5


def test_it_wakes_when_a_record_comes(pipe):
    read, write = pipe
    source = StdinSource(fd=read)
    threading.Timer(0.05, os.write, (write, b'{"x": 1}\n')).start()
    start = time.monotonic()
    assert values(source, timeout=60) == [{"x": 1}]
    assert time.monotonic() - start < 30


def test_bad_records_are_errors_with_their_bytes(pipe):
    read, write = pipe
    os.write(write, b'nonsense\n{"x": 1}\n')
    bad, good = StdinSource(fd=read).next_batch(10, 0)
    assert (bad.raw, bad.value, bad.offset, bad.partition) == (b"nonsense", None, 0, "stdin")
    assert good.value == {"x": 1}


def test_a_run_that_resumes_takes_what_comes_next(pipe):
    read, write = pipe
    source = StdinSource(fd=read)
    source.restore(None)
    source.restore(source.snapshot())
    os.write(write, b'{"x": 1}\n')
    assert values(source) == [{"x": 1}]
    position = source.snapshot()
    assert position == {"records": 1}
    os.write(write, b'{"x": 2}\n')
    again = StdinSource(fd=read)
    again.restore(position)
    [record] = again.next_batch(10, 0)
    assert (record.value, record.offset) == ({"x": 2}, 1)
    assert again.snapshot() == {"records": 2}


def test_a_closed_descriptor_is_a_source_error(pipe):
    source = StdinSource(fd=pipe[0])
    os.close(pipe[0])
    with pytest.raises(SourceError, match="cannot be read: Bad file"):
        values(source)


def test_rows_are_lines_of_json():
    stream = io.BytesIO()
    sink = StdoutSink(stream=stream)
    sink.write([{"y": 1.5}, {"y": float("nan")}])
    sink.write([])
    sink.flush()
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"y": 1.5},
        {"y": None},
    ]
    position = sink.snapshot()
    sink.restore(position)
    assert sink.snapshot() == {"rows": 2}
    sink.close()


def test_a_reader_that_went_away_is_a_sink_error(pipe):
    read, write = pipe
    os.close(read)
    with os.fdopen(write, "wb", buffering=0) as stream:
        sink = StdoutSink(stream=stream)
        with pytest.raises(SinkError, match="standard output cannot be written: Broken pipe"):
            sink.write([{"y": 1}])


def test_in_a_real_process():
    program = (
        "from connectors.stdio import StdinSource, StdoutSink\n"
        "source, sink = StdinSource(), StdoutSink()\n"
        "while not source.finished:\n"
        "    sink.write([r.value for r in source.next_batch(2, 0.1)])\n"
    )
    rows = "".join(f'{{"x":{i}}}\n' for i in range(5))
    done = subprocess.run(
        [sys.executable, "-c", program], input=rows, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (rows, "")
