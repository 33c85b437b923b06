"""A day in the life of one service: all that happens to it in months, one after the other.

At the end every record that could be read has one result or one letter, the predictions are those
of a run that nothing disturbed, and the log is short.
"""

import contextlib
import json
import resource
import time

import pytest
from kafka_broker import Broker, Topics, kafka
from kafka_chaos import Job
from kafka_service import as_messages, river_rows

from connectors.kafka.records import JsonMessages

PREFIX = "stream_rnn_"
UP = PREFIX + 'dependency_up{dependency="%s"}'
PREDICTED = PREFIX + "records_predicted_total"
WRITE_FAILURES = PREFIX + 'checkpoint_failures_total{reason="write"}'
TOLD = 10.0  # seconds in which the metrics tell of an event
DONE = 300.0  # seconds in which it has been dealt with: a busy machine may have to compile first


class Day:
    """The service, its broker and the records it is sent, partition by partition."""

    def __init__(self, broker: Broker, folder):
        self.broker, self.topics = broker, Topics(broker.bootstrap)
        self.job = Job(self.topics, folder, batch=100, every=300, session=6.0)
        self.rows = iter(river_rows(6000))
        self.lost: dict[int, set[int]] = {0: set(), 1: set()}
        self.logs: list[str] = []

    @contextlib.contextmanager
    def service(self, *settings: str):
        """A process of it, from its start; its log is kept."""
        options = [word for s in ("source.stop_at_end=false", *settings) for word in ("--set", s)]
        with self.job.service(*options) as self.process:
            yield self.process
        self.logs.append(self.process.log)

    def told(self, what, seconds: float = TOLD) -> dict[str, float]:
        """The metrics, once *what* holds of them."""
        deadline = time.monotonic() + seconds
        while not what(found := self.process.metrics()):
            assert time.monotonic() < deadline, f"{found}\n{self.process.log}"
            time.sleep(0.2)
        return found

    def send(self, count: int, partition: int = 0, **more: object) -> None:
        """The next *count* rows, each with the fields of *more*."""
        rows = [{**next(self.rows), **more} for _ in range(count)]
        self.job.send(partition, as_messages(rows))

    def learned(self, count: int, partition: int = 0, **more: object) -> None:
        """Send *count* rows and wait until all have a result."""
        so_far = self.process.metrics()[PREDICTED]
        self.send(count, partition, **more)
        self.told(lambda m: m[PREDICTED] >= so_far + count, DONE)

    def retention(self, keep: int) -> None:
        """Delete what stands before the offset *keep* of the first partition."""
        with self.admin() as admin:
            admin.delete_records({kafka.TopicPartition(self.job.topic, 0): keep})

    @contextlib.contextmanager
    def admin(self):
        """A client of its own: one that knew the broker before may take it for gone."""
        admin = kafka.KafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        yield admin
        admin.close()

    def expected(self, partition: int) -> tuple[list[dict], list[dict]]:
        """Results and letters of one learner that nothing disturbs."""
        learner, values = self.job.learner(), self.job.sent[partition]
        offsets = [n for n in range(len(values)) if n not in self.lost[partition]]
        told = [values[n] for n in offsets]
        none = [0] * len(told), [None] * len(told)
        name = f"{self.job.topic}-{partition}"
        outcome = learner.learn(JsonMessages(1 << 20)(name, told, offsets, *none))
        return outcome.rows, outcome.refused


def the_machine_boots_before_its_broker(day: Day) -> None:
    day.send(400)
    day.broker.stop()
    with day.service() as service:
        service.wait_for(r"metrics on \S+")
        day.told(lambda m: m.get(UP % "source") == 0)
        day.broker.start()
        day.told(lambda m: m.get(UP % "source") == 1)
        day.told(lambda m: m[PREDICTED] == 400, DONE)
        the_broker_goes_and_comes_back(day)
        a_partition_is_added(day)
        assert service.terminate() == 0, service.log


def the_broker_goes_and_comes_back(day: Day) -> None:
    day.broker.kill()
    day.told(lambda m: m.get(UP % "source") == 0)
    day.broker.start()
    day.told(lambda m: m.get(UP % "source") == 1)
    day.learned(200)


def a_partition_is_added(day: Day) -> None:
    with day.admin() as admin:
        admin.create_partitions({day.job.topic: 2})
    day.told(lambda m: m.get(PREFIX + "assigned_partitions") == 2)
    day.job.sent[1] = []
    day.learned(200, partition=1)


def retention_eats_what_was_not_read(day: Day) -> None:
    first = len(day.job.sent[0])
    day.send(300)
    day.retention(first + 200)
    day.lost[0] |= set(range(first, first + 200))
    with day.service() as service:  # it does not go on by itself, and says how it would
        assert service.wait() == 3, service.log
        assert "checkpoint.lost_position = 'skip'" in service.log
    with day.service("checkpoint.lost_position=skip") as service:
        service.wait_for(r"metrics on \S+")
        found = day.told(lambda m: m.get(PREFIX + "source_gaps_total") == 1, DONE)
        assert found[PREFIX + "records_skipped_total"] == 200
        day.told(lambda m: m[PREDICTED] == 100, DONE)
        service.kill()  # and kill -9, though nothing is wrong with it


def a_field_of_text_a_spike_and_a_full_disk(day: Day) -> None:
    copy = "run.copy=['ordinal_date', 'note']"  # a deploy, with a changed list
    with day.service(copy, "checkpoint.lost_position=skip") as service:
        service.wait_for(r"resumed from")
        before = day.told(lambda m: m.get(PREFIX + "assigned_partitions") == 2, DONE)
        text = before[PREDICTED] + dead(before)
        day.send(100, note="a poll by telephone")
        day.told(lambda m: m[PREDICTED] + dead(m) == text + 100, DONE)
        spike = outliers(service.metrics())
        day.learned(1, approval=1e9)
        day.told(lambda m: outliers(m) == spike + 1)
        day.learned(300)
        the_disk_is_full(day)
        service.kill()
    with day.service(copy, "source.stop_at_end=true") as service:
        assert service.wait() == 0, service.log


def dead(metrics: dict[str, float]) -> float:
    """Records that were refused."""
    name = PREFIX + "records_dead_lettered_total"
    return sum(value for key, value in metrics.items() if key.startswith(name))


def outliers(metrics: dict[str, float]) -> float:
    """Targets that were not believed."""
    name = PREFIX + "outliers_total"
    return sum(value for key, value in metrics.items() if key.startswith(name))


def the_disk_is_full(day: Day) -> None:
    pid = day.process.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (1000, -1))
    day.learned(400)
    day.told(lambda m: m[WRITE_FAILURES] >= 1 and m.get(UP % "checkpoint") == 0)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    day.learned(400)
    day.told(lambda m: m.get(UP % "checkpoint") == 1)


def each_has_one_result_or_one_letter(day: Day) -> None:
    written, dead = day.topics.read(day.job.out), day.topics.read(day.job.dead)
    results = [json.loads(record.value) for records in written.values() for record in records]
    headers = [dict(record.headers) for records in dead.values() for record in records]
    for partition in day.job.sent:
        rows, letters = day.expected(partition)
        found = {r["offset"]: r for r in results if r["partition"] == rows[0]["partition"]}
        assert sum(r["partition"] == rows[0]["partition"] for r in results) == len(rows)
        assert sorted(found) == [row["offset"] for row in rows]
        for row in rows:  # to the last bit: the error is that of the undisturbed run
            assert found[row["offset"]]["prediction"] == row["prediction"]
        number = b"%d" % partition
        told = sorted(int(h["offset"]) for h in headers if h["partition"] == number)
        assert told == [letter["offset"] for letter in letters]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_day_in_the_life(tmp_path):
    with Broker() as broker:
        day = Day(broker, tmp_path)
        the_machine_boots_before_its_broker(day)
        retention_eats_what_was_not_read(day)
        a_field_of_text_a_spike_and_a_full_disk(day)
        each_has_one_result_or_one_letter(day)
        day.topics.close()
    log = "".join(day.logs)
    print(log)
    assert log.count("\n") < 100, log
