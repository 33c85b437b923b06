"""Cells × learners × optimizers × losses: each combination works or says why it cannot.

All of them run interpreted, in a process of their own; a subset in which every spec
appears is compiled and must agree.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import matrix
import numpy as np
import pytest

from stream_rnn.cells import CELLS
from stream_rnn.learners import LEARNERS
from stream_rnn.losses import LOSSES
from stream_rnn.optimizers import OPTIMIZERS


@pytest.fixture(scope="module")
def interpreted():
    """What `matrix` as a script prints, by combination."""
    done = subprocess.run(
        [sys.executable, Path(matrix.__file__)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("learner", LEARNERS)
def test_every_combination_works_or_is_refused_with_a_reason(interpreted, cell, learner):
    outcomes = [
        (tuple(names), outcome)
        for names, outcome in interpreted["outcomes"]
        if names[:2] == [cell, learner]
    ]
    assert len(outcomes) == len(matrix.AXES["optimizer"]) * len(LOSSES)
    assert any("refused" not in outcome for _, outcome in outcomes)
    for names, outcome in outcomes:
        if "refused" in outcome:
            message = outcome["refused"]
            assert message.split(":")[0] in (*matrix.AXES, "every", "window"), names
            assert any(name in message for name in names), names
            assert len(message) > 60, names
        else:
            assert outcome["finite"], names
            assert outcome["moved"], names
            assert outcome["rollbacks"] == 0, names


def test_what_is_refused_and_nothing_else(interpreted):
    refused = {tuple(n) for n, outcome in interpreted["outcomes"] if "refused" in outcome}
    steps = set(OPTIMIZERS) - set(matrix.SHAPING)
    for cell, learner, optimizer, loss in matrix.NAMES:
        if optimizer in steps - {"Kalman"} and cell in ("LSTM", "GRU", "Elman"):
            assert (cell, learner, optimizer, loss) not in refused
        if optimizer in matrix.SHAPING:
            assert (cell, learner, optimizer, loss) in refused


def test_every_pair_learns_an_easy_stream(interpreted):
    assert {names[0] for names, _ in interpreted["learned"]} == set(CELLS)
    assert {names[3] for names, _ in interpreted["learned"]} == set(LOSSES)
    quarters = {tuple(names): losses for names, losses in interpreted["learned"]}
    assert {n: losses for n, losses in quarters.items() if losses[1] > 0.75 * losses[0]} == {}


def test_the_compiled_subset_has_every_spec():
    chosen = list(zip(*matrix.covering(), strict=True))
    for axis, names in zip((CELLS, LEARNERS, OPTIMIZERS, LOSSES), chosen, strict=True):
        together = " ".join(names)
        assert all(name in together for name in axis)


COVERING = [(names, ("float32", "float64")[n % 2]) for n, names in enumerate(matrix.covering())]


@pytest.mark.parametrize(("names", "dtype"), COVERING, ids=str)
def test_compiled_agrees_with_interpreted(interpreted, names, dtype):
    """float32 and float64 by turns; BLAS, not dispatch, makes their last bits differ."""
    (expected,) = (
        outcome for *key, outcome in interpreted["covering"] if key == [list(names), dtype]
    )
    got = matrix.outcome(names, T=12, dtype=dtype)
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    assert np.allclose(got["predictions"], expected["predictions"], rtol=tolerance, atol=tolerance)
