"""A service under load for half an hour: does it hold its memory and its descriptors?

    python tests/benchmarks/soak.py [--minutes 30] [--rate 20000]

Runs `stream-rnn run` with its page, metrics and checkpoints on lines that come over standard
input at *--rate* a second, while one client scrapes /metrics with each line, one listens to /events
and one asks /predict once a second.  Prints a line a minute.  Exit status 1 if resident memory
grows by 1 MB or more in 10 minutes after the warm-up, a third of the time (the slope of a line
through the samples), if descriptors grow, or if the records do not keep up.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from math import pi, sin
from pathlib import Path

import numpy as np

SECRET = "0123456789abcdef"
PIPELINE = """
source = {{type = "stdin", format = "jsonl"}}
features = {{target = "load"}}
sink = {{type = "stdout"}}
checkpoint = {{url = "{folder}/checkpoints", every_seconds = 10}}
metrics = {{port = {port}}}
http = {{predict = true, token_file = "{folder}/token"}}

[estimator]
type = "regressor"
cell = {{type = "GRU", units = 8}}
learner = {{type = "TBPTT"}}
optimizer = {{type = "Adam"}}
"""
SAMPLE_SECONDS = 5.0


def lines(count=20_000):
    """A daily wave with a little of everything, as lines; it comes again and again."""
    noise = np.random.default_rng(1).normal(size=(count, 2))
    for t in range(count):
        row = {
            "hour": t % 24,
            "wind": round(float(noise[t, 0]), 3) if t % 97 else None,
            "load": round(20 + 6 * sin(2 * pi * t / 24) + float(noise[t, 1]), 3),
        }
        yield json.dumps(row).encode() + b"\n"


class Feeder(threading.Thread):
    """Writes *rate* lines a second, and no more if it was held up."""

    def __init__(self, pipe, rate):
        super().__init__(daemon=True)
        self.pipe, self.rate, self.sent, self.stop = pipe, rate, 0, threading.Event()

    def run(self):
        every, step = list(lines()), max(1, self.rate // 20)
        pieces = [b"".join(every[at : at + step]) for at in range(0, len(every), step)]
        due = time.monotonic()
        while not self.stop.is_set():
            self.pipe.write(pieces[self.sent // step % len(pieces)])
            self.sent += step
            due = max(due + step / self.rate, time.monotonic() - 1.0)
            time.sleep(max(0.0, due - time.monotonic()))
        self.pipe.close()


def ask(port, path, body=None):
    headers = {"Authorization": f"Bearer {SECRET}"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST" if body else "GET", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def listen(port, seen, stop):
    """Events, as the page takes them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/events")
    response = connection.getresponse()
    while not stop.is_set() and (line := response.readline()):
        seen[0] += line.startswith(b"data:")


def resident(pid):
    """MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def processor(pid):
    """Seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def consumed(port):
    """By the service's own count."""
    for line in ask(port, "/metrics")[1].splitlines():
        if line.startswith("stream_rnn_records_consumed_total"):
            return float(line.split()[-1])
    return 0.0


def until_ready(port, process):
    while True:
        try:
            if consumed(port) > 0:
                return
        except OSError:
            pass
        if process.poll() is not None:
            sys.exit(f"the service ended with status {process.returncode}")
        time.sleep(0.5)


def watch(port, pid, minutes, rate):
    """Samples (seconds, MB, descriptors), and the least share of the rate in a minute."""
    start = last = time.monotonic()
    samples, before, spent, least = [], consumed(port), processor(pid), 1.0
    while (now := time.monotonic()) - start < 60 * minutes:
        samples.append((now - start, resident(pid), len(os.listdir(f"/proc/{pid}/fd"))))
        status, _ = ask(port, "/predict", json.dumps({"record": {"hour": 3, "wind": 0.5}}))
        assert status == 200, status
        if now - last >= 60:
            count, cpu = consumed(port), processor(pid)
            share = (count - before) / (now - last) / rate
            least = min(least, share)
            print(
                f"{(now - start) / 60:5.1f} min {samples[-1][1]:8.1f} MB "
                f"{samples[-1][2]:4d} descriptors {share * rate:8,.0f} records/s "
                f"{100 * (cpu - spent) / (now - last):4.0f} % of a core",
                flush=True,
            )
            last, before, spent = now, count, cpu
        time.sleep(SAMPLE_SECONDS)
    return np.array(samples), least


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--port", type=int, default=9199)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "token").write_text(SECRET)
        toml = Path(folder, "pipeline.toml")
        toml.write_text(PIPELINE.format(folder=folder, port=options.port))
        log = Path(folder, "log").open("wb")  # noqa: SIM115  the process holds it
        process = subprocess.Popen(
            [sys.executable, "-m", "stream_rnn", "run", toml],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        feeder = Feeder(process.stdin, options.rate)
        feeder.start()
        try:
            until_ready(options.port, process)
            seen, stop = [0], threading.Event()
            threading.Thread(target=listen, args=(options.port, seen, stop), daemon=True).start()
            samples, least = watch(options.port, process.pid, options.minutes, options.rate)
            stop.set()
        finally:
            feeder.stop.set()
            feeder.join(10)
            status = process.wait(60)
            print(Path(folder, "log").read_text()[-1500:], file=sys.stderr)
    late = samples[samples[:, 0] > samples[-1, 0] / 3]
    slope = 600 * np.polyfit(late[:, 0], late[:, 1], 1)[0]
    more = int(late[-1, 2] - late[0, 2])
    print(f"{slope:+.2f} MB in 10 minutes, {more:+d} descriptors, {seen[0]} events, "
          f"at least {least:.1%} of the rate, exit status {status}")  # fmt: skip
    sys.exit(status != 0 or slope >= 1.0 or more > 0 or least < 0.95)


if __name__ == "__main__":
    main()
