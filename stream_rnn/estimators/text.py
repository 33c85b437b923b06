"""Prediction of text, one symbol at a time, in river's terms."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from river import base

from ..errors import BadRecord, CheckpointError, ConfigError, faults
from ..text.presets import Preset, named, to_plain, with_engine
from ..text.sampling import continuations, sample
from ..text.surprise import Surprise
from ..text.symbols import UNKNOWN, unit_named
from ..text.units import create_model
from ..text.vocabulary import EVICTED, SEEN, UNKNOWN_COUNT
from .protocol import Snapshot
from .saving import Savable


class TextPredictor(Savable, base.Estimator):
    """Predicts the next symbol of a text stream and learns from every symbol.

    A recurrent network, contexts of several lengths and kinds, and online mixing of them
    all; see `stream_rnn.text` for the parts.  The vocabulary grows as symbols appear and
    is bounded; ``"<unk>"`` has the probability of a symbol that was not seen yet.

    Parameters
    ----------
    unit
        What a symbol is: ``"byte"``, ``"char"`` or ``"word"``.
    preset
        ``"default"`` (contexts and network), ``"network"`` (alone), ``"contexts"``
        (without network), ``"fast"`` or ``"best"`` (bytes only), or a `Preset`.
    units
        Units of the network, if not the preset's.
    cell, learner, optimizer
        Another network in the place of the preset's: any cell, e.g. ``GRU(64)``, with any
        learner (default ``TBPTT(24, 12)``) and optimizer.  It is slower than the preset's,
        an LSTM with truncated backpropagation in a kernel of its own.
    max_symbols
        Bound of the vocabulary; the least used eighth goes when it is reached.
    seed
        Of the initial weights and of `generate`.
    top
        How many next symbols `stream` reports.
    surprise_threshold
        `stream` flags lines whose bits per symbol are this many standard deviations
        above what has been usual.
    max_line
        `stream` refuses longer texts.

    Examples
    --------
    >>> from stream_rnn.estimators.text import TextPredictor
    >>> model = TextPredictor(seed=1, units=16)
    >>> first = model.learn_text("to be or not to be, " * 20)
    >>> again = model.learn_text("to be or not to be, ")
    >>> again < 0.1 * first and again < 20
    True
    >>> for symbol in b"to b":
    ...     model.learn_one(symbol)
    >>> model.predict_one() == ord("e")
    True
    >>> round(sum(model.predict_proba_one().values()), 6)
    1.0
    """

    verbatim = True  # see `protocol.Verbatim`

    def __init__(
        self,
        unit: str = "byte",
        preset: str | Preset = "default",
        units: int | None = None,
        max_symbols: int | None = None,
        seed: int = 0,
        top: int = 5,
        surprise_threshold: float = 4.0,
        max_line: int = 1_000_000,
        cell: Any = None,
        learner: Any = None,
        optimizer: Any = None,
    ):
        self.unit = unit
        self.preset = preset
        self.units = units
        self.max_symbols = max_symbols
        self.seed = seed
        self.top = top
        self.surprise_threshold = surprise_threshold
        self.max_line = max_line
        self.cell = cell
        self.learner = learner
        self.optimizer = optimizer
        self._unit = unit_named(unit, max_symbols)
        members = with_engine(named(preset, units), cell, learner, optimizer)
        self._model = create_model(members, self._unit, seed)
        self._surprise = Surprise(surprise_threshold)
        self._bits = 0.0
        self._symbols = 0
        self._draws = 0

    # One symbol ---------------------------------------------------------------------------

    def learn_one(self, symbol: Any) -> None:
        """Learn the next symbol: an int (or one-character string) for bytes, else a str."""
        code = self._unit.code(symbol)
        self._learn([symbol] if self.unit == "word" else [code])

    def predict_proba_one(self) -> dict[Any, float]:
        """Probability of every known symbol and of ``"<unk>"`` to be next; the sum is 1."""
        p = self._model.distribution().tolist()
        symbols = [self._unit.symbol(code) for code in self._model.known.tolist()]
        return {UNKNOWN: p[0], **dict(zip(symbols, p[1:], strict=True))}

    def predict_one(self) -> Any:
        """The most probable next symbol; None before anything was learned."""
        best = self.top_k(1)
        return best[0][0] if best else None

    def top_k(self, k: int = 5) -> list[tuple[Any, float]]:
        """The k most probable next symbols with their probabilities, without ``"<unk>"``."""
        p = self._model.distribution()[1:]
        best = np.argsort(-p, kind="stable")[:k]
        known = self._model.known
        return [(self._unit.symbol(int(known[i])), float(p[i])) for i in best]

    # Text ---------------------------------------------------------------------------------

    def learn_text(self, text: str | bytes, per_symbol: bool = False) -> Any:
        """Learn a text in one compiled loop; its total cost in bits, or that of each symbol.

        The cost of a symbol is -log2 of the probability it had before it was learned.
        """
        costs = self._learn(self._unit.split(text))
        return costs if per_symbol else float(costs.sum())

    def generate(
        self,
        length: int = 200,
        prompt: str | bytes = "",
        temperature: float = 1.0,
        seed: int | None = None,
    ) -> str:
        """Draw a continuation of `prompt`, symbol by symbol; nothing is learned.

        A temperature below 1 prefers probable symbols, 0 takes the most probable.  Draws
        differ from call to call, and repeat with the predictor's seed or with `seed`.
        """
        if temperature < 0:
            raise ConfigError(f"temperature: {temperature}; must be 0 or more")
        if seed is None:
            seed, self._draws = self.seed + self._draws, self._draws + 1
        rng = np.random.default_rng(seed)
        drawn = sample(self._model, self._codes(prompt), length, temperature, rng)
        return self._unit.text(drawn)

    def complete(
        self, prompt: str | bytes, k: int = 5, length: int = 40, stop: str = "\n"
    ) -> list[tuple[str, float]]:
        """The k best continuations up to `stop`, with the bits each costs; nothing is learned."""
        ends = set(self._codes(stop).tolist())
        found = continuations(self._model, self._codes(prompt), k, length, ends)
        return [(self._unit.text(path), bits) for path, bits in found]

    @property
    def vocabulary_size(self) -> int:
        """Symbols known."""
        return int(self._model.state.vocabulary.size[SEEN]) - 1

    @property
    def bits_per_symbol(self) -> float:
        """Mean cost of all symbols learned so far; NaN before the first."""
        return self._bits / self._symbols if self._symbols else math.nan

    # Streams ------------------------------------------------------------------------------

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Learn the lines ``x["text"]``; of each: bits, bits per symbol, surprise, top next.

        A line ends with a newline that is predicted and learned too; `surprise` is the
        deviation from usual lines in standard deviations, `flag` whether it is above the
        threshold.  `top` follows the line's newline.
        """
        lines = [self._line(x, i) for i, x in enumerate(xs)]
        return [self._learn_line(line) for line in lines]

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        return faults(lambda t: self._line(xs[t], t), len(xs))

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        arrays = self._model.arrays()
        arrays["surprise"] = self._surprise.state.copy()
        arrays["bits"] = np.array([self._bits])
        meta = {
            "kind": "text",
            "unit": self.unit,
            "preset": to_plain(self._model.preset),
            "max_symbols": self._model.most,
            "seed": self.seed,
            "symbols": self._symbols,
            "draws": self._draws,
        }
        return Snapshot(arrays, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        mine = self.snapshot().meta
        for name in ("kind", "unit", "preset", "max_symbols", "seed"):
            if snapshot.meta.get(name) != mine[name]:
                raise CheckpointError(
                    f"the checkpoint has {name} {snapshot.meta.get(name)!r}, this predictor "
                    f"{mine[name]!r}: use the same settings, or an empty checkpoint directory"
                )
        arrays = dict(snapshot.arrays)
        try:
            surprise, bits = arrays.pop("surprise"), arrays.pop("bits")
            symbols, draws = int(snapshot.meta["symbols"]), int(snapshot.meta["draws"])
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}") from None
        self._model.load(arrays)
        self._surprise.state[:] = surprise
        self._bits, self._symbols, self._draws = float(bits[0]), symbols, draws

    def health(self) -> dict[str, float]:
        """Gauges and counters by metric name; norms are those of the network, if there is one."""
        size = self._model.state.vocabulary.size
        return {
            "loss_sum": self._bits,
            "loss_observations": float(self._symbols),
            "symbols": float(self._symbols),
            "bits_per_symbol": self.bits_per_symbol,
            "bits_per_symbol_rolling": self._surprise.usual,
            "vocabulary_size": float(size[SEEN] - 1),
            "vocabulary_overflows": float(size[EVICTED]),
            "unknown_rate": float(size[UNKNOWN_COUNT]) / max(1, self._symbols),
            "surprising_lines": self._surprise.flagged,
            **self._norms(),
        }

    def _norms(self) -> dict[str, float]:
        network = self._model.state.network
        if network is None:
            return {}
        squares = sum(float(np.vdot(w, w)) for w in network.weights())
        return {"gradient_norm": network.gradient_norm(), "parameter_norm": math.sqrt(squares)}

    def _learn(self, symbols: Any) -> np.ndarray:
        costs = self._model.learn_symbols(symbols)
        for cost in costs.tolist():  # in order: the sum must not depend on how text is cut
            self._bits += cost
        self._symbols += len(costs)
        return costs

    def _codes(self, text: str | bytes) -> np.ndarray:
        """Codes of a text that is only read."""
        symbols = self._unit.split(text) if len(text) else []
        return self._model.encode(symbols)

    def _line(self, x: dict, index: int) -> str | bytes:
        text = x.get("text")
        if not isinstance(text, (str, bytes)):
            raise BadRecord(
                f"text: {text!r} is not a text; records need a field 'text' with a string", index
            )
        if len(text) > self.max_line:
            raise BadRecord(
                f"text: {len(text)} symbols; the limit is max_line = {self.max_line}", index
            )
        return text + b"\n" if isinstance(text, bytes) else text + "\n"

    def _learn_line(self, line: str | bytes) -> dict[str, Any]:
        costs = self._learn(self._unit.split(line))
        bits = float(sum(costs.tolist()))
        mean = bits / len(costs)
        surprise, flag = self._surprise.judge(mean)
        top = [[self._show(symbol), p] for symbol, p in self.top_k(self.top)]
        return {
            "bits": bits, "bits_per_symbol": mean, "surprise": surprise, "flag": flag, "top": top,
        }  # fmt: skip

    def _show(self, symbol: Any) -> str:
        return self._unit.text([symbol]) if self.unit == "byte" else symbol
