"""Two tasks that rank gradient algorithms, beside the published figures.

    python tests/benchmarks/tasks.py [--seeds 1] [--characters 1000000]
                                     [--only add|anbn|agreement] [--learners RTRL UORO ...]

Add task (Marschall, Cho & Savin 2020): x ~ Bernoulli(½), y = ½ + ½ x(t−t₁) − ¼ x(t−t₂);
inputs [x, 1−x], soft targets [y, 1−y], cross-entropy in nats of the last tenth of the run.
Floors: nothing learned 0.6616, t₁ only 0.5192, both 0.4545.  Elman, 32 tanh units, SGD.

aⁿbⁿ (Tallec & Ollivier 2018): n ~ U[1, 32], aⁿ newline bⁿ newline, next symbol in bits per
character, last tenth of the run; floor 5/35.  GRU, 64 units, Adam with the published
rate 10⁻³/(1 + 0.015 √t); the published figures are after 10⁷ characters.

Agreement: how near the estimates are to the exact gradient on aⁿbⁿ, at a GRU(64) that TBPTT(16)
has taught: their cosine with it and the ratio of the norms, means over records.
"""

import argparse
import time

import numpy as np

from stream_rnn import GRU, RFLO, RTRL, SGD, TBPTT, UORO, Adam, BlockRTRL, Elman, SnAp1, Softmax
from stream_rnn.engine.model import compose
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.learners import LEARNERS
from stream_rnn.tools.compare_gradients import compare_gradients

ADD = {  # (t₁, t₂): rate, steps, published figures by learner
    (3, 5): (0.03, 60_000, {"RTRL": 0.4557, "RFLO": 0.4600}),
    (6, 10): (0.01, 150_000, {"RTRL": 0.4571, "TBPTT": 0.4582, "RFLO": 0.560, "UORO": 0.673}),
}
ADD_LEARNERS = (RTRL(), BlockRTRL(), TBPTT(10), SnAp1(), RFLO(), UORO())
ANBN = {  # learner: published figure
    TBPTT(1): 0.178,
    TBPTT(2): 0.149,
    TBPTT(16): 0.144,
    UORO(): 0.147,
    SnAp1(): None,
    RFLO(): None,
    BlockRTRL(): None,
}
SEGMENT = 10_000  # records between two changes of Adam's rate


def add_stream(t1: int, t2: int, steps: int, seed: int):
    x = np.random.default_rng(seed).integers(0, 2, steps + t2).astype(float)
    y = 0.5 + 0.5 * x[t2 - t1 : len(x) - t1] - 0.25 * x[:steps]
    x = x[t2:]
    return np.stack([x, 1 - x], axis=1), np.stack([y, 1 - y], axis=1)


def anbn_stream(characters: int, seed: int):
    """One-hot symbols (a, b, newline), and the next of each."""
    rng, symbols = np.random.default_rng(seed), []
    while len(symbols) <= characters:
        n = int(rng.integers(1, 33))
        symbols += [0] * n + [2] + [1] * n + [2]
    one_hot = np.eye(3)[symbols[: characters + 1]]
    return one_hot[:-1], one_hot[1:]


def run(cell, learner, optimizers, X, Y, seed: int, unit: float):
    """(mean cross-entropy of the last tenth, µs of CPU time a step).

    *optimizers* take equal shares of the run, one after another, with their rates.
    """
    network, elapsed, P = None, 0.0, []
    for optimizer, rows in zip(optimizers, np.array_split(np.arange(len(X)), len(optimizers))):
        model = compose(cell, learner, optimizer, Softmax(), scale=False)
        following = OnlineNetwork(model, X.shape[1], Y.shape[1], seed=seed)
        if network is None:
            following.prequential(X[:1], Y[:1])  # compiles
        else:
            following.load(network.arrays())
        network, start = following, time.process_time()
        P.append(network.prequential(X[rows], Y[rows]))
        elapsed += time.process_time() - start
    tail = slice(-len(X) // 10, None)
    P = np.concatenate(P)[tail]
    loss = -(Y[tail] * np.log(np.maximum(P, 1e-30))).sum(axis=1).mean()
    return loss / unit, elapsed / len(X) * 1e6


def agreement() -> None:
    """Print the cosines and norms of the estimates at a trained network."""
    X, Y = anbn_stream(302_000, 0)
    model = compose(GRU(64), TBPTT(16), Adam(1e-3), Softmax(), scale=False)
    taught = OnlineNetwork(model, 3, 3, seed=0)
    taught.prequential(X[:-2000], Y[:-2000])
    learners = [RTRL(), TBPTT(2), TBPTT(16), SnAp1(), RFLO(), UORO(seed=1), UORO(seed=2)]
    print("\n| estimate | cosine | norm / that of the gradient |\n|---|---|---|")
    for found in compare_gradients([taught], learners, X[-2000:], Y[-2000:], rate=0.0):
        print(f"| {found.learner} | {found.cosine:.3f} | {found.norm_ratio:.2f} |", flush=True)


def report(task, learner, losses, times, published):
    figure = "–" if published is None else f"{published:.4f}"
    mean = f"{np.mean(losses):.4f}"
    spread = f"{min(losses):.4f}–{max(losses):.4f}" if len(losses) > 1 else "–"
    row = f"| {task} | {learner} | {mean} | {spread} | {figure} | {np.mean(times):.1f} |"
    print(row, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("add", "anbn", "agreement"))
    parser.add_argument("--learners", nargs="+", choices=list(LEARNERS), default=list(LEARNERS))
    options = parser.parse_args()
    if options.only == "agreement":
        agreement()
        return
    print("| task | learner | here | seeds | published | µs a step |")
    print("|---|---|---|---|---|---|")
    for lags, (rate, steps, published) in ADD.items() if options.only != "anbn" else ():
        for learner in ADD_LEARNERS:
            if type(learner).__name__ not in options.learners:
                continue
            results = [
                run(Elman(32), learner, [SGD(rate)], *add_stream(*lags, steps, seed), seed, 1.0)
                for seed in range(options.seeds)
            ]
            known = published.get(type(learner).__name__)
            report(f"Add {lags}, nats", learner, *zip(*results, strict=True), known)
    starts = np.arange(0, options.characters, SEGMENT)
    decaying = [Adam(1e-3 / (1 + 0.015 * np.sqrt(t))) for t in starts]
    for learner, published in ANBN.items() if options.only != "add" else ():
        if type(learner).__name__ not in options.learners:
            continue
        results = [
            run(GRU(64), learner, decaying, *anbn_stream(options.characters, seed), seed, np.log(2))
            for seed in range(options.seeds)
        ]
        report("aⁿbⁿ, bits", learner, *zip(*results, strict=True), published)
    if options.only is None:
        agreement()


if __name__ == "__main__":
    main()
