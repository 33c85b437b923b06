"""Results of every class and size: written, or a letter; never the end of the service."""

import csv
import json
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Record, Unwritable
from connectors.files.csv_sink import CsvSink
from connectors.files.json_sink import JsonLinesSink
from connectors.json_rows import encode, encode_each, spellings
from connectors.memory import MemorySink, MemorySource
from stream_rnn import LSTM, RecurrentClassifier
from stream_rnn.features.rows import Rows
from stream_rnn.service.ledger import Schedule
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task

CLASSES = [True, False, 1, 0, "1", "true", 'a "quoted"', 0.5, inf, -3, 2**70, "é\x1b", b"k"]


def run(values, sink, copy=("id",)):
    task = Task(RecurrentClassifier(LSTM(2)), Rows("late", include=["u"]), copy)
    line = Pipeline(
        *(MemorySource(values), task, sink, refused := MemorySink()),
        schedule=Schedule(batch_records=7, max_refused=1.0),
    )
    line.run()
    line.close()
    return refused.rows, line.counters


def test_true_and_false_are_classes(tmp_path):
    values = [{"id": n, "u": n, "late": n % 3 == 0} for n in range(20)]
    letters, counters = run(values, JsonLinesSink(tmp_path / "out.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert letters == []
    assert counters["predicted"] == 20
    assert set(rows[-1]["probabilities"]) == {"true", "false"}
    assert rows[-1]["target"] is False


@pytest.mark.parametrize("kind", [JsonLinesSink, CsvSink])
def test_every_class_can_be_written_and_no_two_share_a_key(tmp_path, kind):
    values = [{"id": n, "u": 1.0, "late": CLASSES[n % len(CLASSES)]} for n in range(40)]
    letters, _ = run(values, kind(tmp_path / "out"))
    assert letters == []
    text = (tmp_path / "out").read_text()
    if kind is JsonLinesSink:
        last = json.loads(text.splitlines()[-1])["probabilities"]
    else:
        last = json.loads(list(csv.DictReader(text.splitlines()))[-1]["probabilities"])
    assert len(last) == len(set(CLASSES))  # Python's own True is 1 and False is 0
    assert sum(last.values()) == pytest.approx(1.0)


@settings(deadline=None)
@given(st.lists(st.sampled_from(CLASSES) | st.text() | st.floats(allow_nan=False), unique=True))
def test_spellings_are_never_alike(names):
    found = spellings(names)
    assert len(set(found)) == len(names)
    assert all(isinstance(text, str) for text in found)


def test_a_result_that_no_sink_can_hold_is_a_letter(tmp_path):
    values = [{"id": "\ud800" if n == 3 else str(n), "u": n, "late": "a"} for n in range(10)]
    records = [Record(value, b"{}", offset=n) for n, value in enumerate(values)]
    letters, counters = run(records, JsonLinesSink(tmp_path / "out.jsonl"))
    assert [(row["offset"], row["reason"], row["stage"]) for row in letters] == [
        (3, "unwritable", "write")
    ]
    assert "surrogates" in letters[0]["error"]
    assert counters == {"consumed": 10, "predicted": 9, "learned": 10, "refused": 1}
    ids = [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert ids == [str(n) for n in range(10) if n != 3]


def test_letters_stand_in_the_order_of_the_records():
    task = Task(RecurrentClassifier(LSTM(2)), Rows("late", include=["u"]))
    values = [{"u": 1.0, "late": "a"}, {"u": "x", "late": "a"}, {"u": 1.0, "late": "b"}]
    records = [Record(value, b"", offset=n) for n, value in enumerate(values)]
    outcome = task.without(task.learn(records), records, {0: "too large"})
    assert [row["offset"] for row in outcome.refused] == [0, 1]
    assert [row["target"] for row in outcome.rows] == ["b"]
    assert outcome.counts == {"consumed": 3, "predicted": 1, "learned": 2, "refused": 2}
    assert outcome.reasons == {"refused": 1, "unwritable": 1}


def test_a_message_has_a_limit_with_all_that_goes_along():
    rows = [{"text": "x" * 10}, {"text": "x" * 50}, {"text": nan}]
    assert encode_each(rows, [0, 0, 0], 100) == [encode(row) for row in rows]
    with pytest.raises(Unwritable) as caught:
        encode_each(rows, [0, 100, 0], 100)
    assert list(caught.value.problems) == [1]
    assert "more than the 100" in caught.value.problems[1]


def test_numpy_classes_are_written_as_pythons():
    classes = {np.int64(3): 0.5, np.float32(0.5): 0.25, np.str_("3"): 0.25}
    assert json.loads(encode({"probabilities": classes}))["probabilities"] == {
        "3": 0.5,
        "0.5": 0.25,
        '"3"': 0.25,
    }
