"""Text: bits per symbol and speed beside other programs, in one table.

    python tests/benchmarks/text.py                 # everything
    python tests/benchmarks/text.py bytes words     # parts: bytes peers single words anbn codec
    python tests/benchmarks/text.py bytes --only default fast

Reads ``tinyshakespeare.txt`` from the folder in STREAM_RNN_DATA (default: ``shared/data``
beside the repository).  Rates are CPU time of one core; compilation is not part of them.
Peers need ``pip install -r tests/benchmarks/peers/requirements-text.txt`` and zpaq; what is
not installed is said to be so.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from naive_text import witten_bell_trigram_bits

from stream_rnn.estimators.text import TextPredictor
from stream_rnn.text.codec import container as codec
from stream_rnn.text.network.coupled_lstm import NetworkSpec
from stream_rnn.text.presets import Preset
from stream_rnn.text.words.split import Words

SEEDS = (1, 2)
# What is measured, with the goals: most bits per character, least kB/s.
BYTES: list[tuple[str, dict[str, Any], float, float]] = [
    ("network 1×90", {"preset": "network"}, 2.32, 150),
    ("network 1×200", {"preset": "network", "units": 200}, 2.20, 50),
    ("contexts", {"preset": "contexts"}, 2.0, 0),
    ("default", {}, 1.92, 60),
    ("fast", {"preset": "fast"}, 1.94, 200),
    ("best", {"preset": "best"}, 1.86, 15),
]
# A small network with a long memory; its steps fall quickly, for the task never changes.
ANBN = Preset(
    NetworkSpec(units=32, block=160, rate=0.005, decay=3e-3, output_decay=1e-4), mixture=None
)


def data_folder() -> Path:
    """The folder with the text; exits with a message if it is not there."""
    folder = os.environ.get("STREAM_RNN_DATA", Path(__file__).parents[3] / "shared" / "data")
    if not (Path(folder) / "tinyshakespeare.txt").exists():
        sys.exit(f"{folder} has no tinyshakespeare.txt: set STREAM_RNN_DATA to its folder")
    return Path(folder)


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """The result and the CPU seconds."""
    start = time.process_time()
    return function(), time.process_time() - start


def row(name: str, *cells: Any) -> None:
    print(f"{name:28s}" + "".join(f"{cell!s:>14}" for cell in cells), flush=True)


def goal(value: float, bound: float, least: bool) -> str:
    if not bound:
        return ""
    met = value >= bound if least else value <= bound
    return f"{'>=' if least else '<='} {bound:g} {'yes' if met else 'NO'}"


def bench_bytes(text: bytes) -> None:
    """Bits per character over the whole text in one pass, through `learn_text`."""
    row("learn_text", "seed", "bits/char", "goal", "kB/s", "goal")
    for name, settings, most, least in BYTES:
        TextPredictor(seed=0, **settings).learn_text(text[:300])  # compile
        for seed in SEEDS:
            model = TextPredictor(seed=seed, **settings)
            bits, seconds = timed(lambda model=model: model.learn_text(text))
            per_char, rate = bits / len(text), len(text) / seconds / 1e3
            row(
                name, seed, f"{per_char:.4f}", goal(per_char, most, False), f"{rate:.1f}",
                goal(rate, least, True),
            )  # fmt: skip


def bench_peers(text: bytes) -> None:
    """Sizes of the same file by general compressors."""
    row("peers", "", "bits/char", "", "kB/s")
    try:
        import pyppmd
    except ImportError:
        row("PPMd", "", "not installed")
    else:
        best = min(
            (timed(lambda o=o: len(pyppmd.compress(text, max_order=o, mem_size=1 << 28))), o)
            for o in (4, 5, 6, 8)
        )
        (size, seconds), order = best
        row(f"PPMd order {order}", "", f"{8 * size / len(text):.4f}", "",
            f"{len(text) / seconds / 1e3:.0f}")  # fmt: skip
    zpaq = shutil.which("zpaq")
    if zpaq is None:
        row("zpaq -m5", "", "not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "text", Path(folder) / "text.zpaq"
        source.write_bytes(text)
        before = os.times()
        command = [zpaq, "add", str(target), str(source), "-m5", "-t1"]
        subprocess.run(command, check=True, capture_output=True)
        after = os.times()
        seconds = after.children_user + after.children_system
        seconds -= before.children_user + before.children_system
        row("zpaq -m5", "", f"{8 * target.stat().st_size / len(text):.4f}", "",
            f"{len(text) / seconds / 1e3:.0f}")  # fmt: skip


def bench_single(text: bytes) -> None:
    """`learn_one`, and `predict_proba_one` before it, symbol by symbol."""
    part = text[:50_000]
    row("symbol by symbol", "", "", "", "learn kB/s", "+proba kB/s")
    for name, settings, _, _ in BYTES:
        model = TextPredictor(seed=1, **settings)
        model.learn_text(part[:300])
        model.predict_proba_one()

        def learn(model: Any = model) -> None:
            for symbol in part:
                model.learn_one(symbol)

        def predict(model: Any = model) -> None:
            for symbol in part[:5000]:
                model.predict_proba_one()
                model.learn_one(symbol)

        (_, alone), (_, both) = timed(learn), timed(predict)
        row(name, "", "", "", f"{len(part) / alone / 1e3:.1f}", f"{5 / both:.1f}")


def bench_words(text: str) -> None:
    """Perplexity per word; a word not seen before costs its announcement only."""
    words = Words.split(text)
    row(f"words ({len(words)})", "seed", "perplexity", "", "words/s")
    bits, seconds = timed(lambda: witten_bell_trigram_bits(words))
    row("Witten-Bell trigram", "", f"{2 ** (bits / len(words)):.2f}", "", "(plain Python)")
    for name, settings in (
        ("contexts", {"preset": "contexts"}),
        ("network 1×64", {"preset": "network", "units": 64}),
        ("default, 1×64", {"units": 64}),
    ):
        TextPredictor(unit="word", **settings).learn_text(text[:1000])
        for seed in SEEDS if "units" in settings else SEEDS[:1]:
            model = TextPredictor(unit="word", seed=seed, **settings)
            bits, seconds = timed(lambda model=model: model.learn_text(text))
            row(name, seed, f"{2 ** (bits / len(words)):.2f}", "", f"{len(words) / seconds:.0f}")


def anbn_text(length: int, seed: int) -> bytes:
    """aⁿ newline bⁿ newline, n uniform in 1..32; the floor is 5/35 bits per character."""
    rng, parts, size = np.random.default_rng(seed), [], 0
    while size < length:
        n = int(rng.integers(1, 33))
        parts.append("a" * n + "\n" + "b" * n + "\n")
        size += 2 * n + 2
    return "".join(parts).encode()[:length]


def bench_anbn() -> None:
    """A million symbols; bits per character over the last hundred thousand."""
    row("aⁿbⁿ, network 1×32", "seed", "bits/char", "goal")
    for seed in SEEDS:
        model = TextPredictor(preset=ANBN, seed=seed)
        costs = model.learn_text(anbn_text(1_000_000, seed), per_symbol=True)
        last = float(costs[-100_000:].mean())
        row("last 100 000 of 1 000 000", seed, f"{last:.4f}", goal(last, 0.150, False))


def bench_codec(text: bytes) -> None:
    """Round trips; the size against the predicted bits."""
    header = len(codec.MAGIC) + codec.HEADER.size
    rng = np.random.default_rng(1)
    samples = {
        "text": text, "binary": Path(sys.executable).resolve().read_bytes()[:1_000_000],
        "empty": b"", "1 byte": b"x", "all 256 bytes": bytes(range(256)),
        "1 MB random": rng.bytes(1_000_000),
    }  # fmt: skip
    row("codec, default", "bytes", "compressed", "of predicted", "expansion", "same")
    for name, data in samples.items():
        code, bits = codec.compress(data)
        same = codec.decompress(code) == data
        share = f"{(len(code) - header) * 8 / bits:.5f}" if bits else ""
        expansion = f"{100 * (len(code) / len(data) - 1):+.2f} %" if data else ""
        row(name, len(data), len(code), share, expansion, same)


PARTS = ("bytes", "peers", "single", "words", "anbn", "codec")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("parts", nargs="*", help=" ".join(PARTS), default=PARTS)
    parser.add_argument("--only", nargs="+", help="e.g. 1×90 default best")
    arguments = parser.parse_args()
    odd = [part for part in arguments.parts if part not in PARTS]
    if odd:
        parser.error(f"{odd[0]}: no such part; choose from {', '.join(PARTS)}")
    if arguments.only:
        BYTES[:] = [
            entry for entry in BYTES if {entry[0], entry[0].split()[-1]} & set(arguments.only)
        ]
    text = (data_folder() / "tinyshakespeare.txt").read_bytes()
    benches: dict[str, Callable[[], None]] = {
        "bytes": lambda: bench_bytes(text),
        "peers": lambda: bench_peers(text),
        "single": lambda: bench_single(text),
        "words": lambda: bench_words(text.decode()),
        "anbn": bench_anbn,
        "codec": lambda: bench_codec(text),
    }
    for part in arguments.parts:
        benches[part]()
        print()


if __name__ == "__main__":
    main()
