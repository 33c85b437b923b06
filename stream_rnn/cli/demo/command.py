"""``stream-rnn demo``: the main job on real data, in under a minute."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for predictions and checkpoint.")
    ] = Path("stream-rnn-demo"),
    port: Annotated[
        int, typer.Option(help="Of the metrics on 127.0.0.1; 0 takes a free one.")
    ] = 9108,
) -> None:
    """Watch an LSTM predict and learn from a real stream, record by record.

    The data comes with river; nothing is downloaded.  Predictions (JSONL) and a checkpoint
    are written to a folder, and metrics are served meanwhile:

    \b
      stream-rnn demo
      curl -s http://127.0.0.1:9108/metrics
    """
    from .show import demo

    demo(folder, port=port)
