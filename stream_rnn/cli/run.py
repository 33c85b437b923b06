"""``stream-rnn run``: a pipeline as a service."""

import logging
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

log = logging.getLogger(__name__)


def command(
    config: Annotated[Path, typer.Argument(help="The pipeline: a TOML file.", show_default=False)],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override a field: --set source.path=other.csv (repeatable)."),
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that share the partitions of a Kafka topic.", min=1)
    ] = 1,
    on: Annotated[
        str | None,
        typer.Option(help="Let Spark run it: a master, such as local[2].", show_default=False),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the configuration and exit.")
    ] = False,
) -> None:
    """Run a pipeline: source, features, estimator, sink, with checkpoints and metrics.

    Each record is predicted before it is learned.  SIGTERM or Ctrl-C drains: what was read
    is finished, written and checkpointed, and the exit status is 0.  Started again, the run
    goes on from its newest checkpoint; after kill -9 too.

    A pipeline.toml:

    \b
      source     = {type = "file", path = "taxi.csv"}
      features   = {target = "riders", exclude = ["timestamp"]}
      estimator  = {type = "regressor", cell = {type = "LSTM", units = 16}}
      sink       = {type = "file", path = "predictions.jsonl"}
      checkpoint = {url = "checkpoints"}

    Further tables: [dead_letter] for refused records, [labels] for targets that come later,
    [drift], [metrics], [http], [run]; with key = "sensor" each key has a state of its own.  All
    of them, field by field: stream-rnn docs configuration

    \b
      stream-rnn run pipeline.toml
      stream-rnn run pipeline.toml --set source.follow=true --set metrics.port=0
      stream-rnn run pipeline.toml --workers 4
      curl -s http://127.0.0.1:9108/metrics
    """
    from connectors.base import Unreachable
    from connectors.state import Dependencies

    from ..assembly.check import check as examine
    from ..assembly.service import on_one_cluster, service
    from ..config import load
    from ..service.pipeline import stop_on_signals

    loaded = load(config, set_ or ())
    if on is not None:
        _run_on(on, config, loaded, check)
        return
    _check_server(loaded)
    if check:
        for line in examine(on_one_cluster(loaded)):
            typer.echo(f"{config}: {line}", err=True)
        typer.echo(f"{config}: ok")
        return
    if workers > 1:
        raise typer.Exit(_run_workers(workers, config, set_ or [], loaded))
    with stop_on_signals(signal.SIGTERM, signal.SIGINT) as stop:
        dependencies = Dependencies()
        server, observers = _observers(loaded, dependencies)
        try:
            with dependencies.watched():
                line = service(loaded, observers, dependencies, stop)
                try:
                    counters = line.run(stop)
                finally:
                    line.close()
        except Unreachable:
            if not stop.is_set():
                raise
            log.info("stopped while waiting")
            return
        finally:
            if server is not None:
                server.close()
    log.info("done: %s", ", ".join(f"{number} {name}" for name, number in counters.items()))


def _check_server(loaded: Any) -> None:
    """Raise `ConfigError` for what the server would refuse, or if it is needed and off."""
    from ..config.schema import HttpSource
    from ..errors import ConfigError
    from ..web import check

    table, posted = loaded.metrics, isinstance(loaded.source, HttpSource)
    if table.enabled:
        check(loaded.http, posted, table.certfile, table.keyfile, table.client_cafile)
    elif posted or loaded.http.predict or loaded.http.checkpoint:
        raise ConfigError(
            "metrics.enabled = false: http.predict, http.checkpoint and source.type = 'http' are "
            "answered by the same server; leave metrics.enabled out"
        )


def _run_on(master: str, config: Path, loaded: Any, check: bool) -> None:
    """On Spark, or only whether it could."""
    from ..spark import pipeline

    if check:
        pipeline.check(loaded)
        typer.echo(f"{config}: ok")
    else:
        pipeline.run_on(master, loaded)


def _run_workers(count: int, path: Path, overrides: list[str], loaded: Any) -> int:
    """The exit status of *count* processes that run the same pipeline."""
    from ..assembly.exactly_once import delivery
    from ..errors import ConfigError
    from ..service.pipeline import stop_on_signals
    from ..service.processes import Processes, worker_commands
    from .logs import given

    if delivery(loaded) != "exactly-once":
        raise ConfigError(
            f"--workers {count}: only a pipeline from Kafka to Kafka with "
            "run.delivery = 'exactly-once' can be shared between processes"
        )
    instance = getattr(loaded.source, "instance", None)
    commands = worker_commands(
        *(count, str(path), overrides, loaded.metrics.port, instance), given()
    )
    with stop_on_signals(signal.SIGTERM, signal.SIGINT) as stop:
        return Processes(commands).run(stop)


def _observers(loaded: Any, dependencies: Any) -> Any:
    """The server, and all that watches the run."""
    from ..assembly.service import metrics as make_metrics
    from .progress import ProgressLine

    metrics, server = make_metrics(loaded, dependencies), None
    observers: list[Any] = []
    if metrics is not None:
        from ..assembly.parts import task
        from ..config.schema import HttpSource
        from ..web import Program, Site, serve

        table = loaded.metrics
        make = (lambda: task(loaded)) if loaded.http.predict or loaded.http.checkpoint else None
        posted = isinstance(loaded.source, HttpSource)
        site = Site(metrics, loaded.http, table.host, make, posted)
        # Where each key has a state, questions are answered beside the learner, see docs/http.md.
        asked = loaded.http.predict and loaded.key is None
        apart = Program("stream_rnn.cli.front", loaded) if asked else None
        tls = table.certfile, table.keyfile, table.client_cafile
        server = serve(site, table.port, *tls, apart)
        log.info("metrics on %s", server.url)
        if site.has_page:
            log.info("the page is %s", server.root)
        observers += site.observers
    progress = ProgressLine.on_terminal()
    return server, (*observers, *([] if progress is None else [progress]))
