"""Any cell and learner as the network of a text predictor."""

import numpy as np
import pytest
from helpers import plain

from stream_rnn import GRU, LSTM, RTRL, SGD, TBPTT, Adam, Clip, Elman, SnAp1, Softmax, specs
from stream_rnn.cli import text_actions as commands
from stream_rnn.codegen import bound
from stream_rnn.engine import loop as engine
from stream_rnn.engine.model import compose
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.errors import ConfigError
from stream_rnn.estimators.saving import save
from stream_rnn.estimators.text import TextPredictor
from stream_rnn.numerics.laid import Laid
from stream_rnn.text.presets import from_plain, to_plain

TEXT = "In the beginning was the word, and the word was with the stream.\n" * 6
STEP = (Clip(1.0), Adam(0.01))


def make(**settings):
    arguments = {
        "preset": "network", "cell": GRU(6), "learner": TBPTT(8, 4), "optimizer": STEP, "seed": 3,
    }  # fmt: skip
    return TextPredictor(**(arguments | settings))


def test_it_is_the_engine_on_one_hot_symbols(monkeypatch):
    """Against the package's own network, interpreted and fed with one-hot rows."""
    text, model = b"abcabdabcabd" * 30, make(max_symbols=5)
    costs = model.learn_text(text[:1], per_symbol=True).tolist()
    costs += model.learn_text(text[1:], per_symbol=True).tolist()
    monkeypatch.setattr(Laid, "bound", lambda laid: bound.Parts(laid.model, *laid.arrays))
    monkeypatch.setattr(engine, "prequential", plain(engine.prequential))
    composed = compose(GRU(6), TBPTT(8, 4), STEP, Softmax(), scale=False)
    network, V = OnlineNetwork(composed, 6, 6, seed=3), 6
    number, belief, expected, last = {}, 0.999, [], 0
    for byte in text:
        symbol = number.get(byte, 0)
        x, y = np.zeros((1, V)), np.zeros((1, V))
        x[0, last], y[0, symbol] = 1, 1
        p = network.prequential(x, y)[0]
        known = len(number)
        q = p[symbol] / p[: known + 1].sum() / (1 if symbol else 256 - known)
        u = 1 / (known + 1) / (1 if symbol else 256 - known)
        expected.append(-np.log2(belief * q + (1 - belief) * u))
        belief = belief * q / (belief * q + (1 - belief) * u)
        belief = 1e-5 + (1 - 2e-5) * belief
        if not symbol:
            symbol = number[byte] = known + 1
            V_row = network.parameters()[-1]
            V_row[:, symbol] = V_row[:, 0]
        last = symbol
    np.testing.assert_allclose(costs, expected, rtol=2e-4, atol=1e-4)
    assert np.mean(costs[-40:]) < np.mean(costs[:40])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"unit": "char", "max_symbols": 12},
        pytest.param(
            {"preset": "default", "cell": (Elman(5), Elman(4)), "learner": SnAp1()},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"learner": RTRL(), "cell": LSTM(3), "max_symbols": 40}, marks=pytest.mark.slow
        ),
    ],
)
def test_one_at_a_time_in_chunks_and_after_a_restore_are_the_same(settings):
    whole, pieces = make(**settings), make(**settings)
    expected = whole.learn_text(TEXT, per_symbol=True)
    got, at = [], 0
    for n in (1, 30, 7, 200, len(TEXT)):
        got.append(pieces.learn_text(TEXT[at : at + n], per_symbol=True))
        at += n
        other = make(**settings)
        other.restore(pieces.snapshot())
        other.generate(5, prompt="the")  # looking ahead changes nothing
        pieces = other
    np.testing.assert_array_equal(np.concatenate(got), expected)
    assert sum(whole.predict_proba_one().values()) == pytest.approx(1, abs=1e-5)
    assert whole.health()["parameter_norm"] > 0


@pytest.mark.slow
def test_a_network_that_explodes_is_restored():
    model = make(optimizer=SGD(1e30))
    costs = model.learn_text(TEXT, per_symbol=True)
    assert np.isfinite(costs).all()
    assert model._model.hosts["network"].online.counts["nonfinite_rollbacks"] > 0
    pieces = make(optimizer=SGD(1e30))
    parts = [pieces.learn_text(TEXT[i : i + 9], per_symbol=True) for i in range(0, len(TEXT), 9)]
    np.testing.assert_array_equal(np.concatenate(parts), costs)


def test_configuration_and_checkpoint(tmp_path):
    table = {
        "type": "text", "preset": "network", "cell": {"type": "GRU", "units": 6}, "seed": 3,
        "learner": {"type": "TBPTT", "window": 8, "every": 4},
        "optimizer": [{"type": "Clip"}, {"type": "Adam", "lr": 0.01}],
    }  # fmt: skip
    model, twin = specs.estimator(table), make()
    assert model.learn_text(TEXT) == twin.learn_text(TEXT)
    preset = model._model.preset
    assert from_plain(to_plain(preset)) == preset
    save(model, str(tmp_path / "gru"))
    again = commands.load_predictor(str(tmp_path / "gru"))
    assert again.learn_text(TEXT) == twin.learn_text(TEXT)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": None}, "cell"),
        ({"preset": "fast"}, "no network"),
        ({"unit": "word"}, "cell"),
        ({"units": 5, "preset": "fast"}, "units"),
        ({"cell": GRU(0)}, "units"),
    ],
)
def test_settings_that_do_not_go_together(settings, message):
    with pytest.raises(ConfigError, match=message):
        make(**settings)
