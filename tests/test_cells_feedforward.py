"""FeedForward as the time-delay network and as NARX: its memory is what it is fed."""

import numpy as np

from stream_rnn import RTRL, FeedForward, Kalman, RecurrentRegressor, dumps


def quarter(errors):
    return float(np.square(errors[-len(errors) // 4 :]).mean())


def test_time_delay_network_needs_the_lagged_inputs():
    """y is a product of two past inputs: nothing without them, nearly all with them."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 3003)
    y = x[1:-2] * x[:-3]
    delayed = np.stack([x[3:], x[2:-1], x[1:-2], x[:-3]], axis=1)
    errors = []
    for X in (delayed[:, :1], delayed):
        model = RecurrentRegressor(FeedForward(12), RTRL(), Kalman(1.0, 1e-5), seed=1)
        errors.append(quarter(model.prequential(X, y) - y))
    assert errors[0] > 0.9 * y.var()
    assert errors[1] < 0.1 * y.var()


def test_narx_takes_past_targets_and_exogenous_inputs():
    """Narendra & Parthasarathy's (1990) first plant: y depends on two past y and on u."""
    rng = np.random.default_rng(0)
    u, y = rng.uniform(-1, 1, 3000), np.zeros(3000)
    for t in range(2, 3000):
        y[t] = 0.3 * y[t - 1] + 0.6 * y[t - 2] + 0.6 * np.sin(np.pi * u[t]) * np.cos(y[t - 1])
    errors = []
    for lags in (0, 2):
        model = RecurrentRegressor(
            FeedForward(12), RTRL(), Kalman(1.0, 1e-5), target_lags=lags, seed=1
        )
        errors.append(quarter(model.prequential(u[:, None], y) - y))
    assert errors[0] > 0.3 * y.var()
    assert errors[1] < 0.1 * y.var()
    before, fresh = dumps(model), rng.uniform(-1, 1, 200)
    made, true = model.simulate([{0: u} for u in fresh]), list(y[-2:])
    for v in fresh:
        true.append(0.3 * true[-1] + 0.6 * true[-2] + 0.6 * np.sin(np.pi * v) * np.cos(true[-1]))
    assert made[0] == model.predict_one({0: fresh[0]})
    assert np.square(np.subtract(made, true[2:])).mean() < 0.1 * y.var()
    assert dumps(model) == before
