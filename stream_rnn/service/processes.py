"""Several processes of one service on one machine; Kafka shares the partitions out."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

log = logging.getLogger(__name__)

DRAIN_SECONDS = 300.0  # a worker that has not ended by then is killed
RESTART_SECONDS = 1.0


class Processes:
    """Starts *commands*, one process each, and keeps them running.

    A worker that a signal has killed is started again; its partitions are with the others
    meanwhile.  One that fails by itself ends all, with its exit status.

    >>> Processes([[sys.executable, "-c", "pass"]] * 2).run(threading.Event())
    0
    >>> Processes([[sys.executable, "-c", "raise SystemExit(3)"]]).run(threading.Event())
    3
    """

    def __init__(self, commands: Sequence[Sequence[str]]):
        self.commands = [list(command) for command in commands]
        self.processes: dict[int, subprocess.Popen] = {}

    def run(self, stop: threading.Event) -> int:
        """Until all have ended, or *stop* is set and all have drained; the exit status."""
        status = 0
        try:
            for number in range(len(self.commands)):
                self._start(number)
            while self.processes and not status and not stop.wait(0.1):
                status = self._look()
        finally:
            status = self._end() or status
        return status

    def _start(self, number: int) -> None:
        # In a session of its own: Ctrl-C reaches this process, which passes it on once.
        self.processes[number] = subprocess.Popen(
            self.commands[number], stdin=subprocess.DEVNULL, start_new_session=True
        )
        log.info("worker %d: process %d", number, self.processes[number].pid)

    def _look(self) -> int:
        """Restart what was killed; the status of one that failed, or 0."""
        for number, process in list(self.processes.items()):
            status = process.poll()
            if status is None:
                continue
            del self.processes[number]
            if status > 0:
                log.error("worker %d ended with status %d; ending the others", number, status)
                return status
            if status < 0:
                log.warning("worker %d was killed by signal %d; starting it again", number, -status)
                time.sleep(RESTART_SECONDS)
                self._start(number)
        return 0

    def _end(self) -> int:
        """Let all drain; the highest status."""
        for process in self.processes.values():
            process.terminate()
        deadline, status = time.monotonic() + DRAIN_SECONDS, 0
        for process in self.processes.values():
            try:
                status = max(status, process.wait(max(0.0, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                process.kill()
                status = 1
        self.processes.clear()
        return status


def worker_commands(
    count: int,
    config: str,
    overrides: Sequence[str],
    port: int,
    instance: str | None,
    before: Sequence[str] = (),
) -> list[list[str]]:
    """``stream-rnn run`` *count* times: metrics on consecutive ports, member names of their own.

    *before* are options of the whole program, those of the log say.

    >>> worker_commands(2, "p.toml", [], 9108, None)[1][1:]
    ['-m', 'stream_rnn', 'run', 'p.toml', '--set', 'metrics.port=9109']
    """
    commands = []
    for number in range(count):
        own = [*overrides, f"metrics.port={port + number if port else 0}"]
        if instance is not None:
            own.append(f"source.instance={instance}-{number}")
        options = [word for override in own for word in ("--set", override)]
        commands.append([sys.executable, "-m", "stream_rnn", *before, "run", config, *options])
    return commands
