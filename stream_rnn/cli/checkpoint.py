"""``stream-rnn checkpoint``: look at a run's checkpoints, go back to one, branch off."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="checkpoint",
    help="List the checkpoints of a run, go back to one, or begin another run with its model.\n\n"
    "The run itself must be stopped.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[
    str, typer.Argument(help="A directory, or an fsspec URL.", metavar="FOLDER", show_default=False)
]
Name = Annotated[
    str | None,
    typer.Option("--name", help="Which one, by name or number; by default the newest intact."),
]


@app.command(name="list")
def list_(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """List all checkpoints, oldest first, and what is wrong with the damaged ones."""
    from ..checkpoints.manage import entries
    from ..checkpoints.store import Store

    found = list(entries(Store(folder)))
    if as_json:
        typer.echo(json.dumps([entry._asdict() for entry in found]))
        return
    for entry in found:
        if entry.problem is not None:
            typer.echo(f"{entry.name}  damaged: {entry.problem}")
            continue
        written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.written))
        place = "no position" if entry.position is None else json.dumps(entry.position)
        typer.echo(
            f"{entry.name}  {written}  {entry.size:,} bytes  {entry.records:,} records  {place}"
        )
    if not found:
        typer.echo(f"{folder} holds no checkpoints")


@app.command()
def rollback(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="The checkpoint to go back to, or its number.")],
) -> None:
    """Let the next run go on from an older checkpoint.

    The newer ones get other names and are kept.  A file sink is cut back to what was written up
    to that checkpoint; a topic cannot be cut: what follows is learned again, and published again
    only where it was not committed.
    """
    from ..checkpoints.manage import rollback as go_back
    from ..checkpoints.store import Store

    store = Store(folder)
    try:
        later = go_back(store, name)
    finally:
        store.close()
    typer.echo(f"{len(later)} newer checkpoints set aside; the next run goes on from {name}")


@app.command()
def fork(
    folder: Folder,
    target: Annotated[str, typer.Argument(help="An empty directory, or an fsspec URL.")],
    name: Name = None,
) -> None:
    """Begin another run with this model: a checkpoint without a position in any stream."""
    from ..checkpoints.manage import fork as branch
    from ..checkpoints.store import Store

    made = branch(Store(folder), target, name)
    typer.echo(f"{target}/{made}: the model alone; a run with checkpoint.url there begins with it")


@app.command()
def export(
    folder: Folder,
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    name: Name = None,
) -> None:
    """Write the model alone to one file."""
    from ..checkpoints.manage import export as write
    from ..checkpoints.store import Store

    write(Store(folder), path, name)
    typer.echo(f"{path}: {path.stat().st_size:,} bytes")
