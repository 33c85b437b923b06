"""Draw the pictures of the page in docs/images: a forecaster and keys, at work.

Run from the repository's root: ``PYTHONPATH=tests python docs/screens.py``; it needs Chromium.
"""

import threading
import time
from pathlib import Path

from browser import chromium
from endless import Endless

from connectors.memory import MemorySink
from stream_rnn import LSTM, RecurrentForecaster, RecurrentRegressor
from stream_rnn.estimators.keyed.estimator import Keyed
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task
from stream_rnn.web import Site, serve

IMAGES = Path(__file__).parent / "images"
RECORDS = 9000


class Nowhere(MemorySink):
    def write(self, rows):
        """Nothing is kept."""


def draw(task, source, shots):
    """Pictures *shots* (name, width, height, dark) once `RECORDS` were learned."""
    site = Site(Metrics("load"))
    server, stop = serve(site, port=0), threading.Event()
    line = Pipeline(source, task, Nowhere(), observers=site.observers)
    thread = threading.Thread(target=line.run, args=(stop,))
    thread.start()
    while line.ledger.counters["consumed"] < RECORDS:
        time.sleep(0.2)
    for name, width, height, dark in shots:
        with chromium(width, height, dark) as driver:
            driver.get(server.root)
            time.sleep(3)
            driver.save_screenshot(str(IMAGES / name))
    stop.set()
    thread.join()
    server.close()


def main():
    IMAGES.mkdir(exist_ok=True)
    draw(
        Task(RecurrentForecaster(), Rows("load")),
        Endless(400),
        [("page-light.png", 1360, 1120, False)],
    )
    keyed = Keyed(RecurrentRegressor(LSTM(8)), "sensor")
    draw(
        Task(keyed, Rows("load", lags={"load": [1, 24]}, key="sensor")),
        Endless(800, keys=20),
        [("page-dark.png", 1360, 1240, True), ("page-phone.png", 390, 1500, False)],
    )


if __name__ == "__main__":
    main()
