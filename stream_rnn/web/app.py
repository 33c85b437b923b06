"""The paths of the server, and what each of them answers."""

import logging
import time
from typing import Any

from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import page
from .asking import Asking
from .openapi import document
from .site import Site

log = logging.getLogger(__name__)

SAME_SECONDS = 0.25  # in which all that ask get the same metrics, so that asking costs little
MOST_TYPES = 8


def application(site: Site) -> Starlette:
    """What always answers, and what is switched on; anything else is 404."""

    written: dict[str, tuple[float, bytes]] = {}  # by content type: when, and what

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        now = time.monotonic()
        at, body = written.get(content_type, (now - SAME_SECONDS, b""))
        if now - at >= SAME_SECONDS:
            body = encode(site.metrics.registry)
            if content_type in written or len(written) < MOST_TYPES:
                written[content_type] = now, body
        return Response(body, media_type=content_type)

    async def healthz(request: Request) -> Response:
        alive = site.ready.alive
        return JSONResponse({"alive": alive}, 200 if alive else 503)

    async def readyz(request: Request) -> Response:
        reasons = site.ready.reasons()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    described = document(site.http.predict, site.http.checkpoint, site.learns)

    async def openapi(request: Request) -> Response:
        return JSONResponse(described)

    routes = [Route("/metrics", metrics), Route("/healthz", healthz), Route("/readyz", readyz)]
    routes.append(Route("/openapi.json", openapi))
    if site.has_page:
        routes += page.routes(site)
    if site.http.predict or site.http.checkpoint or site.learns:
        routes += Asking(site).routes()
    return Starlette(
        routes=routes,
        exception_handlers=problems(),
    )


def problems() -> dict[Any, Any]:
    """How what goes wrong is answered."""
    return {404: _problem, 405: _problem, Exception: _fault}


async def _problem(request: Request, error: Any) -> Response:
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _fault(request: Request, error: Exception) -> Response:
    """Ours: the client learns nothing of it, the log all."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"error": "internal error; the log says more"}, 500)
