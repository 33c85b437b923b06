"""POST /predict beside a learner at full speed: latency, and what it costs the learner.

    python tests/benchmarks/asking.py [--clients 1] [--seconds 3] [--units 16] [--thread]

Runs the same stream of records without clients and with them, in turn, several times, so that a
busy machine troubles both alike.  Prints the percentiles of the latency, in ms, and the ratio of
the learner's throughput with clients to that without.  Each client sends the next request when
it has the answer of the last one, or at *--rate* a second, over a connection that stays open; the
clients are in another process, which stands for other machines: it gives way, or at a given rate
goes first where it may (real-time priority).  With
*--thread* the server has no process of its own.  With *--hostile* the clients are 2,000 that say
nothing, 200 that are slow, and one that sends malformed and oversized requests.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from connectors.base import Record
from connectors.memory import MemorySink
from stream_rnn.assembly.parts import task
from stream_rnn.config import parse
from stream_rnn.metrics import Metrics
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.web import Program, Site, serve

SECRET = "0123456789abcdef"
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
PIPELINE = """
source = {{type = "stdin"}}
sink = {{type = "stdout"}}
features = {{target = "load"}}
http = {{predict = true, token_file = "{folder}/token", max_requests = 1_000_000}}

[estimator]
type = "regressor"
cell = {{type = "LSTM", units = {units}}}
"""


class Cycle:
    """Records as fast as they are taken."""

    finished = False

    def __init__(self):
        values = [{"hour": float(t % 24), "load": float(t % 7)} for t in range(1000)]
        self.batch = [Record(value, b"", offset=t) for t, value in enumerate(values)]

    def next_batch(self, most, timeout):
        return self.batch[:most]

    def snapshot(self):
        return None


class Nowhere(MemorySink):
    def write(self, rows): ...


def client(port, seconds, rate, out):
    """Latencies of one client, in seconds: bytes made before, so that its own work is little."""
    body = json.dumps({"record": {"hour": 3.0}}).encode()
    lines = ("POST /predict HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {SECRET}")
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", ""))
    request, found = head.encode() + body, []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            connection.sendall(request)
            answer = connection.recv(65_536)
            while not answer.endswith(b"}"):
                answer += connection.recv(65_536)
            found.append(time.perf_counter() - start)
            assert answer.startswith(b"HTTP/1.1 200"), answer
            if rate:
                time.sleep(max(0.0, 1 / rate - found[-1]))
    out += found


def clients(port, count, seconds, rate, queue):
    stand_elsewhere(rate)
    queue.put("ready")
    out, threads = [], []
    for _ in range(count):
        threads.append(threading.Thread(target=client, args=(port, seconds, rate, out)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    queue.put(out)


def stand_elsewhere(rate):
    """As on other machines: few requests never wait for a processor here, many take none away."""
    if rate and hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
            return
    os.nice(15)


def hostile(port, seconds, queue):
    """In the place of `clients`."""
    os.nice(15)
    command = [sys.executable, Path(__file__).parents[1] / "hostile.py"]
    processes = [
        subprocess.Popen([*command, kind, str(port), str(count)], **PIPES)
        for kind, count in (("idle", 2000), ("slow", 200), ("wrong", 0))
    ]
    for process in processes:
        process.stdout.readline()
    queue.put("ready")
    time.sleep(seconds)
    for process in processes:
        process.communicate(timeout=60)
    queue.put([])


def learned(line, seconds):
    """Records a second, meanwhile."""
    before, start = line.counters["consumed"], time.perf_counter()
    time.sleep(seconds)
    return (line.counters["consumed"] - before) / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--rate", type=float, default=0.0, help="of each client; 0: no pause")
    parser.add_argument("--units", type=int, default=16)
    parser.add_argument("--thread", action="store_true", help="no process of its own")
    parser.add_argument("--hostile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "token").write_text(SECRET)
        config = parse(PIPELINE.format(folder=folder, units=options.units))
        site = Site(Metrics(), config.http, make=lambda: task(config))
        apart = None if options.thread else Program("stream_rnn.cli.front", config)
        server = serve(site, port=0, apart=apart)
        while server.apart is not None and not server.apart.is_ready:
            time.sleep(0.1)
    line = Pipeline(Cycle(), task(config), Nowhere(), observers=site.observers)
    stop = threading.Event()
    thread = threading.Thread(target=line.run, args=(stop,))
    thread.start()
    while line.counters["consumed"] < 20_000:
        time.sleep(0.1)
    client(server.port, 0.3, 100.0, [])  # the first answer loads what is compiled
    context, latencies, ratios = multiprocessing.get_context("spawn"), [], []
    for _ in range(options.rounds):
        alone = learned(line, options.seconds)
        queue = context.Queue()
        arguments = (server.port, options.clients, options.seconds + 1, options.rate, queue)
        if options.hostile:
            process = context.Process(
                target=hostile, args=(server.port, options.seconds + 1, queue)
            )
        else:
            process = context.Process(target=clients, args=arguments)
        process.start()
        queue.get()
        beside = learned(line, options.seconds)
        latencies += queue.get()
        process.join()
        ratios.append(beside / alone)
        print(f"alone {alone:,.0f}/s, beside {beside:,.0f}/s", flush=True)
    stop.set()
    thread.join()
    server.close()
    if latencies:
        cuts = statistics.quantiles(latencies, n=1000)
        shown = {"p50": cuts[499], "p90": cuts[899], "p99": cuts[989], "p99.9": cuts[998]}
        print(f"{len(latencies)} answers", {k: f"{1e3 * v:.2f} ms" for k, v in shown.items()})
    print("throughput, with over without:", [f"{ratio:.3f}" for ratio in ratios])


if __name__ == "__main__":
    main()
