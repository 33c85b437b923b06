"""Two topics, one order: whatever is killed when, the replay has the same bits."""

import json

import numpy as np
from average import Linear
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Record, SinkError
from connectors.kafka.driver import Partition
from stream_rnn.checkpoints.store import Store
from stream_rnn.estimators.delayed import Delayed
from stream_rnn.features.rows import Rows
from stream_rnn.service.exactly_once.journal import LIMIT, Journal, Place, rounds_after
from stream_rnn.service.exactly_once.late_partition import LatePartitionRun
from stream_rnn.service.late.join import Join
from stream_rnn.service.late.task import LateTask
from stream_rnn.service.ledger import Ledger, Schedule

INPUT, LABELS = Partition("in", 0), Partition("told", 0)


class Follows(Linear):
    def follow(self, other):
        self.restore(other.snapshot())

    def check_target(self, y): ...


class Broker:
    """Two partitions that grow, and what a group has committed."""

    def __init__(self, records, labels):
        self.records, self.labels = records, labels
        self.visible = 0  # labels that are there already
        self.committed, self.labels_committed, self.note = None, None, ""
        self.published = []
        self.fail = False


class Consumer:
    def __init__(self, broker):
        self.broker, self.caught_up = broker, False

    def committed(self, _partitions):
        return {INPUT: self.broker.committed}

    def bounds(self, _partitions):
        return {INPUT: (0, 10_000)}

    def note(self, _partition):
        return self.broker.note

    def position(self, _partition):
        return 1

    def highwater(self, _partition):
        return 1 if self.caught_up else 2


class LabelSource:
    def __init__(self, broker):
        self.broker, self.next, self.finished = broker, 0, False

    def next_batch(self, most, _timeout):
        end = min(self.next + min(most, 3), self.broker.visible)
        found = self.broker.labels[self.next : end]
        self.next = end
        return found

    def is_caught_up(self):
        return self.next >= self.broker.visible

    def snapshot(self):
        return {"told": {"0": self.next}}

    def restore(self, position):
        self.next = position["told"]["0"]

    def metrics(self):
        return []

    def close(self): ...


class Sink:
    def __init__(self, broker):
        self.broker = broker

    def open(self): ...

    def send(self, rows, keys, letters, letter_keys, position, _group, also, note):
        assert len(keys) == len(rows)
        self.sent = rows, position, note, also[LABELS]

    def commit(self):
        if self.broker.fail:
            raise SinkError("killed")
        rows, *moved = self.sent
        self.broker.published += rows
        self.broker.committed, self.broker.note, self.broker.labels_committed = moved

    def discard(self): ...

    def close(self): ...


def learner(broker, folder, every, within=9.0):
    rows = Rows("y", exclude=["id"], missing_target="advance")
    task = LateTask(Delayed(Follows(), Follows()), rows, Join("id", within), alone=False)
    return LatePartitionRun(
        *(INPUT, Ledger(task, Store(folder), Schedule(every_records=every)), Sink(broker)),
        open_labels=lambda _number: LabelSource(broker),
        labels_topic="told",
    )


def publish(learner, learned):
    learner.send(learned, None)
    learner.commit(learned)


def stream(partition, values):
    return [
        Record(value, b"", None, str(partition), offset, float(at))
        for offset, (at, value) in enumerate(values)
    ]


def everything(one):
    meta, arrays = one.task.snapshot()
    return json.dumps(meta), {name: a.tobytes() for name, a in arrays.items()}


STEPS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans(), st.booleans()), max_size=25
)


@settings(deadline=None, max_examples=80)
@given(STEPS, st.lists(st.integers(0, 12), min_size=40, max_size=40), st.integers(1, 25), st.data())
def test_a_replay_repeats_every_bit(tmp_path_factory, steps, delays, every, data):
    """Compared is the learner that goes on with one that begins from a checkpoint."""
    folder = tmp_path_factory.mktemp("late")
    records = stream(INPUT, [(n, {"id": n % 30, "u": n % 7 - 3.0}) for n in range(40)])
    told = sorted((n + delay, n % 30) for n, delay in enumerate(delays) if delay < 12)
    labels = stream(LABELS, [(at, {"id": id, "y": id % 5 - 2.0}) for at, id in told])
    broker = Broker(records, labels)
    consumer = Consumer(broker)
    one = learner(broker, folder, every)
    position = one.open(consumer)
    for taken, more_labels, caught_up, is_killed in steps:
        broker.visible = min(broker.visible + more_labels, len(labels))
        consumer.caught_up = caught_up
        one.has_turn(consumer)
        learned = one.learn(records[position : position + taken])
        position = min(position + taken, len(records))
        publish(one, learned)
        if one.is_due():
            one.save()
        if is_killed:
            if dirty := data.draw(st.booleans(), label="in a transaction"):
                one.learn(records[position : position + 2])
            again = learner(broker, folder, every)
            position = again.open(consumer)
            again.has_turn(consumer)
            # What was committed is read again, not all of it at once and nothing more yet.
            visible, broker.visible = broker.visible, broker.labels_committed or 0
            while again._rounds:
                size = data.draw(st.integers(1, 7), label="size")
                size = min(size, broker.committed - position)
                publish(again, again.learn(records[position : position + size]))
                position = min(position + size, len(records))
            broker.visible = visible
            assert again.place() == one.place()
            if not dirty and again._at == again.place():
                assert everything(again) == everything(one)
            one = again
    assert [r["id"] for r in broker.published] == [
        r.value["id"] for r in records[: broker.committed or 0]
    ]


@settings(deadline=None, max_examples=60)
@given(STEPS, st.permutations(range(30)), st.integers(1, 25), st.data())
def test_any_interleaving_teaches_what_labels_in_time_teach(
    tmp_path_factory, steps, order, every, data
):
    """Labels in any order, batches of any size, kills anywhere: parameters bit for bit."""
    folder = tmp_path_factory.mktemp("late")
    records = stream(INPUT, [(n, {"id": n, "u": n % 7 - 3.0}) for n in range(30)])
    labels = stream(LABELS, [(at, {"id": id, "y": id % 5 - 2.0}) for at, id in enumerate(order)])
    broker = Broker(records, labels)
    consumer = Consumer(broker)

    def begin():
        made = learner(broker, folder, every, within=None)
        return made, made.open(consumer)

    one, position = begin()
    for taken, more_labels, caught_up, is_killed in [
        *steps,
        (30, 30, True, True),
        (30, 0, True, False),
    ]:
        broker.visible = min(broker.visible + more_labels, len(labels))
        consumer.caught_up = caught_up
        one.has_turn(consumer)
        learned = one.learn(records[position : position + taken])
        position = min(position + taken, len(records))
        if is_killed and data.draw(st.booleans(), label="before the commit"):
            one, position = begin()
            continue
        publish(one, learned)
        if one.is_due():
            one.save()
        if is_killed:
            one, position = begin()
    for _ in range(99):
        if one.place() == Place(30, 30):
            break
        one.has_turn(consumer)
        publish(one, one.learn(records[position : position + 7]))
        position = min(position + 7, len(records))
    in_time = Follows()
    in_time.stream([{"u": r.value["u"]} for r in records], [n % 5 - 2.0 for n in range(30)])
    truth, found = in_time.snapshot(), one.task.estimator.late.snapshot()
    assert found.meta == truth.meta
    assert all(np.array_equal(found.arrays[name], truth.arrays[name]) for name in truth.arrays)
    assert [row["id"] for row in broker.published] == list(range(30))


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90), st.booleans()), max_size=900))
def test_a_journal_stays_short_and_reaches_back_to_two_checkpoints(rounds):
    place = Place(1_000_000, 500_000)
    journal, marks = Journal(place), [place]
    for records, labels, is_saved in rounds:
        place = Place(place.records + records, place.labels + (0 if journal.is_full else labels))
        journal.add(place)
        assert journal.places[-1] == place
        assert len(journal.text()) <= LIMIT
        assert Journal.parse(journal.text()) == journal.places
        rest, is_exact = rounds_after(journal.text(), marks[-1], place.records)
        assert is_exact
        assert (rest or [marks[-1]])[-1] == place
        if is_saved or journal.is_long:
            journal.mark(place)
            marks.append(place)
    assert marks[-1] in journal.places


def test_a_journal_whose_checkpoints_fail_waits_with_labels():
    place = Place(0, 0)
    journal = Journal(place)
    for _ in range(2000):
        labels = 0 if journal.is_full else 1
        place = Place(place.records + 17, place.labels + labels)
        journal.add(place)
        assert len(journal.text()) <= LIMIT
    assert journal.is_full
    assert rounds_after(journal.text(), Place(0, 0), place.records)[1]


def test_without_a_journal_every_record_is_learned_once_all_the_same(tmp_path, caplog):
    records = stream(INPUT, [(n, {"id": n, "u": 1.0}) for n in range(20)])
    labels = stream(LABELS, [(n + 1, {"id": n, "y": 1.0}) for n in range(20)])
    broker = Broker(records, labels)
    consumer = Consumer(broker)
    one = learner(broker, tmp_path, 1000)
    one.open(consumer)
    for n in range(10):
        broker.visible = n
        one.has_turn(consumer)
        publish(one, one.learn(records[n : n + 1]))
    broker.note = ""  # as when somebody sets the group's offsets
    again = learner(broker, tmp_path, 1000)
    assert again.open(consumer) == 0
    assert "does not reach back" in caplog.text
    consumer.caught_up, broker.visible = True, 20
    again.has_turn(consumer)
    learned = again.learn(records)
    publish(again, learned)
    again.has_turn(consumer)
    for _ in range(9):
        publish(again, again.learn([]))
    assert len(again.task.buffer) == 0
    assert again.ledger.counters["learned"] == 20
    assert [row["id"] for row in broker.published] == list(range(20))
