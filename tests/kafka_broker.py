"""A real Kafka node for tests, started by deploy/kafka/broker.py; and topics on it."""

import importlib.util
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import pytest

from connectors.kafka.python_consumer import kafka  # first, so that its import warning is silenced

# The client libraries that are installed; kafka-python always is.
CLIENTS = ["kafka-python"] + ["confluent"] * bool(importlib.util.find_spec("confluent_kafka"))
# The same for tests that take long: one library in the quick run, the other one in the slow.
CLIENTS_IN_TURN = [CLIENTS[0], *(pytest.param(c, marks=pytest.mark.slow) for c in CLIENTS[1:])]
SCRIPT = pathlib.Path(__file__).parents[1] / "deploy" / "kafka" / "broker.py"


def free_port() -> int:
    """As `free_port` of deploy/kafka/broker.py."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Broker:
    """A node on free ports; ends with this process, however this process ends.

    It can be stopped or killed and started again on the same port with the same data.
    """

    def __init__(self, sasl: bool = False):
        self._folder = tempfile.TemporaryDirectory(prefix="kafka-")
        self.data = pathlib.Path(self._folder.name).resolve()
        self.port, self.sasl_port = free_port(), free_port() if sasl else 0
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, str(SCRIPT), "run", "--with-stdin", "--data", str(self.data)]
        command += ["--port", str(self.port), "--sasl", str(self.sasl_port)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self._process.stdout.readline()
        if "Kafka answers" not in line:
            reason = self._process.communicate()[1]
            raise RuntimeError(f"no Kafka node for the tests; set KAFKA_BOOTSTRAP?\n{reason}")

    def stop(self) -> None:
        """As an operator stops it."""
        if self._process is not None:
            self._process.communicate()  # closes stdin, which ends it
            self._process = None

    def kill(self) -> None:
        """As a power cut stops it."""
        self.signal(signal.SIGKILL)
        self.stop()

    def signal(self, number: int) -> None:
        os.kill(int((self.data / "pid").read_text()), number)

    def close(self) -> None:
        self.stop()
        self._folder.cleanup()

    def __enter__(self) -> "Broker":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Topics:
    """Makes topics with names nobody used, and reads and writes them plainly."""

    def __init__(self, bootstrap: str):
        self.bootstrap = bootstrap
        self._admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)

    def make(self, partitions: int = 1, hint: str = "test", **configs: str) -> str:
        name = f"{hint}-{uuid.uuid4().hex[:12]}"
        configs = {option.replace("_", "."): value for option, value in configs.items()}
        new = kafka.admin.NewTopic(name, partitions, 1, topic_configs=configs)
        self._admin.create_topics([new], wait_for_metadata=True)
        return name

    def produce(self, topic: str, values: list, partition: int = 0, keys: list | None = None):
        """Write *values* (bytes, or None for a tombstone) and wait for all of them."""
        producer = kafka.KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=20)
        keys = keys or [b"k" if value is None else None for value in values]
        futures = [
            producer.send(topic, value, key=key, partition=partition)
            for value, key in zip(values, keys, strict=True)
        ]
        producer.flush(60)
        for future in futures:
            future.get(60)
        producer.close()

    def read(self, topic: str, seconds: float = 30.0) -> dict[int, list]:
        """All committed records up to the present end, by partition."""
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        asked = [kafka.TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(asked)
        consumer.assign(asked)
        consumer.seek_to_beginning()
        found: dict[int, list] = {tp.partition: [] for tp in asked}
        polls = 0
        while any(consumer.position(tp) < end for tp, end in ends.items()):
            polls += 1
            assert polls < seconds * 10, f"{topic} could not be read to its end {ends}"
            for tp, records in consumer.poll(100, max_records=5000).items():
                found[tp.partition] += records
        consumer.close()
        return found

    def add_user(self, name: str, password: str) -> None:
        """One who may log in with SCRAM-SHA-512."""
        user = kafka.admin.UserScramCredentialUpsertion(
            user=name, mechanism=kafka.admin.ScramMechanism.SCRAM_SHA_512, password=password
        )
        self._admin.alter_user_scram_credentials([user])

    def close(self) -> None:
        self._admin.close()


def make_again(topics, topic, seconds=30):
    """The topic *topic*, deleted and made, without records."""
    topics._admin.delete_topics([topic])
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            topics._admin.create_topics([topic])
            return
        except kafka.errors.TopicAlreadyExistsError:  # it is being deleted
            time.sleep(0.1)
    raise AssertionError(f"{topic} could not be made again")
