"""The same grammar of nastiness through the other entrances: CSV, gzip, Kafka, DataFrames, text.

Each record is once a result or a letter, and ordinary ones among them have results.
"""

import contextlib
import csv
import gzip
import json
import math
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka_chaos import Job
from test_nasty import LINES, SMALL, configuration, ordinary, strict

from connectors.base import SourceError
from connectors.kafka.records import JsonMessages
from stream_rnn import LSTM, RecurrentRegressor, StreamRegressor
from stream_rnn.assembly.parts import task
from stream_rnn.assembly.service import service
from stream_rnn.config import from_table, load
from stream_rnn.errors import BadRecord
from stream_rnn.mixtures.last import Last

CELLS = ["", "NaN", "null", "true", "1e999", "-1e308", "5e-324", "9" * 400, "1,5", "1.234,5", "ü"]
CELLS += ["=1+1", "\x00", "\x1b[31m", 'a"b', '"', "'", "a,b", "two\nlines", " ", "x" * 3000, "\t"]
CELLS += ["0x10", "1_000", "2024-02-30", "\ufeff", "\u2028", "-"]
CELL = st.sampled_from(CELLS) | st.integers(-3, 3).map(str)
SOURCE = {"type": "file", "delimiter": ",", "quote": '"'}


def several(examples):
    """Few examples: each is a run of its own."""
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(deadline=None, max_examples=examples, suppress_health_check=slow, database=None)


def ended(config, folder, count, is_cut=False):
    """(results, letters) of a run over *count* records, each of which is one of the two."""
    line = service(config)
    with pytest.raises(SourceError) if is_cut else contextlib.nullcontext():
        line.run()
    counters = line.counters
    line.close()
    rows = [strict(text) for text in (folder / "out.jsonl").read_text().split("\n")[:-1]]
    path = folder / "out.jsonl.refused.jsonl"
    letters = [strict(text) for text in path.read_text().split("\n")[:-1]]
    assert all(letter["reason"] and letter["error"] for letter in letters)
    numbers = [letter["offset"] for letter in letters]
    assert numbers == sorted(set(numbers))
    assert len(rows) + len(letters) == counters["consumed"] == count
    return rows, letters


def test_csv(tmp_path_factory):
    @several(12)
    @given(st.lists(st.lists(CELL, min_size=1, max_size=6), max_size=12))
    def holds(nasty):
        folder = tmp_path_factory.mktemp("csv")
        nasty = [
            row for row in nasty if "".join(row).strip(" \t\ufeff") or row[1:]
        ]  # no empty lines
        usual = [[str(n % 4), str(n % 3), str(n % 2), "word"] for n in range(6)]
        with open(folder / "in.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["u", "y", "id", "text"], *usual, *nasty, *usual])
        config = from_table(
            {
                "source": {**SOURCE, "path": f"{folder}/in.csv"},
                "sink": {"type": "file", "path": f"{folder}/out.jsonl"},
                "features": {"target": "y", "exclude": ["text", "id"]},
                "estimator": {"type": "regressor", "cell": SMALL},
                "metrics": {"enabled": False},
                "run": {"copy": ["text"], "max_dead_letter_ratio": 1.0, "batch_records": 5},
            }
        )
        _, letters = ended(config, folder, len(nasty) + 12)
        assert all(6 <= letter["offset"] < 6 + len(nasty) for letter in letters)

    holds()


@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "cut off"])
def test_gzip(is_cut, tmp_path_factory):
    @several(8)
    @given(st.lists(LINES, min_size=1, max_size=12), st.floats(0.3, 0.95))
    def holds(nasty, share):
        folder = tmp_path_factory.mktemp("gzip")
        usual = [json.dumps(row).encode() for row in ordinary("regressor", 1000, 6)]
        whole = gzip.compress(b"\n".join([*usual, *nasty, *usual]) + b"\n", mtime=0)
        data = whole[: int(len(whole) * share)] if is_cut else whole
        (folder / "in.jsonl.gz").write_bytes(data)
        there = zlib.decompressobj(31).decompress(data)  # 31: gzip
        config = configuration("regressor", folder)
        config.source.path += ".gz"
        ended(config, folder, there.count(b"\n"), is_cut)

    holds()


@pytest.mark.parametrize("kind", ["regressor", "keys"])
def test_messages(kind, tmp_path):
    """As from a topic, without one: bytes, keys and times as clients hand them out."""
    learner = task(configuration(kind, tmp_path))

    @several(20)
    @given(st.lists(st.tuples(LINES | st.none(), st.none() | st.binary(max_size=4)), max_size=12))
    def holds(nasty):
        usual = [(json.dumps(row).encode(), b"k") for row in ordinary(kind, 1000, 3)]
        values, keys = zip(*usual, *nasty, *usual, strict=True)
        count = len(values)
        records = JsonMessages()("t-0", list(values), range(count), [-1] * count, list(keys))
        outcome = learner.learn(records)
        assert outcome.passed == values.count(None)
        assert len(outcome.rows) + len(outcome.refused) + outcome.passed == count
        refused = {letter["offset"] for letter in outcome.refused}
        assert refused <= set(range(len(usual), count - len(usual)))
        json.dumps(outcome.rows, allow_nan=False)

    holds()


OBJECTS = st.sampled_from([None, "", "NaN", "word", True, 10**400, -1e308, math.inf, math.nan, [1]])
FRAMES = st.lists(st.tuples(OBJECTS | st.floats(), OBJECTS | st.floats()), min_size=1, max_size=6)


@pytest.mark.parametrize(
    "model", [RecurrentRegressor(LSTM(2)), StreamRegressor((Last(),))], ids=["recurrent", "stream"]
)
def test_frames(model):
    """A table with a bad cell changes nothing, any other has a finite prediction a row."""
    usual = pd.DataFrame({"u": [0.0, 1.0, 2.0, 3.0] * 5})
    target = usual["u"] % 3
    model.prequential(usual, target)

    @several(40)
    @given(FRAMES)
    def holds(rows):
        frame = pd.DataFrame({"u": [row[0] for row in rows]}, dtype=object)
        before = model.snapshot()
        try:
            made = model.prequential(frame, [row[1] for row in rows])
        except BadRecord:
            after = model.snapshot()
            assert after.meta == before.meta
            for name, array in before.arrays.items():
                assert np.array_equal(array, after.arrays[name], equal_nan=True), name
        else:
            assert made.shape == (len(rows),)
            assert np.isfinite(made).all()
        assert np.isfinite(model.prequential(usual, target)).all()

    holds()


@pytest.mark.slow
def test_text(tmp_path_factory):
    lines = st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b""))

    @several(6)
    @given(st.lists(lines.filter(bytes.strip), min_size=1, max_size=12))
    def holds(nasty):
        folder = tmp_path_factory.mktemp("text")
        (folder / "in.txt").write_bytes(b"\n".join([b"a line", *nasty, b"a line"]) + b"\n")
        config = from_table(
            {
                "source": {"type": "file", "path": f"{folder}/in.txt", "format": "text"},
                "sink": {"type": "file", "path": f"{folder}/out.jsonl"},
                "estimator": {"type": "text"},
                "metrics": {"enabled": False},
                "run": {"max_dead_letter_ratio": 1.0},
            }
        )
        ended(config, folder, len(nasty) + 2)

    holds()


@pytest.mark.slow
def test_topics(topics, tmp_path_factory):
    """From a topic into a topic, exactly once."""

    @several(3)
    @given(st.lists(LINES | st.none(), min_size=20, max_size=60))
    def holds(nasty):
        job = Job(topics, tmp_path_factory.mktemp("topic"), every=20)
        usual = job.messages(20)
        job.send(0, [*usual, *nasty, *usual])
        service(load(job.config, [f"checkpoint.url='{job.folder}/checkpoints'"])).run()
        job.verify()
        letters = topics.read(job.dead)[0]
        results = topics.read(job.out)[0]
        assert len(results) + len(letters) == len(nasty) + 40 - nasty.count(None)

    holds()
