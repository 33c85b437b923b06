"""Pictures of text: how surprising each symbol was."""

from collections.abc import Sequence
from typing import Any

from ..estimators.surprises import surprises
from ..estimators.text import TextPredictor
from .canvas import figure

WIDTH = 90  # characters in a line
ROWS = 45  # lines in a picture
MOST_BITS = 8.0  # the darkest


def draw(predictor: TextPredictor, text: str | bytes) -> Any:
    """The *text* with each symbol coloured by its bits, −log₂ p, before it was learned.

    *predictor* itself learns nothing: a copy does, symbol by symbol, as a stream would.
    """
    pairs = surprises(predictor, text)
    spaced = predictor.unit == "word"
    lines = _wrapped([(s if s == "\n" or not spaced else f"{s} ", bits) for s, bits in pairs])
    made = figure(10, 1.1 + 0.22 * min(ROWS, len(lines)))
    axis = made.subplots()
    shades = _shades()
    for row, line in enumerate(lines[:ROWS]):
        _draw_line(axis, row, line, shades)
    axis.set_xlim(0, WIDTH)
    axis.set_ylim(min(ROWS, len(lines)), 0)
    axis.axis("off")
    mean = sum(bits for _, bits in pairs) / max(1, len(pairs))
    shown = "" if len(lines) <= ROWS else f", the first {ROWS} lines of {len(lines):,}"
    axis.set_title(f"{mean:.2f} bits per symbol, {len(pairs):,} symbols{shown}", loc="left")
    made.colorbar(shades, ax=axis, label="bits", shrink=0.9, aspect=12, pad=0.01, extend="max")
    return made


def _shades() -> Any:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    colours = LinearSegmentedColormap.from_list("bits", ["#ffffff", "#f2c14e", "#c0392b"])
    return ScalarMappable(Normalize(0, MOST_BITS), colours)


def _wrapped(symbols: Sequence[tuple[str, float]]) -> list[list[tuple[str, float]]]:
    """The symbols in lines of at most `WIDTH` characters; a newline ends one.

    >>> _wrapped([("a", 1.0), ("\\n", 2.0), ("b", 3.0)])
    [[('a', 1.0), ('↵', 2.0)], [('b', 3.0)]]
    """
    lines: list[list[tuple[str, float]]] = [[]]
    length = 0
    for symbol, bits in symbols:
        visible = symbol.replace("\n", "↵").replace("\t", "→").replace("\r", "")
        visible = "".join(c if c.isprintable() else "·" for c in visible) or "·"
        if length + len(visible) > WIDTH:
            lines.append([])
            length = 0
        lines[-1].append((visible[:WIDTH], bits))
        length += len(visible)
        if "\n" in symbol:
            lines.append([])
            length = 0
    return [line for line in lines if line]


def _draw_line(axis: Any, row: int, line: Sequence[tuple[str, float]], shades: Any) -> None:
    from matplotlib.patches import Rectangle

    at = 0
    for symbol, bits in line:
        colour = shades.to_rgba(min(bits, MOST_BITS))
        axis.add_patch(Rectangle((at, row), len(symbol), 1, color=colour, lw=0))
        for k, character in enumerate(symbol):
            axis.text(
                at + k + 0.5, row + 0.55, character, family="monospace", size=8,
                ha="center", va="center", color="white" if bits > 0.8 * MOST_BITS else "black",
                parse_math=False,
            )  # fmt: skip
        at += len(symbol)
