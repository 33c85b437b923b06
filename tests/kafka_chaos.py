"""What the fault tests share: a job, its expected outcome, and ways to disturb it."""

import json
import pathlib
import random
import sys
import time

import numpy as np
from kafka_broker import kafka
from kafka_kinds import KINDS
from kafka_service import TABLES, Service

from connectors.kafka.driver import Partition
from connectors.kafka.records import JsonMessages
from stream_rnn.assembly.parts import task
from stream_rnn.checkpoints.store import Store
from stream_rnn.config import load

VICTIM = pathlib.Path(__file__).with_name("kafka_victim.py")

CONFIG = (
    """
{head}
run = {{copy = ["ordinal_date"], batch_records = {batch}, max_dead_letter_ratio = 1.0}}
features = {{{features}}}
checkpoint = {{url = "checkpoints", every_records = {every}}}
metrics = {{port = 0}}

"""
    + TABLES
    + """
[estimator]
{estimator}
"""
)


class Job:
    """Topics, a configuration, and what an uninterrupted run makes of the input."""

    def __init__(
        self,
        topics,
        folder,
        partitions=1,
        batch=500,
        every=3000,
        session=2.0,
        client="kafka-python",
        kind="regressor",
    ):
        self.topics, self.folder, self.partitions, self.client = topics, folder, partitions, client
        self.topic = topics.make(partitions, hint="in")
        self.out = topics.make(partitions, hint="out")
        self.dead = topics.make(partitions, hint="dead")
        self.config = folder / "pipeline.toml"
        self.config.write_text(
            CONFIG.format(
                bootstrap=topics.bootstrap,
                topic=self.topic,
                out=self.out,
                dead=self.dead,
                batch=batch,
                every=every,
                session=session,
                client=client,
                head=KINDS[kind].head,
                features=KINDS[kind].features,
                estimator=KINDS[kind].estimator,
            ).replace("[source]", f"[source]\n{KINDS[kind].source}")
        )
        self.kind = KINDS[kind]
        self.max_record_bytes = 1 << 20
        self.sent: dict[int, list[bytes | None]] = {n: [] for n in range(partitions)}

    def fill(self, count: int) -> None:
        """*count* messages, over the partitions alike."""
        for n, share in enumerate(self.shares(count)):
            self.send(n, share)

    def shares(self, count: int) -> list[list[bytes]]:
        """*count* messages of the kind, other ones for every partition."""
        each = count // self.partitions
        return [self.kind.messages(each, 100 * n) for n in range(self.partitions)]

    def send(self, partition: int, values: list) -> None:
        first = len(self.sent[partition])
        self.sent[partition] += values
        keys = self.keys(partition)[first:] if self.kind.key_of else None
        self.topics.produce(self.topic, values, partition, keys)

    def keys(self, partition: int) -> list[bytes | None]:
        """The keys of the messages that were sent."""
        count = len(self.sent[partition])
        return [self.kind.key_of(n) if self.kind.key_of else None for n in range(count)]

    def committed(self) -> int:
        """How many messages the group has done with."""
        places = [kafka.TopicPartition(self.topic, n) for n in range(self.partitions)]
        found = self.topics._admin.list_group_offsets(self.topic)[self.topic]
        return sum(max(found[place].offset, 0) for place in places if place in found)

    def service(self, *arguments: str, victim: str | None = None, **environment) -> Service:
        program = None
        if victim is not None:
            program = [sys.executable, str(VICTIM), str(self.folder / victim)]
        return Service(
            self.config, *arguments, program=program, KAFKA_CLIENT=self.client, **environment
        )

    def learner(self):
        return task(load(self.config))

    def decoder(self):
        """What decodes messages."""
        return JsonMessages(self.max_record_bytes)

    def result(self, value: bytes) -> dict:
        """A result as it was published."""
        return json.loads(value)

    def expected(self, partition: int):
        """Results, dead letters and final state of one run over all that was sent."""
        learner, rows, letters = self.learner(), [], []
        values = self.sent[partition]
        count = len(values)
        records = self.decoder()(
            f"{self.topic}-{partition}", values, range(count), [0] * count, self.keys(partition)
        )
        for start in range(0, count, 1000):
            outcome = learner.learn(records[start : start + 1000])
            rows += outcome.rows
            letters += outcome.refused
        return rows, letters, (*learner.snapshot(), learner.contexts)

    def verify(self) -> None:
        """Every record has had exactly one effect: on the topics and on the parameters."""
        written, dead = self.topics.read(self.out), self.topics.read(self.dead)
        for n in range(self.partitions):
            rows, letters, (meta, arrays, contexts) = self.expected(n)
            results = [self.result(record.value) for record in written[n]]
            assert [r["offset"] for r in results] == [r["offset"] for r in rows]
            assert results == json.loads(json.dumps(rows))
            headers = [
                dict(r.headers)
                for records in dead.values()
                for r in records
                if dict(r.headers)["partition"] == b"%d" % n
            ]
            offsets = sorted(int(header["offset"]) for header in headers)
            assert offsets == [letter["offset"] for letter in letters]
            self.verify_state(n, meta, arrays, contexts)

    def verify_state(self, partition: int, meta, arrays, contexts) -> None:
        name = Partition(self.topic, partition)
        newest = Store(self.folder / "checkpoints" / str(name)).load_newest()
        assert newest is not None
        position = newest.manifest["position"][self.topic][str(partition)]
        assert position == len(self.sent[partition])
        assert newest.manifest["task"] == json.loads(json.dumps(meta))
        assert newest.manifest["counters"]["consumed"] == len(self.sent[partition])
        assert set(newest.arrays) == set(arrays)
        for key, array in arrays.items():
            assert np.array_equal(newest.arrays[key], array, equal_nan=True), key
        if self.kind.keyed:
            assert len(newest.contexts) == len(contexts) > 9
            for key in contexts:
                assert newest.contexts.get(key) == contexts.blob(key), key


class Phases:
    """Reads what a victim says of itself."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    def now(self) -> dict[str, bool]:
        from kafka_victim import PHASES

        try:
            flags = self.path.read_bytes()
        except FileNotFoundError:
            flags = b""
        return {name: bool(flag) for name, flag in zip(PHASES, flags.ljust(3, b"\0"))}


def kill_inside(
    service: Service, phases: Phases, aim: str, rng: random.Random, skip: int, patience: float = 200
) -> bool:
    """kill -9 soon after the *skip*-th time the victim enters the phase; False if it ended.

    One that does not get there within *patience* seconds is killed where it is.
    """
    deadline, was = time.monotonic() + patience, False
    while service.process.poll() is None:
        inside = phases.now()[aim]
        if inside and not was:
            if skip == 0:
                time.sleep(rng.choice((0.0, 0.0, rng.uniform(0, 0.01))))
                service.kill()
                return True
            skip -= 1
        was = inside
        if time.monotonic() > deadline:
            print(f"never in {aim}, killed outside of it:\n{service.log}")
            service.kill()
            return True
        time.sleep(0.0002)
    return False
