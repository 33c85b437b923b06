"""The pipeline: exact, whatever the batches, the bad records and the interruptions."""

import logging
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from average import Linear
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Record, Shortened
from connectors.files.json_sink import JsonLinesSink
from connectors.memory import MemorySink, MemorySource
from stream_rnn.checkpoints.store import CheckpointWriteError, Store
from stream_rnn.errors import CheckpointError
from stream_rnn.features.rows import Rows
from stream_rnn.service import pipeline as module
from stream_rnn.service.identity import Identity
from stream_rnn.service.ledger import Schedule
from stream_rnn.service.pipeline import Pipeline, stop_on_signals
from stream_rnn.service.refusal_limit import TooManyRefused
from stream_rnn.service.task import Task


def values(count, seed=0):
    rng = np.random.default_rng(seed)
    return [
        {"id": f"r{n}", "u": float(u), "y": float(2 * u + v)}
        for n, (u, v) in enumerate(rng.normal(size=(count, 2)))
    ]


def task(**options):
    rows = Rows("y", exclude=["id"], lags=options.pop("lags", {"y": [1, 3]}))
    return Task(Linear(), rows, copy=["id"], **options)


def run(records, *, batch=7, store=None, source=None, sinks=None, stop=None, **options):
    sink, refused = sinks or (MemorySink(), MemorySink())
    options.setdefault("max_refused", 1.0)
    line = Pipeline(
        source or MemorySource(records),
        task(),
        sink,
        refused,
        store,
        Schedule(batch_records=batch, poll_seconds=0.01, **options),
    )
    try:
        line.run(stop)
    finally:
        line.close()
    return line


def outcome(line):
    """All that a run leaves behind, as comparable values."""
    meta, arrays = line.task.snapshot()
    sinks = {name: list(sink.rows) for name, sink in line.sinks.items()}
    return meta, {k: v.tobytes() for k, v in arrays.items()}, sinks, line.counters


def test_predicts_before_it_learns():
    records = values(5)
    line = run(records)
    rows = line.sinks["sink"].rows
    assert rows[0] == {"prediction": 0.0, "target": records[0]["y"], "id": "r0"}
    assert line.counters == {"consumed": 5, "predicted": 5, "learned": 5, "refused": 0}
    naive = Linear()
    past = []
    for record, row in zip(records, rows, strict=True):
        x = {"u": record["u"]}
        x |= {f"y.lag{k}": past[-k] for k in (1, 3) if len(past) >= k}
        assert naive.stream([x], [record["y"]]) == [{"prediction": row["prediction"]}]
        past.append(record["y"])


FAULTS = st.sampled_from(
    [
        {"u": float("nan"), "y": 1.0},
        {"u": "text", "y": 1.0},
        {"u": 1.0},  # no target
        {"u": 1.0, "y": float("inf")},
        Record(None, b"{broken", "malformed"),
        Record(None, b"\xff\xfe", "not UTF-8"),
    ]
)
GOOD = st.fixed_dictionaries({"u": st.floats(-1, 1), "y": st.floats(-1, 1) | st.none()})


@settings(deadline=None, max_examples=60)
@given(st.lists(GOOD | FAULTS, max_size=25), st.integers(1, 30))
def test_batches_make_no_difference(records, batch):
    assert outcome(run(records, batch=batch)) == outcome(run(records, batch=1))


@settings(deadline=None, max_examples=30)
@given(st.lists(GOOD | FAULTS, max_size=25))
def test_every_record_has_exactly_one_result(records):
    records = [r._replace(offset=n) if isinstance(r, Record) else r for n, r in enumerate(records)]
    line = run(records)
    results, letters = (line.sinks[name].rows for name in ("sink", "refused"))
    assert len(results) + len(letters) == len(records) == line.counters["consumed"]
    good = [r for r in records if isinstance(r, dict) and r.get("u") == r.get("u")]
    good = [r for r in good if r["u"] != "text" and "y" in r and r["y"] != float("inf")]
    assert len(results) == len(good)
    assert [letter["offset"] for letter in letters] == sorted(l["offset"] for l in letters)


def test_a_dead_letter_says_what_and_why():
    records = [
        {"u": 1.0, "y": 1.0},
        Record(None, b"{broken", "malformed JSON", "p", 1),
        {"u": 1.0},
        {"u": "x", "y": 2.0},
        Record(None, b"\xff", "not UTF-8", "p", 4),
    ]
    letters = run(records).sinks["refused"].rows
    assert [letter["reason"] for letter in letters] == [
        "undecodable",
        "missing_target",
        "refused",
        "undecodable",
    ]
    assert letters[0]["raw"] == "{broken"
    assert letters[0]["partition"] == "p"
    assert "'y' is missing" in letters[1]["error"]
    assert letters[2]["error"] == "u = 'x' is not a finite number"
    assert letters[2]["raw"] == '{"u":"x","y":2.0}'
    assert letters[3]["raw_base64"] == "/w=="


def test_without_a_sink_for_them_refusals_are_logged(caplog):
    records = [{"u": 1.0}, {"u": 1.0, "y": 2.0}]
    line = Pipeline(MemorySource(records), task(), MemorySink())
    with caplog.at_level(logging.WARNING):
        line.run()
    [refused] = [record for record in caplog.records if "refused record" in record.msg]
    assert refused.getMessage().endswith("missing_target; --log-values says why")
    assert "'y' is missing" in refused.values  # written if asked for
    assert line.counters["refused"] == 1


def test_a_null_target_is_predicted_and_not_learned():
    line = run([{"u": 1.0, "y": 1.0}, {"u": 1.0, "y": None}])
    assert line.counters["predicted"] == 2
    assert line.counters["learned"] == 1


def test_origin_names_partition_and_offset():
    line = Pipeline(MemorySource(values(2), partition="t-3"), task(origin=True), MemorySink())
    line.run()
    assert line.sinks["sink"].rows[1]["partition"] == "t-3"
    assert line.sinks["sink"].rows[1]["offset"] == 1


class Crash(BaseException):
    """Not an error that anything catches: as near to kill -9 as one process can come."""


class FailingSink(MemorySink):
    """Crashes after a number of writes; what was written stays, as in a file."""

    def __init__(self, writes):
        super().__init__()
        self.writes = writes

    def write(self, rows):
        super().write(rows)
        self.writes -= 1
        if self.writes == 0:
            raise Crash


@pytest.mark.parametrize("every", [1, 10, 1000])
@pytest.mark.parametrize("crash_at", [1, 2, 5, 8])
def test_a_crash_and_a_resume_change_nothing(tmp_path, every, crash_at):
    records = values(60)
    records[20] = {"u": float("nan"), "y": 0.0}
    records[21] = {"u": 0.0}
    expected = outcome(run(records, batch=7))
    sinks = FailingSink(crash_at), MemorySink()
    with pytest.raises(Crash):
        run(records, store=Store(tmp_path), sinks=sinks, every_records=every)
    sinks[0].writes = -1
    store = Store(tmp_path)
    assert outcome(run(records, batch=5, store=store, sinks=sinks)) == expected


def test_a_finished_run_has_nothing_left_to_do(tmp_path):
    sinks = MemorySink(), MemorySink()
    first = outcome(run(values(20), store=Store(tmp_path), sinks=sinks))
    assert outcome(run(values(20), store=Store(tmp_path), sinks=sinks)) == first


def test_a_checkpoint_counts_on_durable_sinks(tmp_path):
    """Sinks are flushed before the checkpoint that holds their positions is written."""
    events = []

    class Sink(MemorySink):
        def flush(self):
            events.append("flush")

    class Watched(Store):
        def save(self, manifest, arrays, contexts=None):
            events.append("save")
            assert manifest["sinks"]["sink"] == manifest["counters"]["predicted"]
            return super().save(manifest, arrays, contexts)

    run(values(20), store=Watched(tmp_path), sinks=(Sink(), Sink()), every_records=10)
    assert events == ["flush", "flush", "save"] * (len(events) // 3)
    assert len(events) >= 9


class Endless:
    """A live source: some records now and then, never finished."""

    finished = False

    def __init__(self, records, each=3):
        self.records, self.each, self.n = records, each, 0
        self.idle = threading.Event()

    def next_batch(self, max_records, timeout):
        batch = self.records[self.n : self.n + min(self.each, max_records)]
        if not batch:
            self.idle.set()
            time.sleep(timeout)
        self.n += len(batch)
        return [Record(v, b"", None, "0", self.n) for v in batch]

    def snapshot(self):
        return self.n

    def restore(self, position):
        self.n = position

    def close(self): ...


def test_stopping_drains_and_checkpoints(tmp_path):
    source, stop = Endless(values(30)), threading.Event()
    threading.Timer(0.3, stop.set).start()
    line = run([], source=source, stop=stop, store=Store(tmp_path))
    assert line.counters["predicted"] == 30
    saved = Store(tmp_path).load_newest()
    assert saved.manifest["position"] == 30
    assert saved.manifest["counters"]["consumed"] == 30


def test_an_idle_stream_is_checkpointed_by_time(tmp_path):
    source, stop, store = Endless(values(9)), threading.Event(), Store(tmp_path)
    thread = threading.Thread(
        target=run,
        args=([],),
        kwargs={"source": source, "stop": stop, "store": store, "every_seconds": 0.05},
    )
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            newest = Store(tmp_path).load_newest()
            if newest and newest.manifest["position"] == 9:
                break
            time.sleep(0.01)
        else:
            pytest.fail("no checkpoint of an idle stream")
        written = len(newest.name)
        time.sleep(0.2)  # nothing new: nothing is written
        assert Store(tmp_path).load_newest().name == newest.name
        assert written
    finally:
        stop.set()
        thread.join()


def test_results_of_a_slow_stream_are_not_held_back():
    """A result is written when it is there, not when the next batch comes."""
    source, stop = Endless(values(3)), threading.Event()
    sinks = MemorySink(), MemorySink()
    thread = threading.Thread(
        target=run, args=([],), kwargs={"source": source, "stop": stop, "sinks": sinks}
    )
    thread.start()
    deadline = time.monotonic() + 10
    while len(sinks[0].rows) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    stop.set()
    thread.join()
    assert len(sinks[0].rows) == 3


def test_too_many_refusals_stop_the_run(tmp_path):
    records = values(50) + [{"u": "drifted", "y": 1.0}] * 100
    with pytest.raises(TooManyRefused, match="drifted") as stopped:
        run(records, store=Store(tmp_path), max_refused=0.3, window=20)
    assert "max_dead_letter_ratio = 0.3" in str(stopped.value)
    # It stopped in order: the checkpoint is where the outputs are.
    counters = Store(tmp_path).load_newest().manifest["counters"]
    assert counters["consumed"] == counters["predicted"] + counters["refused"]


def test_a_few_refusals_do_not():
    records = [r for v in values(100) for r in (v, v, v, {"u": "x", "y": 1.0})]
    line = run(records, max_refused=0.3, window=20)
    assert line.counters["refused"] == 100


class BrokenStore(Store):
    def save(self, manifest, arrays, contexts=None):
        if manifest["counters"]["consumed"]:
            raise CheckpointWriteError("cannot write: No space left on device")
        return super().save(manifest, arrays, contexts)


def test_a_checkpoint_that_fails_does_not_stop_predictions(tmp_path, caplog):
    with caplog.at_level(logging.ERROR):
        line = run(values(30), store=BrokenStore(tmp_path), every_records=10)
    assert line.counters["predicted"] == 30
    assert "No space left" in caplog.text


def test_unless_configured_to(tmp_path):
    with pytest.raises(CheckpointWriteError):
        run(values(30), store=BrokenStore(tmp_path), every_records=10, stop_on_failure=True)


def test_a_read_only_directory_does_not_stop_predictions(tmp_path):
    if os.geteuid() == 0:  # root may write anywhere but there
        store = Store("/proc/checkpoints")
    else:
        tmp_path.chmod(0o500)
        store = Store(tmp_path)
    assert run(values(10), store=store).counters["predicted"] == 10


def test_another_configuration_is_refused(tmp_path):
    def line(units):
        identity = Identity({"estimator": {"units": units}})
        return Pipeline(
            MemorySource(values(5)),
            task(),
            MemorySink(),
            MemorySink(),
            Store(tmp_path),
            identity=identity,
        )

    first = line(4)
    first.run()
    first.close()
    with pytest.raises(CheckpointError, match=r"estimator was \{'units': 4\}"):
        line(8).run()


def test_an_estimator_that_fails_stops_the_run():
    class Broken(Linear):
        def stream(self, xs, ys):
            raise RuntimeError("out of memory")

    line = Pipeline(MemorySource(values(5)), Task(Broken(), Rows("y")), MemorySink())
    with pytest.raises(RuntimeError, match="out of memory"):
        line.run()


def test_the_next_batch_is_read_while_the_last_is_learned():
    order = []

    class Slow(Linear):
        def stream(self, xs, ys):
            time.sleep(0.05)
            order.append("learned")
            return super().stream(xs, ys)

    class Source(MemorySource):
        def next_batch(self, max_records, timeout):
            order.append("read")
            return super().next_batch(max_records, timeout)

    line = Pipeline(
        Source(values(3)),
        Task(Slow(), Rows("y", exclude=["id"])),
        MemorySink(),
        schedule=Schedule(batch_records=1),
    )
    line.run()
    assert order == ["read", "read", "learned", "read", "learned", "learned"]


def test_observers_are_told_everything(tmp_path):
    events = []

    class Watch:
        def __getattr__(self, name):
            return lambda *details: events.append((name, *details))

    line = Pipeline(
        MemorySource(values(4)),
        task(),
        MemorySink(),
        store=Store(tmp_path),
        schedule=Schedule(batch_records=2),
        observers=(Watch(),),
    )
    line.run()
    assert [event[0] if event[0] != "state" else event[1] for event in events] == [
        "starting",
        "checkpoint",
        "started",
        "running",
        "batch",
        "batch",
        "draining",
        "checkpoint",
        "stopped",
    ]


def test_a_failure_is_told():
    events = []

    class Watch:
        def __getattr__(self, name):
            return lambda *details: events.append(details[0])

    line = Pipeline(
        MemorySource([{"u": 1.0, "y": 1.0}]), task(), FailingSink(1), observers=(Watch(),)
    )
    with pytest.raises(Crash):
        line.run()
    assert events[-1] == "failed"


def test_the_first_signal_asks_and_the_second_insists():
    # a shell starts background jobs with SIGINT ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with stop_on_signals(signal.SIGINT) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(5)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_the_pipeline_is_a_page():
    """What it imports is small: protocols, the ledger, who watches, and the task."""
    source = Path(module.__file__).read_text()
    imports = [line for line in source.splitlines() if line.startswith(("from .", "from conn"))]
    assert len(imports) <= 8
    assert len(source.splitlines()) < 250


def test_results_that_are_gone_do_not_cost_the_model(tmp_path, caplog):
    """A file that was moved goes on in a new one; of one that is gone the run says what to do."""
    path, moved = tmp_path / "out.jsonl", tmp_path / "out.jsonl.1"

    def go_on(count, **schedule):
        made = Pipeline(
            *(MemorySource(values(count)), task(), JsonLinesSink(path)),
            store=Store(tmp_path / "checkpoints"),
            schedule=Schedule(**schedule),
        )
        try:
            made.run()
        finally:
            made.close()
        return len(path.read_bytes().splitlines())

    assert go_on(10) == 10
    os.rename(path, moved)
    assert go_on(15) == 5
    assert len(moved.read_bytes().splitlines()) == 10
    os.unlink(path)
    with pytest.raises(Shortened, match=r"sink: .* restore the file; or, to keep the model .*skip"):
        go_on(18)
    assert go_on(18, skip_lost=True) == 3
    assert "results go on at its end" in caplog.text
