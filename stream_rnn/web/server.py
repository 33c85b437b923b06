"""The HTTP server of a running service, in a thread of its own.

uvicorn and Starlette do the work: one event loop, whatever the number of clients, with bounds
on connections, heads, bodies and time (`listener`, `patience`, `app`).  The learner's thread is
never waited for, nor does it wait.
"""

import asyncio
import ssl
import threading
from pathlib import Path
from typing import Any

import uvicorn

from ..config.schema import Http
from ..errors import ConfigError
from .app import application
from .asking import token_of
from .listener import Listener, listen
from .patience import SECONDS, PatientProtocol
from .site import Site

CONNECTIONS = 256
KEEP_ALIVE_SECONDS = 75  # longer than between two scrapes
STOP_SECONDS = 1


class Server:
    """A running endpoint; ``url`` is where to scrape it, ``root`` where the page is."""

    def __init__(self, site: Site, app: Any, listener: Listener, tls: dict[str, Any]):
        self.site = site
        self.host, self.port = listener.getsockname()[:2]
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.root = f"{'https' if tls else 'http'}://{shown}:{self.port}/"
        self.url = f"{self.root}metrics"
        self._uvicorn = _Uvicorn(_settings(app, tls))
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=([listener],), name="web", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end; open requests have `STOP_SECONDS`."""
        self.site.closing.set()
        self._uvicorn.should_exit = True
        self._thread.join()


class _Uvicorn(uvicorn.Server):
    """uvicorn on a socket of ours, with a deadline for TLS handshakes too."""

    async def startup(self, sockets: Any = None) -> None:
        config, loop = self.config, asyncio.get_running_loop()
        await self.lifespan.startup()

        def protocol() -> asyncio.Protocol:
            return PatientProtocol(config, self.server_state, self.lifespan.state)

        self.servers = [
            await loop.create_server(
                protocol,
                sock=listener,
                ssl=config.ssl,
                ssl_handshake_timeout=SECONDS if config.ssl else None,
            )
            for listener in sockets
        ]
        self.started = True


def _settings(app: Any, tls: dict[str, Any]) -> uvicorn.Config:
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
) -> Server:
    """Serve *site* at its host and *port*; port 0 takes a free one.

    With *certfile* and *keyfile* over TLS; with *client_cafile* only to clients that show
    a certificate signed by it.  Raises `ConfigError` if that cannot be done.
    """
    tls = _tls(certfile, keyfile, client_cafile)
    app = application(site)
    return Server(site, app, listen(site.host, port, CONNECTIONS), tls)


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
