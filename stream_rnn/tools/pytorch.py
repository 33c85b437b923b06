"""Weights in PyTorch's names and gate order, as arrays and as safetensors files.

A network of LSTM, GRU or Elman layers is, layer by layer, `torch.nn.LSTM`, `torch.nn.GRU`
or `torch.nn.RNN` (k counts the layers):

    weight_ih_l{k} (G·H, m)   weight_hh_l{k} (G·H, H)   bias_ih_l{k}, bias_hh_l{k} (G·H,)

with the gates i, f, g, o or r, z, n one below the other; `head.weight` (O, R) and
`head.bias` (O,) are a `torch.nn.Linear` on the hidden state of the last layer, followed,
with ``skip=True``, by the inputs.  Where this package has one bias, it is written as
bias_ih, bias_hh being 0, and read as their sum.

``inputs.*`` and ``targets.*`` (count, mean, variance) are the running statistics with which
inputs and targets are standardised.  A file without them, such as PyTorch writes, leaves
those of the model as they are; a model that has none yet wants the means and deviations with
which the network was trained, or ``scale=False`` where it was trained on numbers as they are.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from ..engine.online import OnlineNetwork
from ..engine.scale import standardises
from ..errors import CheckpointError, ConfigError
from ..estimators.base import RecurrentEstimator
from ..estimators.mixture_base import MixtureEstimator
from ..numerics.trees import walk
from . import pytorch_gates, pytorch_names

STATISTICS = ("count", "mean", "variance")


def state_dict(model: OnlineNetwork | RecurrentEstimator) -> dict[str, np.ndarray]:
    """The parameters of *model* in PyTorch's names, shapes and order; copies.

    Raises `ConfigError` for a cell that PyTorch does not have, or before anything was
    learned, when there is no network yet.

    >>> from stream_rnn import LSTM, RecurrentRegressor, state_dict, load_state_dict
    >>> trained = RecurrentRegressor(LSTM(4), seed=1)
    >>> for t in range(100):
    ...     trained.learn_one({"x": t % 2}, t % 2)
    >>> arrays = state_dict(trained)
    >>> arrays["weight_ih_l0"].shape, arrays["weight_hh_l0"].shape
    ((16, 1), (16, 4))
    >>> fresh = RecurrentRegressor(LSTM(4))
    >>> load_state_dict(fresh, arrays, features=["x"])
    >>> abs(fresh.predict_one({"x": 1}) - 1) < 0.3  # the hidden state starts anew
    True
    """
    network = _network(model)
    if network is None:
        raise ConfigError("state_dict: nothing was learned yet, so there are no weights")
    _check_cells(network)
    arrays = {}
    *recurrent, V = network.parameters()
    for k, (cell, W) in enumerate(zip(network.model.cells, recurrent, strict=True)):
        for name, array in zip(_names(k), pytorch_gates.unpack(cell, W), strict=True):
            arrays[name] = np.ascontiguousarray(array)
    H = network.model.cells[-1].units
    arrays["head.weight"] = np.ascontiguousarray(np.delete(V, H, axis=0).T)
    arrays["head.bias"] = V[H].copy()
    for part in _scaled_parts(network):
        moments = getattr(network.state, part)
        for name in STATISTICS:
            arrays[f"{part}.{name}"] = getattr(moments, name).copy()
    return arrays


def load_state_dict(
    model: OnlineNetwork | RecurrentEstimator,
    arrays: dict[str, Any],
    *,
    features: list[Any] | None = None,
    targets: list[Any] | None = None,
    scales: Mapping[Any, tuple[float, float]] | None = None,
    prefix: str | None = None,
    head: str | None = None,
) -> None:
    """Take over parameters in PyTorch's names; the model then goes on learning with them.

    Values may be arrays or CPU tensors.  An estimator that has not learned yet needs the
    names of its *features*, in the order of the columns of weight_ih_l0, and, where it
    predicts several *targets* or classes, theirs; and *scales*, the mean and the standard
    deviation of each by name (``"target"`` if it is the only one), unless it has scale=False.
    Names may have a *prefix*, ``"encoder.lstm."``, and the *head* one of its own, ``"decoder"``;
    where there is one recurrent network and one readout they are found.  Hidden states, traces
    and the optimizer's memory start anew.  Raises `CheckpointError` when a name is missing or
    unknown or a shape differs, `ConfigError` without *scales*; the model is then as it was.

    >>> from stream_rnn import Elman, RecurrentRegressor
    >>> arrays = {"weight_ih_l0": np.ones((2, 1)), "weight_hh_l0": np.zeros((2, 2))}
    >>> arrays |= {"bias_ih_l0": np.zeros(2), "bias_hh_l0": np.zeros(2)}
    >>> arrays |= {"head.weight": np.ones((1, 2)), "head.bias": np.zeros(1)}
    >>> model = RecurrentRegressor(Elman(2), skip=False)
    >>> load_state_dict(model, arrays, features=["x"], scales={"x": (5, 2), "target": (50, 10)})
    >>> round(model.predict_one({"x": 7}), 1)  # 50 + 10 · 2 tanh(1)
    65.2
    >>> state_dict(model)["head.weight"].tolist()
    [[1.0, 1.0]]
    """
    given = pytorch_names.plain(arrays, prefix, head)
    fresh = _network(model) is None
    if fresh:
        _build(model, given, features, targets)
    network = _network(model)
    assert network is not None
    try:
        if scales is not None:
            given |= _given_scales(model, network, scales, features, targets)
        _check_cells(network)
        _check_arrays(network, given)
        _check_scales(network, given)
    except (CheckpointError, ConfigError):
        if fresh and not isinstance(model, OnlineNetwork):
            model._network = None
        raise
    *recurrent, V = network.parameters()
    for k, (cell, W) in enumerate(zip(network.model.cells, recurrent, strict=True)):
        W[...] = pytorch_gates.pack(cell, *(given[name] for name in _names(k)))
    H = network.model.cells[-1].units
    V[...] = np.insert(given["head.weight"].T, H, given["head.bias"], axis=0)
    for part in _scaled_parts(network):
        moments = getattr(network.state, part)
        for name in STATISTICS:
            array = getattr(moments, name)
            array[...] = given.get(f"{part}.{name}", array)
    _start_anew(network)


def save_safetensors(model: OnlineNetwork | RecurrentEstimator, path: str | Path) -> None:
    """Write `state_dict` to a safetensors file, which `safetensors.torch.load_file` reads.

    >>> import tempfile
    >>> from stream_rnn import LSTM, RTRL, SGD, Squared
    >>> from stream_rnn.engine.model import compose
    >>> network = OnlineNetwork(compose(LSTM(2), RTRL(), SGD(), Squared()), inputs=1, outputs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_safetensors(network, f"{folder}/lstm.safetensors")
    ...     sorted(load_file(f"{folder}/lstm.safetensors"))[:2]
    ['bias_hh_l0', 'bias_ih_l0']
    """
    save_file(state_dict(model), path)


def load_safetensors(
    model: OnlineNetwork | RecurrentEstimator,
    path: str | Path,
    *,
    features: list[Any] | None = None,
    targets: list[Any] | None = None,
    scales: Mapping[Any, tuple[float, float]] | None = None,
    prefix: str | None = None,
    head: str | None = None,
) -> None:
    """`load_state_dict` from a safetensors file.

    >>> import tempfile
    >>> from stream_rnn import LSTM, RTRL, SGD, Squared
    >>> from stream_rnn.engine.model import compose
    >>> model = compose(LSTM(2), RTRL(), SGD(), Squared(), scale=False)
    >>> one, other = (OnlineNetwork(model, inputs=1, outputs=1, seed=seed) for seed in (1, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_safetensors(one, f"{folder}/lstm.safetensors")
    ...     load_safetensors(other, f"{folder}/lstm.safetensors")
    >>> bool((one.state.theta == other.state.theta).all())
    True
    """
    more: dict[str, Any] = {"features": features, "targets": targets, "scales": scales}
    load_state_dict(model, load_file(path), **more, prefix=prefix, head=head)


def _network(model: Any) -> OnlineNetwork | None:
    if isinstance(model, MixtureEstimator):
        names = ", ".join(model.network_names()) or "there is none"
        raise ConfigError(f"state_dict: a mixture; give model.network(name) of one of {names}")
    return model if isinstance(model, OnlineNetwork) else model._network


def _names(k: int) -> tuple[str, ...]:
    return tuple(f"{name}_l{k}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))


def _scaled_parts(network: OnlineNetwork) -> list[str]:
    scales = {"inputs": network.model.input_scale, "targets": network.model.target_scale}
    return [part for part, scale in scales.items() if standardises(scale)]


def _check_cells(network: OnlineNetwork) -> None:
    for cell in network.model.cells:
        if type(cell) not in pytorch_gates.GATES:
            raise ConfigError(
                f"cell: {cell} has no counterpart in PyTorch; LSTM, GRU and Elman have, and "
                "snapshot() saves any other"
            )


def _shapes(network: OnlineNetwork) -> dict[str, tuple[int, ...]]:
    """Names and shapes of what a file must hold."""
    shapes: dict[str, tuple[int, ...]] = {}
    m = network.inputs
    for k, cell in enumerate(network.model.cells):
        H, gates = cell.units, pytorch_gates.gates_of(cell)
        sizes = ((gates * H, m), (gates * H, H), (gates * H,), (gates * H,))
        shapes |= dict(zip(_names(k), sizes, strict=True))
        m = H
    R, O = network.parameters()[-1].shape
    return shapes | {"head.weight": (O, R - 1), "head.bias": (O,)}


def _check_arrays(network: OnlineNetwork, given: dict[str, np.ndarray]) -> None:
    shapes = _shapes(network)
    optional = {
        f"{part}.{name}": getattr(network.state, part)[0].shape
        for part in _scaled_parts(network)
        for name in STATISTICS
    }
    missing = sorted(shapes.keys() - given.keys())
    unknown = sorted(given.keys() - shapes.keys() - optional.keys())
    if missing or unknown:
        raise CheckpointError(
            f"state_dict: missing {missing}, unknown {unknown}; the model has "
            f"{network.model.cells} and wants {sorted(shapes)}"
        )
    for name, shape in (shapes | optional).items():
        if name in given and given[name].shape != shape:
            raise CheckpointError(
                f"{name}: shape {given[name].shape}, but {network.model.cells} with "
                f"{network.inputs} inputs and {network.outputs} outputs needs {shape}"
            )


def _given_scales(
    model: Any, network: OnlineNetwork, scales: Mapping[Any, tuple[float, float]], *names: Any
) -> dict[str, np.ndarray]:
    """The *scales* as statistics, of the parts that are standardised."""
    features, targets = names
    lags = getattr(model, "target_lags", 0)
    if features is None:
        columns = getattr(model, "_features", None)
        features = list(range(network.inputs)) if columns is None else list(columns.names)
    parts = _scaled_parts(network)
    named = list(targets or [])
    if "targets" in parts and not named:
        one = network.outputs == 1
        named = ["target"] if one else list(range(network.outputs))
    found = pytorch_names.statistics(scales, features, named if "targets" in parts else [], lags)
    return {name: array for name, array in found.items() if name.partition(".")[0] in parts}


def _check_scales(network: OnlineNetwork, given: dict[str, np.ndarray]) -> None:
    """Raise `ConfigError` where all that the network says would be taken for 0."""
    for part in _scaled_parts(network):
        if f"{part}.variance" not in given and not getattr(network.state, part).count.any():
            raise ConfigError(
                f"scales: the model standardises its {part}, and neither it nor the weights have "
                "means and deviations: it would predict 0.  Give those of the training, "
                "scales={'x': (mean, deviation), 'target': (mean, deviation)}, or make the "
                "model with scale=False if it was trained on numbers as they are"
            )


def _build(model: Any, given: dict[str, np.ndarray], features: Any, targets: Any) -> None:
    """Make the network of an estimator that has not learned anything."""
    if features is None:
        raise ConfigError(
            "features: the model has not learned yet; name the columns of weight_ih_l0 in "
            "order, e.g. features=['temperature', 'load']"
        )
    if "head.bias" not in given or "weight_ih_l0" not in given:
        raise CheckpointError("state_dict: weight_ih_l0 and head.bias are needed for the sizes")
    O, m = len(given["head.bias"]), given["weight_ih_l0"].shape[1]
    known = len(features) + model.target_lags * O
    if known != m:
        raise ConfigError(
            f"features: {len(features)} names and {model.target_lags} lags of {O} targets make "
            f"{known} inputs, but weight_ih_l0 has {m} columns"
        )
    model._features = model._no_columns(features)
    model._set_target_names(list(targets or []))
    model._build(len(features), m, O)


def _start_anew(network: OnlineNetwork) -> None:
    """Zero hidden states, traces and memory; the new parameters are those to roll back to."""
    for _, array in (*walk(network.state.layers), ("", network.state.gradient)):
        array[...] = 0
    network.state.saved[:] = network.state.theta
    network._reset_memory()
