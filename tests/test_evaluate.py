"""Prequential evaluation: scores against a plain computation, baselines, bad records, plots."""

import gzip
import json
import math
import sys

import helpers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from river import base

from connectors.base import Record
from connectors.files.source import FileSource
from connectors.memory import MemorySource
from stream_rnn.cli.evaluate_progress import lines
from stream_rnn.errors import BadRecord
from stream_rnn.estimators.forecaster import RecurrentForecaster
from stream_rnn.estimators.protocol import Snapshot
from stream_rnn.evaluation.advice import advice
from stream_rnn.evaluation.baselines import (
    LastClass,
    LastValue,
    Majority,
    RunningMean,
    SeasonalLastValue,
)
from stream_rnn.evaluation.comparison import ErrorCurve
from stream_rnn.evaluation.evaluate import Evaluation, evaluate
from stream_rnn.evaluation.plot import plot
from stream_rnn.evaluation.scores import LogLoss, Score
from stream_rnn.evaluation.share import Share
from stream_rnn.evaluation.weighing import WeightCurves
from stream_rnn.features.rows import Rows
from stream_rnn.service.task import Task


class Smoother:
    """A tiny estimator: ŷ ← ŷ + (y - ŷ) / 2, which refuses infinite targets."""

    def __init__(self):
        self.level = 0.0

    def stream(self, xs, ys):
        for index, y in enumerate(ys):
            if y is not None and math.isinf(y):
                raise BadRecord(f"target {y} is not finite", index)
        rows = []
        for y in ys:
            rows.append({"prediction": self.level})
            if y is not None and y == y:
                self.level += (y - self.level) / 2
        return rows

    def snapshot(self):
        return Snapshot({}, {"level": self.level})

    def restore(self, snapshot):
        self.level = snapshot.meta["level"]

    def health(self):
        return {}


class Counting(base.Classifier):
    """A tiny classifier: class frequencies plus one."""

    def __init__(self):
        self.counts = {}

    def stream(self, xs, ys):
        rows = []
        for y in ys:
            total = sum(self.counts.values())
            probabilities = {c: n / total for c, n in self.counts.items()}
            rows.append({"prediction": None, "probabilities": probabilities})
            self.counts[y] = self.counts.get(y, 0) + 1
        return rows

    def learn_one(self, x, y): ...

    def predict_proba_one(self, x):
        return {}


class Forecaster(Smoother):
    """Predicts three records ahead, by the last value known then, with an interval."""

    horizons = (3,)

    def __init__(self):
        self.past = []

    def stream(self, xs, ys):
        rows = []
        for y in ys:
            known = self.past[-3] if len(self.past) > 2 else None
            rows.append(
                {
                    "prediction": known,
                    "prediction_lower": None if known is None else known - 1,
                    "prediction_upper": None if known is None else known + 1,
                }
            )
            self.past.append(y)
        return rows


def run(values, estimator=None, target="y", **options):
    return evaluate(MemorySource(values), Task(estimator or Smoother(), Rows(target)), **options)


numbers = st.lists(st.floats(-100, 100), min_size=2, max_size=40)


@given(numbers, st.integers(1, 7))
def test_scores_equal_a_computation_on_whole_arrays(ys, batch):
    result = run([{"y": y} for y in ys], batch_records=batch, period=2)
    predictions = {
        "Smoother": [p["prediction"] for p in Smoother().stream([], ys)],
        "last value": [0.0, *ys[:-1]],
        "running mean": [0.0, *(np.mean(ys[:i]) for i in range(1, len(ys)))],
        "value 2 before": [0.0, 0.0, *ys[:-2]],
    }
    # Before it has seen a whole period the seasonal baseline gives the oldest value it has.
    predictions["value 2 before"][1] = ys[0]
    assert [score.name for score in result.scores] == list(predictions)
    for score in result.scores:
        errors = np.array(predictions[score.name]) - ys
        assert score.values["MAE"] == pytest.approx(np.abs(errors).mean(), rel=1e-9, abs=1e-9)
        assert score.values["RMSE"] == pytest.approx(
            math.sqrt((errors**2).mean()), rel=1e-9, abs=1e-9
        )
        total = ((ys - np.mean(ys)) ** 2).sum()
        if total > 1e-6:
            expected = 1 - (errors**2).sum() / total
            assert score.values["R2"] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_every_record_is_counted_once_whatever_it_is():
    values = [
        {"y": 1.0},
        Record(None, b"?", "malformed", offset=1),
        {"y": None},
        {"y": math.inf},
        {"x": 0.0},
        {"y": 2.0},
    ]
    result = run(values)
    assert (result.records, result.scored, result.refused) == (6, 2, 3)
    assert result.reasons["undecodable"] == "malformed"
    assert "not finite" in result.reasons["refused"]
    assert "'y' is missing" in result.reasons["missing_target"]


def test_classification_against_the_last_and_the_most_frequent_class():
    labels = ["a", "a", "b", "a", "a", "c", "a"]
    result = run([{"y": y} for y in labels], Counting())
    scores = {score.name: score.values for score in result.scores}
    assert result.task == "classification"
    assert list(scores) == ["Counting", "last class", "majority class"]
    assert scores["last class"]["accuracy"] == pytest.approx(2 / 7)
    assert scores["majority class"]["accuracy"] == pytest.approx(4 / 7)
    assert scores["Counting"] == scores["majority class"]
    seen, loss = [], 0.0
    for label in labels:
        p = seen.count(label) / len(seen) if seen else 0.0
        loss -= math.log(max(p, 1e-15))
        seen.append(label)
    assert scores["Counting"]["log-loss"] == pytest.approx(loss / 7)


def test_several_targets():
    class Zero(Smoother):
        def stream(self, xs, ys):
            return [{"prediction": {"a": 0.0}} for _ in ys]

    values = [{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": None}, {"a": 3.0, "b": 4.0}]
    result = run(values, Zero(), target=["a", "b"])
    scores = {score.name: score.values for score in result.scores}
    assert result.task == "multi-target regression"
    assert scores["Zero"]["MAE"] == pytest.approx(11 / 5)
    assert scores["last value"]["MAE"] == pytest.approx((1 + 2 + 0 + 2 + 2) / 5)


def test_a_forecast_is_compared_with_what_was_known_when_it_was_made():
    ys = [1.0, 5.0, 2.0, 8.0, 3.0, 9.0, 4.0]
    result = run([{"y": y} for y in ys], Forecaster(), period=2)
    model, last, _, seasonal = (score.values for score in result.scores)
    expected = [*ys[:3], *(abs(ys[i] - ys[i - 3]) for i in range(3, 7))]
    assert model["MAE"] == pytest.approx(sum(expected) / 7)
    assert last["MAE"] == pytest.approx(
        (1 + 4 + 1 + sum(abs(ys[i] - ys[i - 3]) for i in range(3, 7))) / 7
    )
    assert result.scores[3].name == "value 4 before"  # a whole number of seasons, known by then
    assert seasonal["MAE"] > 0


def test_limit_progress_and_files(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("y\n" + "".join(f"{i}\n" for i in range(100)))
    seen = []
    source = FileSource(path)
    result = evaluate(
        source,
        Task(Smoother(), Rows("y")),
        limit=70,
        batch_records=30,
        progress=lambda records, fraction: seen.append((records, fraction)),
    )
    assert [records for records, _ in seen] == [1, 3, 7, 15, 31, 61, 70]
    assert all(abs(share - records / 100) < 0.04 for records, share in seen)
    assert result.records == 70
    while not source.finished:
        source.next_batch(100, timeout=0)
    assert source.fraction() == 1.0
    source.close()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "no records"),
        ([{"y": None}], "no record has a known target"),
        ([{"x": 1.0}], "'y' is missing"),
    ],
)
def test_nothing_to_score_says_why(values, reason):
    with pytest.raises(ValueError, match=reason):
        run(values)


def test_table_and_json():
    result = run([{"y": float(i % 3)} for i in range(30)], name="[b]model", period=3)
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(result.table())
    console.file.close()
    text = console.export_text()
    assert "30 records" in text
    for name in ("[b]model", "last value", "running mean", "value 3 before", "MAE", "R²"):
        assert name in text
    data = json.loads(result.to_json())
    assert (data["records"], data["scored"], data["refused"]) == (30, 30, 0)
    assert data["scores"]["value 3 before"]["MAE"] == pytest.approx(0.1)
    assert data["records_per_second"] > 0


@given(st.lists(st.floats(0, 10), max_size=200), st.integers(1, 8))
def test_an_error_curve_is_block_means(errors, half):
    curve = ErrorCurve(capacity=2 * half)
    for error in errors:
        curve.add(error)
    assert len(curve.blocks) < 2 * half
    assert len(errors) - curve.size < len(curve.blocks) * curve.size <= len(errors)
    for i, block in enumerate(curve.blocks):
        assert block == pytest.approx(np.mean(errors[i * curve.size : (i + 1) * curve.size]))


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30))
def test_class_baselines_give_probabilities(labels):
    last, majority = LastClass(), Majority()
    for y in labels:
        last.learn(y)
        majority.learn(y)
    for baseline in (last, majority):
        assert sum(baseline.predict().values()) == pytest.approx(1.0)
    assert max(last.predict(), key=last.predict().__getitem__) == labels[-1]
    most = majority.predict()
    assert labels.count(max(most, key=most.__getitem__)) == max(map(labels.count, labels))


def test_baselines_before_the_first_target():
    assert LastValue().predict() == RunningMean().predict() == SeasonalLastValue(3).predict() == 0.0
    assert LastClass().predict() == Majority().predict() == {}
    for make in (LastValue, SeasonalLastValue):
        with pytest.raises(ValueError, match="must be a number of records"):
            make(0)


def test_log_loss_does_not_forgive_an_unseen_class():
    loss = LogLoss()
    loss.update("new", {"a": 1.0})
    assert loss.get() == pytest.approx(-math.log(1e-15))


@pytest.mark.parametrize("estimator", [Smoother, Forecaster, Counting])
def test_plot(tmp_path, estimator):
    ys = [math.sin(i / 5) for i in range(300)]
    if estimator is Counting:
        ys = ["up" if y > 0 else "down" for y in ys]
    plot(run([{"y": y} for y in ys], estimator()), path=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_plot_without_matplotlib_names_the_remedy(tmp_path, monkeypatch):
    for name in ("matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'stream-rnn\[plot\]'"):
        plot(run([{"y": 1.0}, {"y": 2.0}]), path=tmp_path / "a.png")


def test_a_forecaster_is_compared_with_river_s():
    rng = np.random.default_rng(0)
    values = [{"y": 9 + 5 * (t % 6) + 0.1 * float(rng.normal())} for t in range(200)]
    result = run(values, estimator=RecurrentForecaster(experts=helpers.EXPERTS))
    scores = {score.name: score.values["MAE"] for score in result.scores}
    assert list(scores)[:3] == ["RecurrentForecaster", "last value", "running mean"]
    assert set(list(scores)[3:]) == {
        *("value 6 before", "SNARIMAX(10,1,0)", "HoltWinters"),
        *("HoltWinters(m=6)", "SNARIMAX(1,0,0)(1,1,0,6)"),
    }
    assert scores["value 6 before"] < 1 < scores["last value"]
    assert scores["HoltWinters(m=6)"] < 1


def test_the_share_of_a_source_never_goes_back(tmp_path):
    """A small file is read before its first record is learned, a compressed one tells no place."""
    path = tmp_path / "in.csv"
    path.write_text("y\n" + "1\n" * 200)
    with gzip.open(tmp_path / "in.csv.gz", "wb") as file:
        file.write(path.read_bytes())
    for name, total, expected in (
        ("in.csv", None, [0.25, 0.5, 0.75, 1.0]),
        ("in.csv", 200, [0.25, 0.5, 0.75, 1.0]),
        ("in.csv.gz", None, None),
    ):
        source = FileSource(tmp_path / name)
        share, found = Share(source, total), []
        while not source.finished:
            found.append((len(source.next_batch(50, 0)), share(50 * len(found) + 50)))
        assert found[0][0] == 50
        if expected is None:
            assert {one for _, one in found} <= {None, 1.0}
        else:
            shares = [one for count, one in found if count]
            assert np.allclose(shares, expected, atol=0.01)
        assert share(200) in (None, 1.0)
        source.close()


def test_lines_of_progress_come_now_and_then(capsys):
    clock = iter(range(0, 1000, 4)).__next__  # each look at it takes 4 s
    stages = lines(None, clock)
    stages.begin("reading time", 0.1)
    for records in range(100, 501, 100):
        stages(records, records / 500)
    stages.begin("", 1.0)
    stages(1, 0.0)
    stages(2, None)
    stages(600, 0.6)
    said = capsys.readouterr().err.splitlines()
    assert [line.rsplit(", ", 1)[0] for line in said] == [
        "reading time: 100 records (2%)",
        "reading time: 300 records (6%)",
        "reading time: 500 records (10%)",
        "1 records (10%)",
        "600 records (64%)",
    ]


@pytest.mark.parametrize(
    ("error", "weight", "word"),
    [
        (1.0014, 0.98, "as good as the last value here, within 0.14 %"),
        (1.0014, 0.6, "is behind the last value here"),
        (1.02, 0.98, "is behind the last value here"),
    ],
)
def test_the_last_value_with_all_weight_is_no_defeat(error, weight, word):
    weights = WeightCurves()
    weights.add(100, {"Ewma": weight, "Lstm": 1 - weight})
    scores = [Score("RecurrentForecaster", {"MAE": error}), Score("last value", {"MAE": 1.0})]
    result = Evaluation(
        "RecurrentForecaster", "regression", 600, 600, 0, 1.0, 1.0, scores, {}, [], {}
    )
    result.weights = weights
    assert word in advice(result).replace("%", " %")
