"""What a service depends on: its states, what the log says of them, and who is told."""

import logging
import threading

import pytest
from confluent_kafka import KafkaException

from connectors.base import SinkError, SourceError, Unreachable
from connectors.kafka import limits, origins
from connectors.kafka.client_logs import Few, calm
from connectors.kafka.settings import KafkaSettings
from connectors.state import PATIENCE, REMINDER, Dependencies, Dependency, reach
from stream_rnn.assembly.dependencies import CheckpointStore


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def source(clock):
    return Dependency("source", "here:9092", clock)


def test_an_outage_is_one_line_one_more_a_minute_and_one_when_it_ends(source, clock, caplog):
    caplog.set_level(logging.INFO)
    source.up()
    assert caplog.messages == []
    for clock.now in range(0, 150):
        source.down("refused")
        source.look()
    clock.now = 150
    source.up()
    source.up()
    assert caplog.messages == [
        "source (here:9092) is down: refused; trying again",
        "source (here:9092) has been down for 1 min 0 s: refused",
        "source (here:9092) has been down for 2 min 0 s: refused",
        "source (here:9092) is up again after 2 min 30 s",
    ]
    assert REMINDER == 60.0


def test_a_call_that_is_not_answered_is_an_outage_while_it_waits(source, clock):
    source.up()
    with source.waiting():
        clock.now = PATIENCE - 0.1
        assert source.status().state == "up"
        clock.now = PATIENCE
        assert source.status()[2:4] == ("down", "no answer for 5 s")
        clock.now = PATIENCE + 3
        assert source.status().down_seconds == 3.0
    assert source.status().state == "down"  # the call may have failed
    source.up()
    assert source.status().down_seconds == 0.0


def test_an_answer_to_one_call_gives_the_others_time(source, clock):
    with source.waiting(), source.waiting():
        clock.now = PATIENCE - 1
        source.up()
        clock.now = PATIENCE + 1
        assert source.status().state == "up"


def test_a_call_that_cannot_reach_it_says_so(source):
    with pytest.raises(Unreachable), source.waiting():
        raise Unreachable("gone")
    assert source.status()[2:4] == ("down", "gone")
    assert issubclass(Unreachable, SourceError)
    assert issubclass(Unreachable, SinkError)


def test_changes_are_told_once(clock):
    dependencies, told = Dependencies(), []
    dependencies.listeners.append(lambda status: told.append((status.name, status.state)))
    sink = dependencies.add("sink")
    assert dependencies.add("sink") is sink
    for event in (sink.up, sink.up, lambda: sink.down("x"), lambda: sink.down("y"), sink.up):
        event()
    assert told == [("sink", "up"), ("sink", "down"), ("sink", "up")]


def test_watching_notices_a_call_that_holds_its_thread(monkeypatch):
    monkeypatch.setattr("connectors.state.PATIENCE", 0.05)
    monkeypatch.setattr("connectors.state.LOOK", 0.01)
    dependencies, told = Dependencies(), threading.Event()
    dependencies.listeners.append(lambda status: told.set())
    sink = dependencies.add("sink")
    with dependencies.watched(), sink.waiting():
        assert told.wait(10)
    assert sink.status().state == "down"


def test_what_is_not_there_is_tried_until_it_is(monkeypatch):
    monkeypatch.setattr("connectors.state.PAUSE", 0.01)
    source, attempts = Dependency("source"), []

    def attempt():
        attempts.append(source.status().state)
        if len(attempts) < 4:
            raise Unreachable("not yet")
        return "open"

    assert reach(attempt, source, 60.0) == "open"
    assert attempts == ["connecting", "down", "down", "down"]
    assert source.status().state == "up"


def test_it_is_given_up_after_a_time_or_when_told_to_stop():
    def attempt():
        raise Unreachable("never")

    with pytest.raises(Unreachable):
        reach(attempt, Dependency("source"), 0.05)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Unreachable):
        reach(attempt, Dependency("source"), 1e6, stop)


def test_lines_of_a_client_are_few_and_marked():
    few, lines = Few(burst=3, seconds=60.0), []
    few.forward = lambda level, text: lines.append(text)
    for second in range(0, 600, 1):  # an outage of ten minutes, a line a second
        few.take(logging.ERROR, "connection refused", float(second))
    assert 3 + 8 <= len(lines) <= 3 + 10
    assert all(line.startswith("Kafka client: connection refused") for line in lines)
    assert "lines before it)" in lines[-1]


def test_the_clients_loggers_go_through_it(caplog):
    loggers = [logging.getLogger(name) for name in ("kafka", "confluent_kafka")]
    before = [(logger.propagate, list(logger.handlers)) for logger in loggers]
    for logger in loggers:
        logger.handlers = []
    try:
        calm()
        calm()
        for _ in range(100):
            logging.getLogger("kafka.net.manager").error("Connection failed: %s", "refused")
        assert caplog.messages == ["Kafka client: Connection failed: refused"] * 3
    finally:
        for logger, (propagate, handlers) in zip(loggers, before, strict=True):
            logger.propagate, logger.handlers = propagate, handlers


def test_checkpoints_are_there_once_they_are_read_until_one_cannot_be_written(clock):
    """On an idle topic none is due for long; a member in waiting has none."""
    place = Dependency("checkpoint", "there", clock)
    store = CheckpointStore(place)
    assert place.status().state == "connecting"
    store.rebalance(1)
    assert place.status().state == "connecting"
    store.started(None)
    assert place.status().state == "up"
    store.checkpoint_failed("write")
    store.started(None)  # of another partition
    store.rebalance(0)
    assert place.status().state == "down"
    store.checkpoint(None, 0.1)
    assert place.status().state == "up"
    waiting = Dependency("checkpoint", "there", clock)
    CheckpointStore(waiting).rebalance(0)
    assert waiting.status().state == "up"


def test_what_librdkafka_says_goes_to_the_log_alone(monkeypatch, capfd):
    """The administrators too, which ask while a broker is away."""
    monkeypatch.setattr(origins, "SECONDS", 0.5)
    monkeypatch.setattr(limits, "SECONDS", 0.5)
    settings = KafkaSettings.from_options({"bootstrap": "127.0.0.1:9", "client": "confluent"}, {})
    for ask in (origins.ask_origins, limits._confluent):
        with pytest.raises((TimeoutError, KafkaException)):
            ask(settings, ["t"])
    assert "127.0.0.1" not in capfd.readouterr().err
