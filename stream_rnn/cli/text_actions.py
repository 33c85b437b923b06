"""What ``stream-rnn generate``, ``complete``, ``compress`` and ``decompress`` do."""

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from ..errors import CheckpointError, ConfigError

KEYS = ("unit", "max_symbols", "seed")


def load_predictor(checkpoint: str) -> Any:
    """The text predictor in a checkpoint file or directory; raises `CheckpointError`.

    Of a pipeline's checkpoint the estimator of the task is taken.
    """
    from ..checkpoints.store import read_checkpoint
    from ..estimators.protocol import Snapshot
    from ..estimators.text import TextPredictor
    from ..text.presets import from_plain

    found = read_checkpoint(checkpoint)
    meta = found.manifest.get("task", {}).get("estimator", {})
    if meta.get("kind") == "text":
        settings = {key: meta[key] for key in KEYS}
        predictor = TextPredictor(preset=from_plain(meta["preset"]), **settings)
        predictor.restore(Snapshot(found.arrays, meta))
        return predictor
    raise CheckpointError(
        f"{checkpoint} holds no text predictor: make one with "
        "`stream-rnn run` and estimator.type = 'text', or with its save()"
    )


def generate(
    checkpoint: str, prompt: str = "", length: int = 500, temperature: float = 1.0,
    seed: int | None = None,
) -> str:  # fmt: skip
    """Text drawn from a checkpoint's predictor after `prompt`."""
    return load_predictor(checkpoint).generate(length, prompt, temperature, seed)


def complete(
    checkpoint: str, lines: TextIO, out: TextIO, k: int = 5, length: int = 60, learn: bool = True
) -> int:
    """For each line read: its `k` best continuations, ranked; returns how many lines.

    A line that ends with one of the continuations just printed, or a number that names
    one, accepts it: the whole line is learned.  An empty line ends the current text.
    """
    predictor = load_predictor(checkpoint)
    offered: list[str] = []
    prompt, answered = "", 0
    for raw in lines:
        line = raw.rstrip("\n")
        if line.isdigit() and 1 <= int(line) <= len(offered):
            accepted = prompt + offered[int(line) - 1]
            print(f"= {accepted}", file=out, flush=True)
            if learn:
                predictor.learn_text(accepted + "\n")
            offered = []
            continue
        if not line:
            offered = []
            continue
        prompt = line
        found = predictor.complete(prompt, k, length)
        offered = [text for text, _ in found]
        for rank, (text, bits) in enumerate(found, 1):
            print(f"{rank}  {bits:6.1f} bits  {prompt}{text}", file=out)
        out.flush()
        answered += 1
    if learn:
        _save_back(predictor, checkpoint)
    return answered


def _save_back(predictor: Any, checkpoint: str) -> None:
    """Keep what was learned, if the checkpoint is a file of the predictor's own."""
    from ..checkpoints.store import read_checkpoint
    from ..estimators.saving import save

    if os.path.isfile(checkpoint) and "identity" not in read_checkpoint(checkpoint).manifest:
        save(predictor, checkpoint)


def compress(
    source: str, target: str, preset: str = "default", units: int | None = None, seed: int = 0
) -> tuple[int, int, float]:
    """Compress a file; returns its size, the compressed size, and the predictor's bits."""
    from ..text.codec import container as codec

    data = read_bytes(source)
    code, bits = codec.compress(data, preset, units, seed)
    write_bytes(target, code)
    return len(data), len(code), bits


def decompress(source: str, target: str) -> int:
    """Undo `compress`; returns the size of the content."""
    from ..text.codec import container as codec

    data = codec.decompress(read_bytes(source))
    write_bytes(target, data)
    return len(data)


def read_bytes(path: str) -> bytes:
    """The content of a file, or of the standard input for ``-``; raises `ConfigError`."""
    if path == "-":
        stream: BinaryIO = sys.stdin.buffer
        return stream.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def write_bytes(path: str, data: bytes) -> None:
    """Write a file at once, or the standard output for ``-``; raises `ConfigError`."""
    if path == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    from ..checkpoints.folders import replace_file

    try:
        replace_file(Path(path), data)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
