"""gradient_check finds what is wrong and says where; compare_gradients ranks learners."""

import numpy as np
import pytest
from helpers import EXACT, cover, network, wave

from stream_rnn import (
    GRU,
    LSTM,
    RFLO,
    RTRL,
    SGD,
    TBPTT,
    UORO,
    BlockRTRL,
    ConfigError,
    Elman,
    MinGRU,
    RecurrentClassifier,
    RecurrentRegressor,
    SnAp1,
    Stack,
    compare_gradients,
    gradient_check,
)
from stream_rnn.cells import CELLS
from stream_rnn.tools.gradient_check import parameter_name

pytestmark = pytest.mark.usefixtures("interpreted")  # as machine code in the doctests

X, Y = wave(12, 2, 1)


@pytest.mark.parametrize(
    ("cell", "learner"), cover([spec(2) for spec in CELLS.values()], EXACT), ids=str
)
def test_exact_learners_pass(cell, learner):
    report = gradient_check(RecurrentRegressor(cell, learner, seed=1), X, Y[:, 0])
    assert report.error < 1e-6, str(report)
    assert f"among {report.parameters} parameters" in str(report)


def test_what_is_not_exact_is_found_and_named():
    report = gradient_check(RecurrentRegressor(LSTM(2), RFLO(), SGD(), seed=1), X, Y[:, 0])
    assert report.error > 1e-3
    assert report.worst.startswith("layer 0, LSTM: ")
    assert abs(report.gradient - report.quotient) > 0


def test_the_weights_are_those_of_the_model_and_stay():
    model = RecurrentClassifier(Elman(2), seed=1)
    labels = ["up" if y > 0 else "down" for y in Y[:, 0]]
    first = gradient_check(model, X, labels)
    for x, label in zip(X, labels, strict=True):
        model.learn_one(dict(enumerate(x)), label)
    before = model.snapshot()
    second = gradient_check(model, X, labels)
    assert max(first.error, second.error) < 1e-6
    assert first.gradient != second.gradient
    after = model.snapshot()
    assert all(np.array_equal(before.arrays[k], after.arrays[k]) for k in before.arrays)


def test_parameters_have_names():
    net = network(GRU(2), RTRL(), 3, 2, skip=True)
    names = [parameter_name(net, p) for p in range(net.state.theta.size)]
    assert len(set(names)) == len(names)
    assert names[0] == "layer 0, GRU: h[0] → pre-activation 0 of unit 0"
    assert names[-1] == "readout: x[2] → output 1"
    assert "layer 0, MinGRU: 1 → pre-activation 1 of unit 0" in [
        parameter_name(network(MinGRU(2), RTRL()), p) for p in range(4)
    ]


def test_comparison_with_the_exact_gradient():
    learners = [BlockRTRL(4), TBPTT(3), SnAp1(), RFLO(), UORO()]
    found = compare_gradients([LSTM(3)], learners, X, Y)
    assert [a.learner for a in found] == learners
    block, truncated, snap, rflo, uoro = found
    assert block.cosine > 0.999
    assert block.norm_ratio == pytest.approx(1, abs=0.02)
    assert 0.5 < truncated.cosine < block.cosine
    assert min(snap.cosine, rflo.cosine) > 0.3
    assert uoro.cosine < min(snap.cosine, rflo.cosine)
    assert "cosine" in str(uoro)


def test_comparison_over_cells():
    elman, diagonal = compare_gradients([Elman(3), MinGRU(3)], [SnAp1()], X, Y)
    assert [type(a.cell) for a in (elman, diagonal)] == [Elman, MinGRU]
    assert elman.cosine < 1 - 1e-6
    assert diagonal.cosine == pytest.approx(1, abs=1e-12)  # where SnAp-1 is exact


def test_comparison_at_the_weights_of_a_model():
    """Which is left as it is; of an estimator, or of a network in its units."""
    model = RecurrentRegressor(LSTM(3), RTRL(), SGD(0.05), seed=3)
    model.prequential(X, Y[:, 0])
    before = model.snapshot().arrays
    [at_model] = compare_gradients([model], [SnAp1()], X, Y[:, 0], rate=0.0)
    [at_network] = compare_gradients([model._network], [SnAp1()], X, Y, rate=0.0)
    [at_first] = compare_gradients([LSTM(3)], [SnAp1()], X, Y, rate=0.0, seed=3)
    assert at_model == at_network
    assert at_model.cell == at_first.cell == LSTM(3)
    assert 0.3 < at_model.cosine < 1
    assert at_model.cosine != pytest.approx(at_first.cosine, rel=1e-3)
    for name, array in model.snapshot().arrays.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_stack_stays_what_it_is():
    """An exact one is compared by what is exact across layers only."""
    with pytest.raises(ConfigError, match="exact: SnAp1 knows no influence across layers"):
        compare_gradients([Stack(Elman(2), Elman(2), exact=True)], [SnAp1()], X, Y)


def test_gathered_losses_are_refused():
    with pytest.raises(ConfigError, match="every=1"):
        compare_gradients([LSTM(2)], [TBPTT(4, every=2)], X, Y)
