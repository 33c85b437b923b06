"""What a running service tells over HTTP: metrics, health, the page, answers to questions."""

from .apart import Program
from .server import Server, check, serve
from .site import Site

__all__ = ["Program", "Server", "Site", "check", "serve"]
