"""Files of the UEA and UCR archives in the sktime format."""

import gzip
import importlib.util
from pathlib import Path

import numpy as np


def read(path: Path) -> tuple[list[np.ndarray], list[str]]:
    """Sequences (T, m) and their labels, of a ``.ts`` file."""
    sequences, labels, begun = [], [], False
    raw = path.read_bytes()
    for text in (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines():
        if begun and text.strip():
            *channels, label = text.strip().split(":")
            steps = [[float(v) for v in channel.split(",")] for channel in channels]
            sequences.append(np.array(steps).T.copy())
            labels.append(label)
        begun = begun or text.lower().startswith("@data")
    return sequences, labels


def bundled(name: str) -> tuple:
    """Train and test of a set that ``aeon`` brings along.

    Only its files are read: ``pip install --no-deps aeon`` does, as it asks for an older Numba.
    """
    spec = importlib.util.find_spec("aeon")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("pip install --no-deps aeon")
    folder = Path(spec.origin).parent / "datasets" / "data" / name
    return read(folder / f"{name}_TRAIN.ts"), read(folder / f"{name}_TEST.ts")


def vowels(data: Path) -> tuple:
    """Train, which is sorted by speaker, and test of JapaneseVowels."""
    folder = data / "japanese_vowels"
    if not folder.exists():
        return bundled("JapaneseVowels")
    names = [f"JapaneseVowels_{part}.ts.gz" for part in ("TRAIN", "TEST")]
    return read(folder / names[0]), read(folder / names[1])
