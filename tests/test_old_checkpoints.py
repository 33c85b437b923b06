"""Checkpoints of 0.1.0 go on: what that version would have predicted next is predicted.

tests/data/checkpoints-0.1.0 holds, for each estimator, the checkpoint of a run over the first 80
records, its output, and the output over all 120, all by 0.1.0.
"""

import json
import math
import shutil
from pathlib import Path

import pytest

from stream_rnn.assembly.service import pipeline
from stream_rnn.config import load

FOLDER = Path(__file__).parent / "data" / "checkpoints-0.1.0"


def rows():
    yield "u,v,y,c"
    for n in range(120):
        v = round(math.sin(n / 5), 4)
        y = round(math.cos(n / 7) + math.sin((n - 2) / 5), 4)
        yield f"{n},{v},{y},{'up' if v > 0 else 'down'}"


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_a_run_goes_on(name, tmp_path, monkeypatch):
    shutil.copytree(FOLDER / name / "cp", tmp_path / "cp")
    shutil.copy(FOLDER / name / "before.jsonl", tmp_path / "out.jsonl")
    shutil.copy(FOLDER / name / "p.toml", tmp_path)
    (tmp_path / "in.csv").write_text("\n".join([*rows(), ""]))
    monkeypatch.chdir(tmp_path)
    line = pipeline(load("p.toml"))
    line.run()
    line.close()
    made, expected = read(tmp_path / "out.jsonl"), read(FOLDER / name / "after.jsonl")
    assert len(made) == len(expected) == 120
    assert made[:80] == expected[:80]
    for ours, theirs in zip(made[80:], expected[80:], strict=True):
        assert ours["target"] == theirs["target"]
        if isinstance(theirs["prediction"], str):
            assert ours["prediction"] == theirs["prediction"]
            for kind, chance in theirs["probabilities"].items():
                assert ours["probabilities"][kind] == pytest.approx(chance, abs=1e-3)
        else:
            assert ours["prediction"] == pytest.approx(theirs["prediction"], abs=1e-3)
