"""OAuth bearer tokens for Kafka, from a file that whoever renews them writes anew.

Kubernetes' projected tokens and the helpers of cloud providers write such files.
"""

import base64
import binascii
import json
import time
from collections.abc import Callable
from typing import Any

from ..secrets import read_line

LIFETIME = 300.0  # seconds a token is taken to be valid that does not say it


def expiry(token: str) -> float:
    """Until when *token* is valid, in seconds since 1970.

    >>> claims = base64.urlsafe_b64encode(b'{"exp": 1800000000}').decode().rstrip("=")
    >>> expiry(f"header.{claims}.signature")
    1800000000.0
    """
    try:
        claims = token.split(".")[1]
        body = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
        return float(json.loads(body)["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return time.time() + LIFETIME


def confluent_callback(path: str) -> Callable[[Any], tuple[str, float]]:
    """What confluent-kafka calls for a token: the token, and until when it is valid."""

    def token(_config: Any) -> tuple[str, float]:
        text = read_line("token_file", path)
        return text, expiry(text)

    return token


def python_provider(path: str) -> Any:
    """What kafka-python asks for a token at each new connection."""
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class FromFile(AbstractTokenProvider):
        def token(self) -> str:
            return read_line("token_file", path)

    return FromFile()
