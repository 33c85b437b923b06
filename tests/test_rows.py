"""The definition of a result row, held to what estimators yield."""

import importlib.util
import json
from io import BytesIO
from math import nan
from pathlib import Path

import pytest
from fastavro import schemaless_reader

from connectors.avro.rows import AvroRows
from connectors.json_rows import encode
from stream_rnn.assembly.results import result_schema
from stream_rnn.cli.warm import RECORDS, TARGETS
from stream_rnn.config import from_table
from stream_rnn.drift.losses import losses
from stream_rnn.metrics import RecentErrors
from stream_rnn.rows import FIELDS, error_of, errors_of, is_known, kind_of
from stream_rnn.service.outcome import Outcome
from stream_rnn.specs import ESTIMATORS, estimator
from stream_rnn.web.tracker import Tracker

ROOT = Path(__file__).parents[1]


def test_the_page_is_that_of_the_definition():
    spec = importlib.util.spec_from_file_location("rows_page", ROOT / "docs" / "rows.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "rows.md").read_text() == module.page(), "run python docs/rows.py"


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_an_estimator_yields_what_is_said(kind):
    xs = RECORDS.get(kind, [{"x": 0.5}] * 2)
    rows = estimator({"type": kind}).stream(xs, TARGETS[kind])
    assert [set(row) for row in rows] == [{field.name for field in FIELDS[kind]}] * 2
    shown = {"anomaly": "anomalies", "text": "text"}
    expected = "classes" if kind.endswith("classifier") else shown.get(kind, "numbers")
    assert kind_of(rows[0]) == expected
    table = {"source": {"type": "stdin"}, "sink": {"type": "stdout"}, "estimator": {"type": kind}}
    in_avro = AvroRows(result_schema(from_table(table)))
    for row in rows:  # the values are of the types that are said, too
        found = schemaless_reader(BytesIO(in_avro.encode(row)), in_avro.schema, None)
        pairs = [list(pair.values()) for pair in found.get("top") or ()]
        found |= {"top": pairs} if "top" in found else {}
        assert json.loads(encode(found)) == json.loads(encode(row))


def test_the_page_takes_in_rows_of_every_kind():
    def seen(row):
        tracker, counts = Tracker(), {"consumed": 1, "predicted": 1, "learned": 1, "refused": 0}
        tracker.see(Outcome([row], [], counts, {}, 0.1, []), mean=1.0)
        return [one.size for one in tracker.worst], len(tracker.anomalies)

    assert seen({"score": 2.5, "alarm": True}) == ([2.5], 1)
    assert seen({"score": 0.5, "alarm": False}) == ([0.5], 0)
    assert seen({"prediction": 1.0, "target": 3.0}) == ([2.0], 0)
    assert seen({"prediction": 1.0, "target": None}) == ([], 0)
    assert seen({"prediction": "a", "probabilities": {"b": 0.25}, "target": "b"}) == ([2.0], 0)
    assert seen({"prediction": ["B", "I"], "target": ["B", "O"]}) == ([0.5], 0)
    assert seen({"prediction": "cat", "probability": 0.9, "target": "cat"}) == ([], 0)
    assert seen({"bits_per_symbol": 2.0, "surprise": 4.0, "top": []}) == ([4.0], 0)


@pytest.mark.parametrize(
    ("target", "expected"),
    [(0, True), ("", True), (False, True), (None, False), (nan, False), ({}, False)],
)
def test_known(target, expected):
    assert is_known(target) is expected


ROWS = [
    {"prediction": 1.0, "target": 3.0},
    {"prediction": None, "target": 3.0},
    {"prediction": 1.0, "target": None},
    {"prediction": "a", "probabilities": {"a": 1.0}, "target": "b"},
    {"prediction": None, "probabilities": {}, "target": "b"},
    {"prediction": {"a": 1.0, "b": 1.0}, "target": {"a": 0.0, "b": nan}},
    {"score": 2.5, "alarm": False},
    {"bits_per_symbol": 1.5},
]


def test_all_that_read_rows_agree():
    found = [errors_of(row) for row in ROWS]
    assert found[:2] == [{0: 2.0}, {}]
    assert found[3:5] == [{0: 1.0}, {}]
    assert [row[0] for row in found[6:]] == [2.5, 1.5]
    for row, expected in zip(ROWS, found, strict=True):
        table, names = losses([row])
        told = {n: v for n, v in zip(names, table[0].tolist(), strict=True) if v == v}
        assert told == {name: error for name, error in expected.items() if error == error}
    recent = RecentErrors()
    recent.add(ROWS)
    known = [error for row in ROWS if (error := error_of(row)) is not None]
    assert recent.mean == sum(known) / len(known) == 2.0
