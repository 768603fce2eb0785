"""JSON Schema 2020-12 of every model that travels.

A reader tolerates unknown fields, so every object allows them; every set of words is closed, and
every field carries the words that stand under it in the model's source.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from gateway.wire.absent import Absent
from gateway.wire.board import Board, Heartbeat
from gateway.wire.commands import ReissueCommand, ReplayCommand, Reply, RunCommand
from gateway.wire.missed import Missed
from gateway.wire.model import Json, Wire
from gateway.wire.notice import Notice
from gateway.wire.receipt import Receipt
from gateway.wire.result import Result
from gateway.wire.run import Run
from gateway.wire.status import InstrumentStatus, Status

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MODELS: Mapping[str, type[Wire]] = {
    "result": Result,
    "absent": Absent,
    "missed": Missed,
    "receipt": Receipt,
    "status": Status,
    "instrument-status": InstrumentStatus,
    "run": Run,
    "command-run": RunCommand,
    "command-replay": ReplayCommand,
    "command-reissue": ReissueCommand,
    "reply": Reply,
    "notice": Notice,
    "board": Board,
    "heartbeat": Heartbeat,
}
"""Every model that travels, by the name of its file."""


def schema_of(name: str) -> Json:
    """The JSON Schema of one model, whole in itself."""
    model = MODELS[name]
    schema = model.model_json_schema(by_alias=True, schema_generator=AsOnTheWire)
    return {"$schema": DIALECT, "$id": f"urn:kuaijian:schema:{name}", **schema}


class AsOnTheWire(GenerateJsonSchema):
    """What pydantic would accept, narrowed to what is sent."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """No titles: they would repeat the field's name."""
        return False

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A decimal is a string, so that its trailing zeros survive every reader."""
        return {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """An object with its field's words; unknown fields are allowed, its name is required."""
        shape = super().model_schema(schema)
        shape["additionalProperties"] = True
        if "schema" in shape["properties"]:
            shape["required"] = ["schema", *shape.get("required", ())]
        for field, words in _field_words(schema["cls"]).items():
            shape["properties"][field].setdefault("description", words)
        return shape


def _field_words(model: type[BaseModel]) -> dict[str, str]:
    """What stands under each field of a model, by its name on the wire."""
    words: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, Wire):
            words |= dict(_words_in_source(owner))
    named = {name: field.alias or name for name, field in model.model_fields.items()}
    return {named[name]: text for name, text in words.items() if name in named}


def _words_in_source(owner: type[Any]) -> Iterator[tuple[str, str]]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(body, ast.ClassDef)
    for field, after in zip(body.body, body.body[1:], strict=False):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)
