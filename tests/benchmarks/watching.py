"""What metrics and page cost a learner at full speed.

    python tests/benchmarks/watching.py [--pairs 8] [--records 40000] [--units 16]

Learns the same records without and with the observers of the service, in turn; with them the page
is open and the metrics are scraped once a second, by another process that gives way.  Prints the
ratio of the times of each pair and the median.
"""

import argparse
import http.client
import multiprocessing
import os
import statistics
import time

from asking import Cycle, Nowhere

from stream_rnn import LSTM, RecurrentRegressor
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task
from stream_rnn.web import Site, serve


class Some(Cycle):
    """So many records."""

    def __init__(self, count):
        super().__init__()
        self.left = count

    @property
    def finished(self):
        return self.left <= 0

    def next_batch(self, most, timeout):
        self.left -= most
        return super().next_batch(most, timeout)


def watch(port):
    """A reader of the page, and a scrape a second."""
    os.nice(15)
    reader = http.client.HTTPConnection("127.0.0.1", port)
    reader.request("GET", "/events")
    response, scraped = reader.getresponse(), 0.0
    while line := response.readline():
        if line.startswith(b"data:") and time.monotonic() > scraped + 1:
            scraped = time.monotonic()
            scraper = http.client.HTTPConnection("127.0.0.1", port)
            scraper.request("GET", "/metrics")
            scraper.getresponse().read()
            scraper.close()


def seconds(units, records, observers=()):
    task = Task(RecurrentRegressor(LSTM(units)), Rows("load"))
    start = time.perf_counter()
    Pipeline(Some(records), task, Nowhere(), observers=observers).run()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--records", type=int, default=40_000)
    parser.add_argument("--units", type=int, default=16)
    options = parser.parse_args()
    site = Site(Metrics())
    server = serve(site, port=0)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=watch, args=(server.port,), daemon=True)
    process.start()
    seconds(options.units, 2000, site.observers)  # compiles
    ratios = []
    for _ in range(options.pairs):
        alone = seconds(options.units, options.records)
        watched = seconds(options.units, options.records, site.observers)
        ratios.append(watched / alone)
        print(f"{alone:.2f} s alone, {watched:.2f} s watched: {ratios[-1]:.3f}", flush=True)
    print(f"median {statistics.median(ratios):.3f}")
    process.terminate()
    server.close()


if __name__ == "__main__":
    main()
