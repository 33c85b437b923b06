"""The command line: a thin layer over the library.

Everything heavy is imported by the command that needs it, so that ``--help`` is quick.
"""

import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from ..errors import BadRecord, CheckpointError, ConfigError
from . import checkpoint, config, docs, evaluate, inspect, list, run, text, top, warm
from .demo import command as demo
from .logs import set_up

EPILOG = """
Exit status: 0 done (also after SIGTERM or Ctrl-C, drained); 1 failed while running;
2 wrong command line, configuration or password; 3 a checkpoint that cannot be used, or
whose place in the source is gone; 4 stopped because too many records were refused;
5 what it depends on (a broker) did not answer.  After 1 and 5 a restart may help, after
2, 3 and 4 a person is needed.
"""

app = typer.Typer(
    name="stream-rnn",
    help="Learn from live streams with recurrent networks, one record at a time.\n\n"
    "Start with: stream-rnn demo.  Read: stream-rnn docs",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="demo")(demo.command)
for command in (run, top, evaluate, inspect, list, warm, docs):
    app.command(name=command.__name__.rpartition(".")[2])(command.command)
app.add_typer(checkpoint.app)
app.add_typer(config.app)
text.register(app)

_debug = False


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"stream-rnn {version('stream-rnn')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and debug logs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log warnings only.")] = False,
    log_format: Annotated[
        str, typer.Option(help="Of the log: console, or json for one object a line.")
    ] = "console",
    log_values: Annotated[
        bool, typer.Option("--log-values", help="Also log values of refused records.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """What holds for every command."""
    global _debug
    _debug = debug
    level = logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO
    set_up(level, log_format, log_values)
    if not debug:
        from connectors.kafka.client_logs import calm

        calm()


def main() -> None:
    """The entry point; what goes wrong becomes one line and an exit status."""
    try:
        app(prog_name="stream-rnn")
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:
        if _debug:
            raise
        fail(error)


def fail(error: Exception) -> NoReturn:
    """Say what is wrong in one line, and exit with the status of its kind."""
    from connectors.base import Denied, Lost, Shortened, SinkError, SourceError, Unreachable

    from ..service.refusal_limit import TooManyRefused

    statuses: dict[type[Exception], int] = {
        ConfigError: 2,
        Denied: 2,
        CheckpointError: 3,
        TooManyRefused: 4,
        Lost: 3,
        Shortened: 3,
        Unreachable: 5,
        SourceError: 1,
        SinkError: 1,
        BadRecord: 1,
        ImportError: 1,
        OSError: 1,
    }
    status = next((code for kind, code in statuses.items() if isinstance(error, kind)), None)
    text = " ".join(str(error).split()) or type(error).__name__
    if status is None:  # not foreseen: say where to look
        text = f"{type(error).__name__}: {text} (run stream-rnn --debug … for the traceback)"
    typer.echo(f"stream-rnn: {text}", err=True)
    raise SystemExit(status or 1)
