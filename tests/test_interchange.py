"""Weights to PyTorch's names and back; where PyTorch is installed, against PyTorch itself."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from helpers import gradients, network, wave

from stream_rnn import (
    GRU,
    LSTM,
    RTRL,
    CheckpointError,
    ConfigError,
    Elman,
    MinGRU,
    RecurrentClassifier,
    RecurrentMultiTargetRegressor,
    RecurrentRegressor,
    load_safetensors,
    load_state_dict,
    save_safetensors,
    state_dict,
)
from stream_rnn.numerics.activations import ReLU

FOLDER = Path(__file__).parent / "data" / "pytorch"
SPECS = {"lstm": LSTM(4), "gru": GRU(4), "elman": Elman(4)}
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "head.weight", "head.bias")


def vectors(name):
    data = dict(np.load(FOLDER / f"{name}.npz"))
    return {n: data.pop(n) for n in NAMES}, data


@pytest.mark.parametrize("name", SPECS)
def test_a_network_trained_in_pytorch_goes_on(name):
    """Forward values and gradients after loading are PyTorch's own."""
    weights, data = vectors(name)
    net = network(SPECS[name], RTRL(), 3, 2)
    load_state_dict(net, weights)
    losses, G = gradients(net, data["x"], data["y"])
    errors = data["prediction"] - data["y"]
    assert np.allclose(losses, (errors**2).sum(axis=1) / 2, rtol=1e-12)
    assert np.allclose(net.state.layers[0].s[0], data["hidden"][-1], rtol=1e-12)
    for t in range(len(G)):  # a gradient in their names, as if it were weights
        net.state.theta[...] = G[t]
        back = state_dict(net)
        assert np.allclose(back["weight_ih_l0"], data["grad.weight_ih_l0"][t], atol=1e-13)
        assert np.allclose(back["weight_hh_l0"], data["grad.weight_hh_l0"][t], atol=1e-13)


@pytest.mark.parametrize("name", SPECS)
def test_there_and_back(name):
    weights, _ = vectors(name)
    net = network(SPECS[name], RTRL(), 3, 2)
    load_state_dict(net, weights)
    back = state_dict(net)
    assert back.keys() == weights.keys()
    for n in ("weight_ih_l0", "weight_hh_l0", "head.weight", "head.bias"):
        assert np.array_equal(back[n], weights[n])
    assert np.allclose(
        back["bias_ih_l0"] + back["bias_hh_l0"], weights["bias_ih_l0"] + weights["bias_hh_l0"]
    )
    theta = net.state.theta.copy()
    load_state_dict(net, back)
    assert np.array_equal(net.state.theta, theta)


def test_stacks_and_skipped_inputs(tmp_path):
    first = network((LSTM(3), GRU(2)), RTRL(), 2, 1, skip=True, seed=1)
    arrays = state_dict(first)
    assert arrays["weight_ih_l1"].shape == (6, 3)
    assert arrays["head.weight"].shape == (1, 4)
    second = network((LSTM(3), GRU(2)), RTRL(), 2, 1, skip=True, seed=2)
    save_safetensors(first, tmp_path / "weights.safetensors")
    load_safetensors(second, tmp_path / "weights.safetensors")
    assert np.array_equal(first.state.theta, second.state.theta)


def test_an_estimator_comes_back_with_its_scales():
    X, y = wave(200, 2, 1)
    trained = RecurrentRegressor(LSTM(4), seed=1)
    trained.prequential(X * 7 + 3, y[:, 0] * 5)
    fresh = RecurrentRegressor(LSTM(4), seed=2)
    load_state_dict(fresh, state_dict(trained), features=[0, 1])
    continued = RecurrentRegressor(LSTM(4), seed=3)
    continued.prequential(X[:5], y[:5, 0])  # a model at work may be overwritten
    load_state_dict(continued, state_dict(trained))
    for layer in trained._network.state.layers:
        layer.s[...] = 0
    row = {0: 4.0, 1: 2.0}
    assert fresh.predict_one(row) == trained.predict_one(row) == continued.predict_one(row)
    fresh.learn_one(row, 1.0)
    assert fresh.predict_one(row) != trained.predict_one(row)


def test_a_classifier_needs_its_classes():
    trained = RecurrentClassifier(Elman(3), seed=1)
    for t in range(60):
        trained.learn_one({"x": t % 2}, "ab"[t % 2])
    fresh = RecurrentClassifier(Elman(3))
    load_state_dict(fresh, state_dict(trained), features=["x"], targets=["a", "b"])
    for layer in trained._network.state.layers:
        layer.s[...] = 0
    assert fresh.predict_proba_one({"x": 1}) == trained.predict_proba_one({"x": 1})


def test_what_does_not_fit_is_named():
    weights, _ = vectors("lstm")
    net = network(LSTM(4), RTRL(), 3, 2)
    before = net.state.theta.copy()
    with pytest.raises(CheckpointError, match=r"missing \[\], unknown \['bias'\]"):
        load_state_dict(net, {**{k: weights[k] for k in NAMES[:-1]}, "bias": weights["head.bias"]})
    with pytest.raises(CheckpointError, match=r"weight_ih_l0: shape \(16, 2\)"):
        load_state_dict(net, {**weights, "weight_ih_l0": weights["weight_ih_l0"][:, :2]})
    assert np.array_equal(net.state.theta, before)
    with pytest.raises(ConfigError, match="MinGRU"):
        state_dict(network(MinGRU(2), RTRL()))
    with pytest.raises(ConfigError, match="nothing was learned"):
        state_dict(RecurrentRegressor())
    with pytest.raises(ConfigError, match="name the columns"):
        load_state_dict(RecurrentRegressor(LSTM(4)), weights)
    with pytest.raises(ConfigError, match="3 columns"):
        load_state_dict(RecurrentRegressor(LSTM(4)), weights, features=["a"])


def prefixed(weights, prefix="encoder.lstm.", head="decoder.fc."):
    """The names that modules inside a module have."""
    return {
        (n.replace("head.", head) if n.startswith("head.") else prefix + n): v
        for n, v in weights.items()
    }


@pytest.mark.parametrize("name", SPECS)
def test_names_of_modules_inside_a_module(name):
    weights, _ = vectors(name)
    plain, found, told = (network(SPECS[name], RTRL(), 3, 2) for _ in range(3))
    load_state_dict(plain, weights)
    load_state_dict(found, prefixed(weights))
    more = {"embedding.weight": np.ones((9, 7)), "aux.weight_ih_l0": np.ones((2, 2))}
    load_state_dict(told, prefixed(weights) | more, prefix="encoder.lstm.", head="decoder.fc")
    assert np.array_equal(plain.state.theta, found.state.theta)
    assert np.array_equal(plain.state.theta, told.state.theta)


def test_what_a_prefix_could_be_is_asked_for():
    weights, _ = vectors("lstm")
    net = network(LSTM(4), RTRL(), 3, 2)
    two = prefixed(weights) | {"other.weight_ih_l0": weights["weight_ih_l0"]}
    with pytest.raises(CheckpointError, match=r"2 recurrent networks, 'encoder.lstm.', 'other.'"):
        load_state_dict(net, two)
    with pytest.raises(
        CheckpointError, match=r"may be 'decoder.fc' or 'aux'; say which with head="
    ):
        load_state_dict(net, prefixed(weights) | {"aux.weight": np.ones((3, 4))})
    with pytest.raises(CheckpointError, match=r"unknown \['embedding.weight'\]"):
        load_state_dict(net, prefixed(weights) | {"embedding.weight": np.ones((9, 2))})
    with pytest.raises(CheckpointError, match="missing"):
        load_state_dict(net, {"encoder.weight_ih_l0": weights["weight_ih_l0"]})


def test_modules_without_biases_have_biases_of_zero():
    weights, _ = vectors("gru")
    bare = {n: v for n, v in weights.items() if "bias" not in n}
    zero = {n: v * (0 if "bias" in n else 1) for n, v in weights.items()}
    one, other = network(GRU(4), RTRL(), 3, 2), network(GRU(4), RTRL(), 3, 2)
    load_state_dict(one, bare)
    load_state_dict(other, zero)
    assert np.array_equal(one.state.theta, other.state.theta)


def test_weights_without_statistics_predict_no_silent_zero():
    trained = RecurrentRegressor(LSTM(4), seed=1)
    for t in range(200):
        trained.learn_one({"a": 20 + t % 5, "b": 3.0 * (t % 3)}, 100 + 7 * (t % 5))
    given = state_dict(trained)
    bare = {n: v for n, v in given.items() if not n.startswith(("inputs.", "targets."))}
    model = RecurrentRegressor(LSTM(4))
    with pytest.raises(ConfigError, match="it would predict 0"):
        load_state_dict(model, bare, features=["a", "b"])
    assert model.predict_one({"a": 20.0, "b": 3.0}) == 0.0  # as it was
    scales = {
        name: (float(given[f"{part}.mean"][n]), float(given[f"{part}.variance"][n]) ** 0.5)
        for part, n, name in (("inputs", 0, "a"), ("inputs", 1, "b"), ("targets", 0, "target"))
    }
    load_state_dict(model, prefixed(bare), features=["a", "b"], scales=scales)
    for layer in trained._network.state.layers:
        layer.s[...] = 0
    x = {"a": 22.0, "b": 3.0}
    assert model.predict_one(x) == pytest.approx(trained.predict_one(x), rel=1e-5)
    model.learn_one(x, 120.0)
    assert abs(model.predict_one(x) - 114) < 20  # the scales count as much as 1000 records
    for wrong in ({}, {**scales, "a": (20.0, 0.0)}, {"a": (1, 1), "b": (1, 1)}):
        with pytest.raises(ConfigError, match="needs a mean and a standard deviation"):
            load_state_dict(RecurrentRegressor(LSTM(4)), bare, features=["a", "b"], scales=wrong)
    unscaled = RecurrentRegressor(LSTM(4), scale=False)
    load_state_dict(unscaled, bare, features=["a", "b"])
    assert unscaled.predict_one(x) != 0.0


def test_lags_and_several_targets_have_scales_by_name():
    trained = RecurrentMultiTargetRegressor(LSTM(4), seed=1, target_lags=1)
    for t in range(100):
        trained.learn_one({"a": t % 5}, {"p": 100 + t % 5, "q": -(t % 5)})
    given = state_dict(trained)
    bare = {n: v for n, v in given.items() if not n.startswith(("inputs.", "targets."))}
    model = RecurrentMultiTargetRegressor(LSTM(4), target_lags=1)
    scales = {"a": (2.0, 1.4), "p": (102.0, 1.4), "q": (-2.0, 1.4)}
    load_state_dict(model, bare, features=["a"], targets=["p", "q"], scales=scales)
    made = model.predict_one({"a": 2})
    assert abs(made["p"] - 102) < 5
    assert abs(made["q"] + 2) < 5


if importlib.util.find_spec("torch"):
    import torch

    MODULES = [
        (LSTM(5), torch.nn.LSTM, {}),
        (GRU(5), torch.nn.GRU, {}),
        (Elman(5), torch.nn.RNN, {}),
        (Elman(5, ReLU()), torch.nn.RNN, {"nonlinearity": "relu"}),
    ]

    @pytest.mark.parametrize(("cell", "module", "options"), MODULES, ids=str)
    def test_against_pytorch_installed_here(cell, module, options):
        torch.manual_seed(0)
        layers = module(3, 5, num_layers=2, dtype=torch.float64, **options)
        head = torch.nn.Linear(5, 2, dtype=torch.float64)
        X, Y = wave(15, 3, 2)
        hidden, _ = layers(torch.tensor(X)[:, None])
        expected = head(hidden[:, 0]).detach().numpy()
        net = network((cell, cell), RTRL(), 3, 2)
        named = {f"head.{n}": p.detach() for n, p in head.named_parameters()}
        load_state_dict(net, {n: p.detach() for n, p in layers.named_parameters()} | named)
        losses, _ = gradients(net, X, Y)
        assert np.allclose(losses, ((expected - Y) ** 2).sum(axis=1) / 2, rtol=1e-11)
