"""µs a record and share of the limit: learners × units, one core, in one run.

    python tests/benchmarks/learners.py [--units 8 16 32 64 128] [--cell LSTM] [--inputs 10]

A record is predict and learn, float32, SGD.  `gradient` is its part without scaling and
optimizer: the forward pass, the learner's trace and the gradient.  `limit` is what the
machine could do at best, measured in the same run: RTRL, the matrix product M·S at the rate
of BLAS, which its own pass can beat; BlockRTRL, reading S once per record at the rate of a
matrix–vector product, plus the products of the block's end at the rate of BLAS; the others,
the forward pass (predict).  CPU time, the best of several runs.
"""

import argparse
import platform
import time
from pathlib import Path

import numpy as np

from stream_rnn import RFLO, RTRL, SGD, TBPTT, UORO, BlockRTRL, SnAp1, Softmax, Squared
from stream_rnn.cells import CELLS
from stream_rnn.cells.base import recurrent_rows, sizes
from stream_rnn.codegen.blas import matmul_tn, matvec
from stream_rnn.codegen.dispatch import compiled
from stream_rnn.engine.model import compose
from stream_rnn.engine.network import advance, backward, forward
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.learners.block_rtrl import block_length

LEARNERS = (RTRL(), BlockRTRL(), SnAp1(), RFLO(), UORO(), TBPTT(10))
CACHE = 65_536  # numbers of a block of the product: the fastest for BLAS
SECONDS = 0.3  # of CPU time for one measurement, at least


@compiled
def products(M, S, R):
    """The product of RTRL alone, in blocks that stay in the cache."""
    for n in range(S.shape[0]):
        matmul_tn(M, S[n], R, 0.0)


@compiled
def gradients(bound, times):
    """The forward pass, the learner's trace and the gradient, with frozen weights."""
    model, state, work = bound.model, bound.state, bound.work
    for _ in range(times):
        forward(model, state, work)
        advance(model.cells, model.learner, state.layers, work.layers, state.theta, 0, ())
        backward(model, state, work, work.e, state.gradient)


@compiled
def reading(S, mu, y):
    matvec(S, mu, y, 0.0)


def cost(call, rows: int = 1) -> float:
    """µs of CPU time a row, the best of five."""
    call()
    start = time.process_time()
    call()
    repeats = max(1, int(SECONDS / 5 / max(time.process_time() - start, 1e-6)))
    best = np.inf
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeats):
            call()
        best = min(best, time.process_time() - start)
    return best / repeats / rows * 1e6


def product_cost(K, G, H, Z) -> float:
    """µs of RTRL's (K·H × H)(H × P)."""
    P = Z * G * H
    rows = max(1, min(Z, CACHE // (K * H * G * H)))  # of W in a block
    N, columns = -(-Z // rows), rows * G * H
    rng = np.random.default_rng(0)
    M = rng.standard_normal((H, K * H)).astype(np.float32)
    S = rng.standard_normal((N, H, columns)).astype(np.float32)
    R = np.empty((K * H, columns), np.float32)
    return cost(lambda: products(M, S, R)) * P / (N * columns)


def block_cost(K, G, H, Z, rate) -> float:
    """µs of reading S, and of the block's three products at *rate* flops a µs."""
    E, P, T = K * H, Z * G * H, block_length(H)
    rng = np.random.default_rng(0)
    S, y = rng.standard_normal((P, E)).astype(np.float32), np.empty(P, np.float32)
    mu = rng.standard_normal(E).astype(np.float32)
    flops = 2 * E * P + 2 * E * E * P / T + 2 * E * G * H * H
    return cost(lambda: reading(S, mu, y)) + flops / rate


def network(cell, learner, inputs):
    return OnlineNetwork(compose(cell, learner, SGD(1e-4), Squared()), inputs, 1)


def record_cost(net, rows) -> tuple[float, float, float]:
    """µs of (predict and learn, the gradient alone, predict) a record."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, net.inputs))
    Y = rng.standard_normal((rows, net.outputs))
    record = cost(lambda: net.prequential(X, Y), rows)
    gradient = cost(lambda: gradients(net._bound, rows), rows)
    return record, gradient, cost(lambda: net.predict(X), rows)


def rows_for(learner, H) -> int:
    if isinstance(learner, RTRL):
        return max(4, 200_000 // H**2)
    if isinstance(learner, BlockRTRL):
        return max(2 * block_length(H), 200_000 // H**2)
    return 1000


def machine() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.open() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {len(names)} cores, {platform.system()}"


def language_model(units: int) -> None:
    """One-hot 65 in and out, TBPTT(20, every=20), Adam."""
    from stream_rnn import LSTM, Adam

    model = compose(LSTM(units), TBPTT(20, 20), Adam(1e-3), Softmax(), scale=False)
    net, T = OnlineNetwork(model, 65, 65), 2000
    symbols = np.random.default_rng(0).integers(0, 65, T + 1)
    X, Y = np.eye(65)[symbols[:-1]], np.eye(65)[symbols[1:]]
    each = cost(lambda: net.prequential(X, Y), T)
    Z = units + 1 + 65
    flops = 2 * 4 * units * (Z + units + Z) + 2 * 2 * 66 * units  # forward, back, gradient
    rng = np.random.default_rng(0)
    W, z = rng.standard_normal((Z, 4 * units)).astype(np.float32), np.ones(4 * units, np.float32)
    limit = cost(lambda: reading(W, z, np.empty(Z, np.float32))) * flops / (2 * W.size)
    print(
        f"| LSTM({units}), 65 symbols, TBPTT(20, every=20) | {each:.1f} | {1e6 / each:,.0f} "
        f"symbols/s | {limit / each:.0%} of one matrix–vector product per use of W |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, nargs="+", default=[8, 16, 32, 64, 128])
    parser.add_argument("--cell", choices=list(CELLS), default="LSTM")
    parser.add_argument("--inputs", type=int, default=10)
    options = parser.parse_args()
    print(f"{machine()}; {options.cell}, {options.inputs} inputs, float32, one thread\n")
    print(
        "| units | learner | µs a record | gradient | limit | limit / record | gradient / forward "
        "| × faster than RTRL |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for H in options.units:
        cell = CELLS[options.cell](H)
        (K, G), Z = sizes(cell), recurrent_rows(cell) + 1 + options.inputs
        product = product_cost(K, G, H, Z)
        rate, rtrl = 2 * K * H * Z * G * H * H / product, None
        for learner in LEARNERS:
            net = network(cell, learner, options.inputs)
            record, gradient, predict = record_cost(net, rows_for(learner, H))
            limit = predict
            if isinstance(learner, RTRL):
                rtrl, limit = record, product
            elif isinstance(learner, BlockRTRL):
                limit = block_cost(K, G, H, Z, rate)
            print(
                f"| {H} | {type(learner).__name__} | {record:.1f} | {gradient:.1f} | "
                f"{limit:.1f} | {limit / record:.0%} | {gradient / predict:.1f} | "
                f"{rtrl / record:.1f} |",
                flush=True,
            )
    print("\n| network | µs a symbol | rate | share of limit |\n|---|---|---|---|")
    for units in (90, 200):
        language_model(units)


if __name__ == "__main__":
    main()
