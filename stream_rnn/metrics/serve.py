"""The HTTP endpoint that Prometheus scrapes."""

from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client import start_http_server

from ..errors import ConfigError
from .collector import Metrics


class Server(NamedTuple):
    """A running endpoint; ``url`` is where to scrape it."""

    url: str
    http: Any
    thread: Any

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def serve(
    metrics: Metrics,
    host: str = "127.0.0.1",
    port: int = 9108,
    certfile: str | None = None,
    keyfile: str | None = None,
    client_cafile: str | None = None,
) -> Server:
    """Serve ``/metrics``; port 0 takes a free one.

    With *certfile* and *keyfile* over TLS; with *client_cafile* only to clients that show
    a certificate signed by it.  Raises `ConfigError` if that cannot be done.
    """
    for field, path in (("certfile", certfile), ("keyfile", keyfile)):
        if path is not None and not Path(path).is_file():
            raise ConfigError(f"metrics.{field} = {path!r}: no such file")
    if client_cafile is not None and certfile is None:
        raise ConfigError("metrics.client_cafile needs metrics.certfile and metrics.keyfile")
    try:
        http, thread = start_http_server(
            port,
            addr=host,
            registry=metrics.registry,
            certfile=certfile,
            keyfile=keyfile,
            client_cafile=client_cafile,
            client_auth_required=client_cafile is not None,
        )
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"metrics.host = {host!r}, metrics.port = {port}: cannot listen there "
            f"({reason}); choose another port, or 0 for any free one"
        ) from None
    scheme = "https" if certfile else "http"
    shown = f"[{host}]" if ":" in host else host
    return Server(f"{scheme}://{shown}:{http.server_port}/metrics", http, thread)
