"""``stream-rnn inspect``: what is inside a checkpoint."""

import json
import time
from typing import Annotated, Any

import typer


def command(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="A checkpoint file, or a directory or fsspec URL: its newest intact one.",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Print what is inside a checkpoint, after checking its hash.

    \b
      stream-rnn inspect checkpoints
      stream-rnn inspect checkpoints/checkpoint-000000000007.safetensors --json
    """
    from ..checkpoints.store import read_checkpoint

    found = read_checkpoint(checkpoint)
    if as_json:
        arrays = [
            {"name": name, "dtype": str(a.dtype), "shape": list(a.shape), "norm": _norm(a)}
            for name, a in sorted(found.arrays.items())
        ]
        keys = {} if found.contexts is None else {"keys": len(found.contexts)}
        typer.echo(json.dumps({"name": found.name, **found.manifest, **keys, "arrays": arrays}))
        return
    _print(found)


def _print(found: Any) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console, manifest = Console(highlight=False, soft_wrap=True), found.manifest
    written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(manifest.get("written", 0)))
    console.print(f"{found.name}  {found.size:,} bytes, hash good, written {written}", markup=False)
    for name in ("identity", "position", "sinks", "counters"):
        for key, value in _flat(name, manifest.get(name)):
            console.print(f"  {key}: {value}", markup=False)
    if found.contexts is not None:
        segments = manifest["contexts"]
        word = "segment" if len(segments) == 1 else "segments"
        console.print(f"  keys: {len(found.contexts):,} in {len(segments)} {word}", markup=False)
    if (late := manifest.get("task", {}).get("labels")) is not None:
        waiting, early = len(late["waiting"]), len(late["early"])
        console.print(
            f"  labels: {waiting:,} records wait, {early:,} labels came before", markup=False
        )
    table = Table(box=box.SIMPLE)
    for heading in ("array", "type", "shape", "norm"):
        table.add_column(heading)
    for name, array in sorted(found.arrays.items()):
        norm = _norm(array)
        shown = "" if norm is None else f"{norm:.6g}"
        table.add_row(name, str(array.dtype), "×".join(map(str, array.shape)) or "()", shown)
    console.print(table)


def _flat(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [pair for key, item in value.items() for pair in _flat(f"{name}.{key}", item)]
    return [(name, json.dumps(value, ensure_ascii=False))]


def _norm(array: Any) -> float | None:
    """The Euclidean norm of an array of floats."""
    import numpy as np

    if not np.issubdtype(array.dtype, np.floating):
        return None
    values = array.astype(np.float64).ravel()
    largest = float(np.abs(values).max(initial=0.0))
    if not 1e150 < largest < np.inf:
        return float(np.linalg.norm(values))
    return largest * float(np.linalg.norm(values / largest))  # whose squares are beyond float64
