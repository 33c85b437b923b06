"""The OpenAPI description of what a server answers, from the types that it decodes into.

>>> found = document(predict=True, checkpoint=False, learn=False)
>>> found["openapi"], sorted(found["paths"])
('3.1.0', ['/healthz', '/metrics', '/openapi.json', '/predict', '/readyz'])
>>> sorted(found["components"]["schemas"]["Question"]["properties"])
['horizon', 'level', 'partition', 'record', 'records']
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from .asked import Alive, Answer, Problem, Question, Ready, Taken

REFERENCE = "#/components/schemas/{name}"
TOKEN: list[dict[str, list[str]]] = [{"token": []}]
PROBLEMS = {
    400: "not what is described here",
    401: "no token, or a wrong one",
    413: "too much",
    422: "a record that the model cannot take",
    429: "too many requests a second",
    503: "not yet, or busy; Retry-After says when",
}


def document(predict: bool, checkpoint: bool, learn: bool) -> dict[str, Any]:
    """All paths that are switched on."""
    _, schemas = msgspec.json.schema_components(
        [Question, Answer, Taken, Problem, Alive, Ready], ref_template=REFERENCE
    )
    paths = {
        "/healthz": {"get": _reading("Whether the process may come right by itself", "Alive")},
        "/readyz": {"get": _reading("Whether it does what it is for, or why not", "Ready")},
        "/metrics": {
            "get": {
                "summary": "The metrics, for Prometheus",
                "responses": {"200": _of_type("text/plain", "The exposition")},
            }
        },
        "/openapi.json": {
            "get": {
                "summary": "This document",
                "responses": {"200": _of_type("application/json", "OpenAPI 3.1")},
            }
        },
    }
    if predict:
        paths["/predict"] = {"post": _prediction()}
    if learn:
        paths["/learn"] = {"post": _lesson()}
    if checkpoint:
        paths["/checkpoint"] = {"get": _checkpoint()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "stream_rnn", "version": _version()},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _reading(summary: str, schema: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {"200": _json(schema, "It does"), "503": _json(schema, "It does not")},
    }


def _prediction() -> dict[str, Any]:
    return {
        "summary": "Predictions for records, each as if it came next; nothing is learned",
        "security": TOKEN,
        "requestBody": {"required": True, **_json("Question")},
        "responses": {"200": _json("Answer", "The predictions"), **_problems()},
    }


def _lesson() -> dict[str, Any]:
    """Its body is not made from its type, which holds the records as they come."""
    record = {"type": "object"}
    fields = {
        "record": record,
        "records": {"type": "array", "items": record},
        "at": {"type": "integer", "minimum": 0, "description": "the number of the first record"},
    }
    body = {"schema": {"type": "object", "properties": fields, "additionalProperties": False}}
    return {
        "summary": "Records to be learned, in this order",
        "security": TOKEN,
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "202": _json("Taken", "They wait to be learned"),
            "409": _json("Problem", "They do not begin where the stream goes on"),
            **_problems(),
        },
    }


def _checkpoint() -> dict[str, Any]:
    partition = {"name": "partition", "in": "query", "schema": {"type": "string"}}
    return {
        "summary": "The newest checkpoint",
        "security": TOKEN,
        "parameters": [partition],
        "responses": {
            "200": _of_type("application/octet-stream", "A file of safetensors"),
            "404": _json("Problem", "There is none"),
            **_problems(),
        },
    }


def _problems() -> dict[str, Any]:
    return {str(status): _json("Problem", text) for status, text in PROBLEMS.items()}


def _json(schema: str, description: str | None = None) -> dict[str, Any]:
    reference = {"$ref": REFERENCE.format(name=schema)}
    found: dict[str, Any] = {"content": {"application/json": {"schema": reference}}}
    return found if description is None else {"description": description, **found}


def _of_type(kind: str, description: str) -> dict[str, Any]:
    return {"description": description, "content": {kind: {}}}


def _version() -> str:
    try:
        return version("stream-rnn")
    except PackageNotFoundError:
        return "unknown"
