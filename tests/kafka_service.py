"""``stream-rnn run`` as a process of its own, and the stream of real records it reads."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import urllib.request

ROOT = pathlib.Path(__file__).parents[1]

# A pipeline's tables from Kafka to Kafka, to be filled in by `str.format`.
TABLES = """
[source]
type = "kafka"
bootstrap = "{bootstrap}"
topic = "{topic}"
group = "{topic}"
client = "{client}"
session_seconds = {session}
stop_at_end = true

[sink]
type = "kafka"
bootstrap = "{bootstrap}"
topic = "{out}"
client = "{client}"

[dead_letter]
type = "kafka"
bootstrap = "{bootstrap}"
topic = "{dead}"
client = "{client}"

"""


def river_rows(count: int | None = None) -> list[dict]:
    """A data set that river bundles: approval polls, one row a day, with its target."""
    from river.datasets import TrumpApproval

    rows = [{**x, "approval": y} for x, y in TrumpApproval()]
    if count is None:
        return rows
    return [rows[i % len(rows)] for i in range(count)]


def as_messages(rows: list[dict]) -> list[bytes]:
    return [json.dumps(row).encode() for row in rows]


class Service:
    """A running ``stream-rnn run``; ``log`` is what it said so far."""

    def __init__(
        self,
        config: pathlib.Path,
        *arguments: str,
        program: list[str] | None = None,
        **environment: str,
    ):
        program = program or [sys.executable, "-m", "stream_rnn"]
        command = [*program, "run", str(config), *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=config.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", **environment},
        )
        self.log = ""
        self._grown = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            with self._grown:
                self.log += line
                self._grown.notify_all()
        with self._grown:
            self._grown.notify_all()

    def wait_for(self, pattern: str, seconds: float = 60.0) -> re.Match:
        """The first match of *pattern* in the log, once it is there."""
        with self._grown:
            found = self._grown.wait_for(
                lambda: re.search(pattern, self.log) or not self._reader.is_alive(), seconds
            )
            match = re.search(pattern, self.log)
        assert match, f"no {pattern!r} ({'ended' if found else 'running'}) in:\n{self.log}"
        return match

    def metrics(self) -> dict[str, float]:
        """The samples that /metrics serves now, by their full names."""
        url = self.wait_for(r"metrics on (\S+)")[1]
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                lines = answer.read().decode().splitlines()
        except OSError as error:
            self.process.wait(20)
            self._reader.join(10)
            raise AssertionError(f"no metrics ({error}):\n{self.log}") from error
        samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds: float = 60.0) -> int:
        """As a service manager stops it; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float = 120.0) -> int:
        status = self.process.wait(seconds)
        self._reader.join(10)
        return status

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        self._reader.join(10)
        self.process.stderr.close()
