"""``stream-rnn config``: what a configuration may hold, for editors and other programs."""

import json

import typer

app = typer.Typer(
    name="config",
    help="What a configuration may hold.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def options() -> None:
    """A callback keeps the name of the only command."""


@app.command()
def schema() -> None:
    """Print the JSON Schema of a pipeline's TOML file, by which editors check and complete.

    \b
      stream-rnn config schema > stream-rnn.schema.json
    """
    import msgspec

    from ..config.foreign import with_foreign

    typer.echo(json.dumps(msgspec.json.schema(with_foreign({})), indent=1))
