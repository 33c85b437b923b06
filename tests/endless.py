"""A stream without an end, for tests of what watches a service."""

import random
import time
from math import pi, sin

from connectors.memory import MemorySource


class Endless(MemorySource):
    """A daily wave with noise, a jump now and then, and an outlier in 400, at *rate* a second."""

    def __init__(self, rate=400.0, keys=0, seed=1):
        super().__init__([])
        self.rate, self.keys, self.random = rate, keys, random.Random(seed)
        self._start, self._made, self._level = time.monotonic(), 0, 0.0

    finished = False

    def next_batch(self, most, timeout):
        due = int((time.monotonic() - self._start) * self.rate) - self._made
        if due <= 0:
            time.sleep(min(timeout or 0.01, 0.05))
        values = [self.value() for _ in range(min(max(due, 0), most))]
        source = MemorySource(values)
        batch = source.next_batch(most, 0)
        return [record._replace(timestamp=time.time()) for record in batch]

    def value(self):
        t, self._made = self._made, self._made + 1
        noise = self.random.gauss(0, 0.4) + 9 * (self.random.random() < 1 / 400)
        if self.random.random() < 1 / 2000:
            self._level = self.random.uniform(-3, 3)
        record = {"hour": t % 24, "load": 20 + self._level + 6 * sin(2 * pi * t / 24) + noise}
        if self.keys:
            record["sensor"] = f"sensor {self.random.randrange(self.keys)}"
        return record

    def snapshot(self):
        return None

    def restore(self, position): ...
