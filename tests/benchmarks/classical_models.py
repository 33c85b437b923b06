"""The models of `classical.py`: ours, river's, and MOA's by name."""

import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from river import ensemble, forest, linear_model, naive_bayes, neighbors, preprocessing
from river import tree as trees

from stream_rnn import RecurrentClassifier, RecurrentRegressor, StreamClassifier, StreamRegressor

SCRIPT = Path(__file__).with_name("peers") / "moa_models.py"


def scaled(model: Any) -> Any:
    return preprocessing.StandardScaler() | model


OURS: dict[str, Callable[[int], Any]] = {
    "StreamRegressor": lambda seed: StreamRegressor(seed=seed),
    "RecurrentRegressor": lambda seed: RecurrentRegressor(seed=seed),
    "StreamClassifier": lambda seed: StreamClassifier(seed=seed),
    "RecurrentClassifier": lambda seed: RecurrentClassifier(seed=seed),
}
REGRESSORS: dict[str, Callable[[int], Any]] = {
    "linear": lambda _: scaled(linear_model.LinearRegression()),
    "passive-aggressive": lambda _: scaled(linear_model.PARegressor(C=0.01)),
    "Hoeffding tree": lambda _: scaled(trees.HoeffdingTreeRegressor()),
    "adaptive tree": lambda seed: trees.HoeffdingAdaptiveTreeRegressor(seed=seed),
    "adaptive forest": lambda seed: forest.ARFRegressor(seed=seed),
    "AMF": lambda seed: scaled(forest.AMFRegressor(seed=seed)),
    "SRP": lambda seed: scaled(ensemble.SRPRegressor(seed=seed)),
    "neighbours": lambda seed: scaled(neighbors.KNNRegressor(engine=neighbors.SWINN(seed=seed))),
}
CLASSIFIERS: dict[str, Callable[[int], Any]] = {
    "softmax": lambda _: scaled(linear_model.SoftmaxRegression()),
    "ALMA": lambda _: scaled(linear_model.ALMAClassifier()),
    "Bayes": lambda _: naive_bayes.GaussianNB(),
    "Hoeffding tree": lambda _: trees.HoeffdingTreeClassifier(),
    "adaptive tree": lambda seed: trees.HoeffdingAdaptiveTreeClassifier(seed=seed),
    "adaptive forest": lambda seed: forest.ARFClassifier(seed=seed),
    "AMF": lambda seed: scaled(forest.AMFClassifier(seed=seed)),
    "SRP": lambda seed: ensemble.SRPClassifier(seed=seed),
    "leveraging bagging": lambda seed: ensemble.LeveragingBaggingClassifier(
        trees.HoeffdingTreeClassifier(), seed=seed
    ),
    "neighbours": lambda seed: scaled(neighbors.KNNClassifier(engine=neighbors.SWINN(seed=seed))),
}
#: Its classes in MOA by the name in the table.
MOA_REGRESSORS = {
    "MOA adaptive forest": "AdaptiveRandomForestRegressor",
    "MOA SOKNL": "SOKNL",
    "MOA boosting": "StreamingGradientBoostedRegression",
    "MOA FIMT-DD": "FIMTDD",
}
MOA_CLASSIFIERS = {
    "MOA adaptive forest": "AdaptiveRandomForestClassifier",
    "MOA SRP": "StreamingRandomPatches",
    "MOA leveraging bagging": "LeveragingBagging",
    "MOA boosting": "StreamingGradientBoostedTrees",
    "MOA neighbours": "KNN",
}
CERTAIN = {"linear", "softmax", "Bayes", "ALMA", "passive-aggressive", "Hoeffding tree"}
CERTAIN |= {"MOA FIMT-DD", "MOA neighbours"}  # the same whatever the seed
TWO_CLASSES = {"ALMA"}


def moa(python: str, name: str, rows: list, discrete: bool, seed: int) -> tuple[list, float]:
    """(predictions, seconds) of one of MOA's models, by CapyMOA in an environment of its own.

    It is told all classes before the first record.
    """
    columns = list(dict.fromkeys(column for x, _ in rows for column in x))
    X = np.array([[x.get(column, np.nan) for column in columns] for x, _ in rows], float)
    classes = list(dict.fromkeys(y for _, y in rows)) if discrete else []
    places = {label: place for place, label in enumerate(classes)}
    y = np.array([places[y] if discrete else y for _, y in rows], float)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, X=X, y=y, classes=len(classes))
        command = [python, str(SCRIPT), str(path), name, str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    made = told["predictions"]
    made = [None if p is None else classes[int(p)] for p in made] if discrete else made
    return made, told["seconds"]
