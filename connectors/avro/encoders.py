"""The encoder of results from a configuration table."""

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from ..registry.client import BadSchema, Registry
from ..registry.settings import RegistrySettings
from .rows import AvroRows
from .subjects import number_of


def avro_rows(options: Mapping[str, Any], topic: str, made: Callable[[], Any]) -> AvroRows:
    """The encoder of results for *topic*.

    The schema is that of the file ``schema``, else what *made* returns.  With ``registry`` it is
    registered as ``subject``, by default the topic's name and "-value", or with ``register =
    false`` looked up there.  Raises ValueError that names the option, `Unreachable` and `Denied`
    of the registry.
    """
    path, registry = options.get("schema"), options.get("registry")
    if registry is None and options.get("subject") is not None:
        raise ValueError("format.subject is one of a registry; give its address, format.registry")
    schema = made() if path is None else _in_file(path)
    selects = path is not None
    try:
        encoder = AvroRows(schema, None, selects)
        if registry is None:
            return encoder
        subject = options.get("subject") or f"{topic}-value"
        asked = Registry(RegistrySettings.from_options(options))
        number = number_of(asked, subject, schema, options.get("register", True))
        return AvroRows(schema, number, selects)
    except BadSchema as error:
        raise ValueError(f"format.schema: {error}") from None


def _in_file(path: str) -> Any:
    try:
        return json.loads(pathlib.Path(path).read_bytes())
    except OSError as error:
        raise ValueError(f"format.schema: cannot read {path!r}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"format.schema = {path!r}: {error}") from None
