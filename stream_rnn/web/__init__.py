"""What a running service tells over HTTP: metrics, health, the page, answers to questions."""

from .server import Server, check, serve
from .site import Site

__all__ = ["Server", "Site", "check", "serve"]
