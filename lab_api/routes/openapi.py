"""The OpenAPI document: which operations need a key, and how every problem looks."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from gateway.wire.model import Json
from lab_api.errors import MEDIA_TYPE
from lab_api.routes.gate import is_public

KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of `kj-lab key add --role R`.",
}
PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "expected"],
                "properties": {"where": {"type": "string"}, "expected": {"type": "string"}},
            },
        },
    },
}


def described(app: FastAPI) -> Json:
    """The document of an application, with its locks and its problems."""
    document: Json = app.openapi()
    parts = document.setdefault("components", {})
    parts.setdefault("securitySchemes", {})["key"] = KEY
    parts.setdefault("schemas", {})["Problem"] = PROBLEM
    for path, operations in document["paths"].items():
        example = path.replace("{station}", "s0007")
        for method, operation in operations.items():
            if not is_public(method.upper(), example):
                operation["security"] = [{"key": []}]
            _add_problem(operation)
    return document


def _add_problem(operation: dict[str, Any]) -> None:
    answers = operation.setdefault("responses", {})
    for status in [each for each in answers if each.startswith("4")]:
        del answers[status]
    answers["default"] = {
        "description": "A problem (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
