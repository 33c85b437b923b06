"""The HTTP server of a running service, in a thread of its own.

uvicorn and Starlette do the work: one event loop, whatever the number of clients, with bounds
on connections, heads, bodies and time (`listener`, `patience`, `app`).  The learner's thread is
never waited for, nor does it wait.  Where a model is asked a process of its own takes the
connections (`apart`, `front`), and the thread what that one passes on.
"""

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from ..config.schema import Http
from ..errors import ConfigError
from .apart import Apart, Program
from .app import application
from .asking import token_of
from .listener import Listener, listen
from .patience import SECONDS, PatientProtocol
from .site import Site
from .wire import LINE

CONNECTIONS = 256
KEEP_ALIVE_SECONDS = 75  # longer than between two scrapes
STOP_SECONDS = 1


class Server:
    """A running endpoint; ``url`` is where to scrape it, ``root`` where the page is."""

    def __init__(
        self,
        site: Site,
        app: Any,
        listener: Listener,
        tls: dict[str, Any],
        apart: Program | None = None,
    ):
        self.site = site
        self.host, self.port = listener.getsockname()[:2]
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.root = f"{'https' if tls else 'http'}://{shown}:{self.port}/"
        self.url = f"{self.root}metrics"
        self.apart: Apart | None = None
        self._uvicorn = Uvicorn(settings(app, tls))
        if apart is not None and LINE is not None:
            self._put_apart(app, listener, tls, apart)
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=([listener],), name="web", daemon=True
        )
        self._thread.start()

    def _put_apart(
        self, app: Any, listener: Listener, tls: dict[str, Any], program: Program
    ) -> None:
        """Let a process of its own take the connections."""
        level = logging.getLogger(__name__).getEffectiveLevel()
        setup = {"host": self.site.host, "learns": self.site.learns, "tls": tls, "level": level}
        body = msgspec.json.encode({"config": program.config, **setup})
        told = (program.module, body, self._uvicorn.hand_over)
        self.apart = apart = Apart(self.site, app, listener.dup(), *told)
        self._uvicorn.beside = apart.keep

    def close(self) -> None:
        """Stop listening and end; open requests have `STOP_SECONDS`."""
        self.site.closing.set()
        self._uvicorn.should_exit = True
        self._thread.join()
        if self.apart is not None:
            self.apart.end()


class Uvicorn(uvicorn.Server):
    """uvicorn on a socket of ours, with a deadline for TLS handshakes too.

    ``beside`` runs as long as it does; `hand_over` lets another process take the connections.
    *protocol* makes that of a connection.
    """

    def __init__(
        self, config: uvicorn.Config, protocol: Callable[..., PatientProtocol] = PatientProtocol
    ):
        super().__init__(config)
        self.protocol = protocol
        self.servers: list[asyncio.Server] = []
        self.beside: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.on_started: Callable[[], object] = lambda: None
        self._sockets: list[Listener] = []
        self._handing: asyncio.Task[None] | None = None

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        """They are for the pipeline."""
        return contextlib.nullcontext()

    async def startup(self, sockets: Any = None) -> None:
        await self.lifespan.startup()
        self._sockets = sockets
        await self._accept()
        self._beside = self.beside and asyncio.create_task(self.beside())
        self.started = True
        self.on_started()

    async def shutdown(self, sockets: Any = None) -> None:
        if self._beside is not None:
            self._beside.cancel()
        await super().shutdown(sockets)

    def leave(self) -> None:
        """Give the address back, and end."""
        self._refuse()
        for listener in self._sockets:
            listener.close()
        self.should_exit = True

    def hand_over(self, away: bool) -> None:
        """Leave new connections to another process, or take them again."""
        self._refuse()
        self.config.encoded_headers = [(b"connection", b"close")] if away else []
        if not away and not self.should_exit:
            self._handing = asyncio.create_task(self._accept())

    def _refuse(self) -> None:
        for server in self.servers:
            server.close()
        self.servers = []

    async def _accept(self) -> None:
        config, loop = self.config, asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            return self.protocol(config, self.server_state, self.lifespan.state)

        self.servers = [
            await loop.create_server(
                protocol,
                sock=listener.dup(),
                ssl=config.ssl,
                ssl_handshake_timeout=SECONDS if config.ssl else None,
            )
            for listener in self._sockets
        ]


def settings(app: Any, tls: dict[str, Any]) -> uvicorn.Config:
    """Of uvicorn."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="critical",  # what clients do wrong is no event of ours
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        **tls,
    )


def serve(
    site: Site,
    port: int = 9108,
    certfile: str | None = None,
    keyfile: str | None = None,
    client_cafile: str | None = None,
    apart: Program | None = None,
) -> Server:
    """Serve *site* at its host and *port*; port 0 takes a free one.

    With *apart* a process of its own answers what is asked of the learner.  With *certfile* and
    *keyfile* over TLS; with *client_cafile* only to clients that show a certificate signed by it.
    Raises `ConfigError` if that cannot be done.
    """
    tls = _tls(certfile, keyfile, client_cafile)
    app = application(site)
    return Server(site, app, listen(site.host, port, CONNECTIONS), tls, apart)


def check(
    http: Http,
    learns: bool = False,
    certfile: str | None = None,
    keyfile: str | None = None,
    client_cafile: str | None = None,
) -> None:
    """Raise `ConfigError` for what `serve` would refuse of its files, without listening."""
    _tls(certfile, keyfile, client_cafile)
    if http.predict or http.checkpoint or learns:
        token_of(http)


def _tls(certfile: str | None, keyfile: str | None, client_cafile: str | None) -> dict[str, Any]:
    """uvicorn's options; raises `ConfigError`."""
    given = {"certfile": certfile, "keyfile": keyfile, "client_cafile": client_cafile}
    for field, path in given.items():
        if path is not None and not Path(path).is_file():
            raise ConfigError(f"metrics.{field} = {path!r}: no such file")
    if certfile is None:
        for field in ("keyfile", "client_cafile"):
            if given[field] is not None:
                raise ConfigError(f"metrics.{field} needs metrics.certfile and metrics.keyfile")
        return {}
    options = {
        "ssl_certfile": certfile,
        "ssl_keyfile": keyfile,
        "ssl_ca_certs": client_cafile,
        "ssl_cert_reqs": ssl.CERT_NONE if client_cafile is None else ssl.CERT_REQUIRED,
    }
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certfile, keyfile)
        if client_cafile is not None:
            context.load_verify_locations(client_cafile)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"metrics.certfile = {certfile!r}: not usable together with metrics.keyfile = "
            f"{keyfile!r} and metrics.client_cafile = {client_cafile!r} ({error})"
        ) from None
    return options
