"""The ledger under every kind of run, and who is told."""

import inspect

import pytest

from stream_rnn.checkpoints.store import Store
from stream_rnn.cli.demo.display import Lines, LiveView
from stream_rnn.cli.demo.replay import Starter
from stream_rnn.cli.progress import ProgressLine
from stream_rnn.errors import CheckpointError
from stream_rnn.metrics import Metrics
from stream_rnn.service.identity import Identity
from stream_rnn.service.ledger import Ledger, Schedule
from stream_rnn.service.observers import Observer, Observers
from tests.test_pipeline import task


def test_a_checkpoint_is_due_by_records_and_then_by_time(tmp_path):
    ledger = Ledger(task(), Store(tmp_path), Schedule(every_records=3, every_seconds=1000.0))
    assert not ledger.is_due()
    ledger.count({"consumed": 2, "predicted": 2})
    assert not ledger.is_due()
    assert ledger.is_due(further=1)
    ledger.position = 2
    assert ledger.save({"sink": 7})
    assert not ledger.is_due(further=2)
    ledger.saved_at -= 1001.0
    assert not ledger.is_due(), "nothing has happened since"
    assert ledger.is_due(further=1)


def test_it_takes_up_what_it_saved_and_refuses_another_stream(tmp_path):
    ledger = Ledger(task(), Store(tmp_path), identity=Identity({"estimator": "linear"}))
    ledger.count({"consumed": 5, "predicted": 4, "learned": 4, "refused": 1})
    ledger.position = {"offset": 5}
    assert ledger.save({"sink": 40})

    again = Ledger(task(), Store(tmp_path), identity=Identity({"estimator": "linear"}))
    checkpoint = again.newest()
    again.resume(checkpoint)
    assert (again.counters, again.position) == (ledger.counters, {"offset": 5})
    assert checkpoint.manifest["sinks"] == {"sink": 40}

    other = Ledger(
        *(task(), Store(tmp_path)),
        identity=Identity({"estimator": "text"}),
        elsewhere="another group",
    )
    with pytest.raises(CheckpointError, match=r"was 'linear'.* give this run another gr"):
        other.newest()


def test_the_base_of_observers_lists_all_that_is_told():
    """Whoever observes overrides what is there, and several are told everything as one."""
    told = {name for name, _ in inspect.getmembers(Observer, inspect.isfunction)}
    passed_on = {name for name in told if name in vars(Observers)}
    assert passed_on == told
    for kind in (Metrics, ProgressLine, LiveView, Lines, Starter):
        assert issubclass(kind, Observer)
        for name in told & set(vars(kind)):
            expected = list(inspect.signature(getattr(Observer, name)).parameters)
            assert list(inspect.signature(getattr(kind, name)).parameters) == expected
