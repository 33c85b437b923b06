"""The page, its files, and the stream of events that it draws.

Everything comes from this package: the page makes no request to another host, and its policy
forbids it.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache
from importlib.resources import files
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from .site import LOOPBACK, Site
from .view import event

EVERY_SECONDS = 0.5
BEAT_SECONDS = 2.0  # also when nothing has happened
RETRY_MILLISECONDS = 500
READERS = 32
FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "uPlot.iife.min.js": "text/javascript",
    "uPlot.min.css": "text/css",
    "icon.svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def routes(site: Site) -> list[Route]:
    """``/``, its files, ``/events`` and ``/state``."""
    folder = files(__package__) / "static"
    contents = {name: (folder / name).read_bytes() for name in FILES}
    html = (folder / "index.html").read_bytes()
    readers: set[object] = set()

    async def index(request: Request) -> Response:
        check_host(site, request)
        return Response(html, media_type="text/html", headers=HEADERS)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in contents:
            raise HTTPException(404)
        return Response(contents[name], media_type=FILES[name], headers=HEADERS)

    async def state(request: Request) -> Response:
        check_host(site, request)
        body = event(site, request.query_params.get("part"))
        return Response(body, media_type="application/json", headers=HEADERS)

    async def events(request: Request) -> Response:
        check_host(site, request)
        if len(readers) >= READERS:
            raise HTTPException(503, f"{READERS} readers are there already")
        stream = _events(site, request.query_params.get("part"), readers)
        return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)

    return [
        Route("/", index),
        Route("/static/{name}", file),
        Route("/state", state),
        Route("/events", events),
    ]


async def _events(site: Site, part: str | None, readers: set[object]) -> AsyncIterator[bytes]:
    me = object()
    readers.add(me)
    shown, quiet = None, BEAT_SECONDS
    try:
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        while not site.closing.is_set():
            if site.board.frames is not shown or quiet >= BEAT_SECONDS:
                shown, quiet = site.board.frames, 0.0
                yield b"data: " + event(site, part) + b"\n\n"
            await asyncio.sleep(EVERY_SECONDS)
            quiet += EVERY_SECONDS
    finally:
        readers.discard(me)


def check_host(site: Site, request: Request) -> None:
    """Refuse a name that is not this machine's, where only this machine is to read.

    Otherwise a page from elsewhere, whose name is made to mean 127.0.0.1 once it is loaded,
    could read what is shown.
    """
    if not is_known(site.is_local, request.headers.get("host", "")):
        raise HTTPException(403, "ask for 127.0.0.1 or localhost; metrics.host says so")


@lru_cache(16)
def is_known(is_local: bool, host: str) -> bool:
    """Whether *host* may be asked for."""
    return not is_local or urlsplit(f"//{host}").hostname in LOOPBACK
