"""The text commands of ``stream-rnn``; see `commands` for what they do."""

import sys
from typing import Annotated

import typer

CHECKPOINT = typer.Argument(help="A checkpoint file, or a directory: its newest intact one.")
Preset = Annotated[str, typer.Option(help="default, network, contexts, fast or best.")]


def register(app: typer.Typer) -> None:
    """Add the text commands to the command line."""
    app.command()(generate)
    app.command()(complete)
    app.command()(compress)
    app.command()(decompress)


def generate(
    checkpoint: Annotated[str, CHECKPOINT],
    prompt: Annotated[str, typer.Option(help="Text to continue.")] = "",
    length: Annotated[int, typer.Option(min=0, help="Symbols to draw.")] = 500,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="Below 1: more of the probable; 0: only that.")
    ] = 1.0,
    seed: Annotated[
        int | None, typer.Option(help="Of the draws; the model's if not given.")
    ] = None,
) -> None:
    """Draw text from a trained text predictor.

    \b
      stream-rnn generate checkpoints --prompt "ROMEO:" --temperature 0.7
    """
    from . import text_actions as commands

    typer.echo(prompt + commands.generate(checkpoint, prompt, length, temperature, seed))


def complete(
    checkpoint: Annotated[str, CHECKPOINT],
    k: Annotated[int, typer.Option("--top", min=1, help="Completions for each line.")] = 5,
    length: Annotated[int, typer.Option(min=1, help="Longest completion in symbols.")] = 60,
    learn: Annotated[bool, typer.Option(help="Learn the lines that are accepted.")] = True,
) -> None:
    """Read beginnings of lines, print ranked completions; a number accepts one.

    What is accepted is learned, and kept if the checkpoint is a file of its own.

    \b
      printf 'First Cit\\n1\\n' | stream-rnn complete shakespeare.safetensors
    """
    from . import text_actions as commands

    commands.complete(checkpoint, sys.stdin, sys.stdout, k, length, learn)


def compress(
    source: Annotated[str, typer.Argument(help="A file, or - for the standard input.")],
    target: Annotated[str, typer.Argument(help="The compressed file, or -.")],
    preset: Preset = "default",
    units: Annotated[int | None, typer.Option(help="Units of the network.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the network.")] = 0,
) -> None:
    """Compress a file by predicting it; the size proves the probabilities honest.

    \b
      stream-rnn compress access.log access.log.srt --preset fast
    """
    from . import text_actions as commands

    size, code, bits = commands.compress(source, target, preset, units, seed)
    rate = f", {bits / size:.4f} bits per byte predicted" if size else ""
    typer.echo(f"{size} -> {code} bytes{rate}", err=True)


def decompress(
    source: Annotated[str, typer.Argument(help="A compressed file, or -.")],
    target: Annotated[str, typer.Argument(help="Where the content goes, or -.")],
) -> None:
    """Undo compress.

    \b
      stream-rnn decompress access.log.srt access.log
    """
    from . import text_actions as commands

    typer.echo(f"{commands.decompress(source, target)} bytes", err=True)
