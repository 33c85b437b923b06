"""Lines drawn with Braille characters: each holds a grid of 2 × 4 dots."""

import math
from collections.abc import Sequence

from rich.text import Text

# Dots of a cell, by row and column, as bits above U+2800 (Unicode Standard, Braille Patterns).
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

Series = tuple[Sequence[float], str]  # values, and the style to draw them in


def chart(series: Sequence[Series], width: int, height: int, columns: int = 0) -> list[Text]:
    """Lines of *width* cells that draw each of *series*, the later ones on top.

    The horizontal axis has room for *columns* values (as many as there are if 0); if there
    are more, only the newest are drawn.  Values that are not finite leave a gap.  The
    vertical axis spans all that is drawn, and is labelled with its ends.

    >>> for line in chart([([0, 1, 2, 3, 4, 5, 6, 7], "")], width=4, height=2):
    ...     print(line.plain.rstrip())
    7 ⠀⠀⡠⠊
    0 ⡠⠊⠀⠀
    """
    columns = columns or max(len(values) for values, _ in series)
    shown = [(list(values)[-columns:], style) for values, style in series]
    finite = [v for values, _ in shown for v in values if math.isfinite(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    bits = [[0] * width for _ in range(height)]
    styles = [[""] * width for _ in range(height)]
    right, down = 2 * width - 1, 4 * height - 1
    for values, style in shown:
        before = None
        for index, value in enumerate(values):
            if not math.isfinite(value):
                before = None
                continue
            x = round(index * right / max(1, columns - 1))
            y = round(down * (high - value) / (high - low)) if high > low else down // 2
            for at, dot in _between(before or (x, y), (x, y)):
                bits[dot // 4][at // 2] |= BITS[dot % 4][at % 2]
                styles[dot // 4][at // 2] = style
            before = x, y
    return _with_axis(bits, styles, low, high)


def _with_axis(
    bits: list[list[int]], styles: list[list[str]], low: float, high: float
) -> list[Text]:
    ends = [f"{high:.4g}", f"{low:.4g}"]
    margin = max(map(len, ends))
    lines = []
    for row, (cells, row_styles) in enumerate(zip(bits, styles)):
        end = ends[0] if row == 0 else ends[1] if row == len(bits) - 1 else ""
        line = Text(f"{end:>{margin}} ", style="dim", no_wrap=True)
        for cell, style in zip(cells, row_styles):
            line.append(chr(0x2800 + cell), style=f"not dim {style}" if style else None)
        lines.append(line)
    return lines


def _between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """Dots of the straight line from *start* to *end*, both included."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (
            round(start[0] + (end[0] - start[0]) * step / steps),
            round(start[1] + (end[1] - start[1]) * step / steps),
        )
        for step in range(steps + 1)
    ]
