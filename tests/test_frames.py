"""Data frames of several libraries, and river's pipelines over them."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from river import datasets, metrics, model_selection, preprocessing, utils

from stream_rnn import (
    GRU,
    LSTM,
    Elman,
    Keyed,
    RecurrentClassifier,
    RecurrentMultiTargetRegressor,
    RecurrentRegressor,
    options,
)
from stream_rnn.estimators.frames import records

LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
RNG = np.random.default_rng(0)
COLUMNS = {"a": RNG.normal(size=80), "b": RNG.normal(10, 5, size=80)}
TARGET = COLUMNS["a"] * 2 + 1


def series(library, values, name="y"):
    frame = LIBRARIES[library]({name: values})
    return frame[name]


@pytest.mark.parametrize("library", LIBRARIES)
def test_rows_are_learned_one_after_the_other(library):
    X, y = LIBRARIES[library](COLUMNS), series(library, TARGET)
    model, single = RecurrentRegressor(Elman(3)), RecurrentRegressor(Elman(3))
    model.learn_many(X, y)
    for x, target in zip(records(X), TARGET.tolist(), strict=True):
        single.learn_one(x, target)
    made = model.predict_many(X)
    assert type(made).__module__.split(".")[0] == library
    assert list(np.asarray(made)) == [single.predict_one(x) for x in records(X)]
    assert abs(np.asarray(made) - TARGET).mean() < 0.5


def test_what_comes_back_has_names_and_index():
    X = pd.DataFrame(COLUMNS, index=pd.date_range("2024-01-01", periods=80, freq="h"))
    y = pd.Series(TARGET > 1, index=X.index, name="high")
    model = RecurrentClassifier(Elman(3))
    assert model.predict_many(X.iloc[:1]).tolist() == [None]
    model.learn_many(X, y)
    made, chances = model.predict_many(X), model.predict_proba_many(X)
    assert made.name == "high"
    assert made.index.equals(X.index)
    assert set(chances.columns) == {False, True}
    assert np.allclose(chances.sum(axis=1), 1)
    assert (made == y).mean() > 0.9


def test_missing_values_of_each_library_are_missing():
    model = RecurrentRegressor(Elman(3))
    frames = [
        pd.DataFrame({"a": [1.0, None], "b": pd.array([1, pd.NA], dtype="Int64")}),
        pl.DataFrame({"a": [1.0, None], "b": [1, None]}),
    ]
    for X in frames:
        model.learn_many(X, [1.0, 2.0])
        assert np.isfinite(np.asarray(model.predict_many(X))).all()


def test_a_pipeline_learns_frames():
    X = pd.DataFrame(COLUMNS)
    model = preprocessing.StandardScaler() | RecurrentRegressor(Elman(3))
    model.learn_many(X, pd.Series(TARGET, name="y"))
    assert abs(model.predict_many(X) - TARGET).mean() < 0.5


def test_a_grid_over_cells():
    grid = {"cell": options(LSTM(3), GRU(3)), "seed": [1, 2]}
    models = utils.expand_param_grid(RecurrentRegressor(), grid)
    assert [(m.cell, m.seed) for m in models] == [
        *((LSTM(3), seed) for seed in (1, 2)),
        *((GRU(3), seed) for seed in (1, 2)),
    ]
    assert utils.expand_param_grid(RecurrentRegressor(), {"cell": [(GRU, {"units": [2, 5]})]})[
        1
    ].cell == GRU(5)


def test_successive_halving_over_cells():
    models = utils.expand_param_grid(
        preprocessing.StandardScaler() | RecurrentRegressor(),
        {"RecurrentRegressor": {"cell": options(Elman(2), Elman(3), GRU(2), GRU(3))}},
    )
    chosen = model_selection.SuccessiveHalvingRegressor(models, metrics.MAE(), budget=200, eta=2)
    metric = metrics.MAE()
    for n, (x, y) in enumerate(datasets.TrumpApproval()):
        if n == 300:
            break
        metric.update(y, chosen.predict_one(x))
        chosen.learn_one(x, y)
    assert metric.get() < 2
    assert chosen.best_model["RecurrentRegressor"].cell.units in (2, 3)


CLASSES = np.where(TARGET > 1, "high", "low").tolist()


@pytest.mark.parametrize("library", LIBRARIES)
def test_pipelines_learn_the_frames_of_each_library(library):
    X = LIBRARIES[library](COLUMNS)
    numbers = preprocessing.StandardScaler() | RecurrentRegressor(Elman(3))
    numbers.learn_many(X, series(library, TARGET))
    made = numbers.predict_many(X)
    assert type(made).__module__.split(".")[0] == library
    assert abs(np.asarray(made) - TARGET).mean() < 0.5
    classes = preprocessing.StandardScaler() | RecurrentClassifier(Elman(3))
    classes.learn_many(X, series(library, CLASSES))
    made, chances = classes.predict_many(X), classes.predict_proba_many(X)
    assert (np.asarray(made) == np.array(CLASSES)).mean() > 0.9
    assert type(chances).__module__.split(".")[0] == library
    high, low = (np.asarray(chances[name]) for name in ("high", "low"))
    assert np.allclose(high + low, 1)
    assert ((high > 0.5) == (np.asarray(made) == "high")).all()


@pytest.mark.parametrize("library", LIBRARIES)
def test_several_targets_are_the_columns_of_a_frame(library):
    X, Y = LIBRARIES[library](COLUMNS), LIBRARIES[library]({"p": TARGET, "q": -TARGET})
    model = RecurrentMultiTargetRegressor(Elman(3))
    model.learn_many(X, Y)
    made = model.predict_many(X)
    assert type(made).__module__.split(".")[0] == library
    assert abs(np.asarray(made["p"]) - TARGET).mean() < 0.5
    assert abs(np.asarray(made["q"]) + TARGET).mean() < 0.5


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_frame_has_the_records_of_many_keys(library):
    X = LIBRARIES[library]({**COLUMNS, "who": ["u", "v"] * 40})
    model, single = (Keyed(RecurrentRegressor(Elman(3)), key="who") for _ in range(2))
    model.learn_many(X, series(library, TARGET))
    for x, y in zip(records(X), TARGET.tolist(), strict=True):
        single.learn_one(x, y)
    assert list(np.asarray(model.predict_many(X))) == [single.predict_one(x) for x in records(X)]
    classes = Keyed(RecurrentClassifier(Elman(3)), key="who")
    classes.learn_many(X, series(library, CLASSES))
    assert (np.asarray(classes.predict_many(X)) == np.array(CLASSES)).mean() > 0.8
