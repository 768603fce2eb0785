"""asyncapi.yaml: every topic, who speaks on it, how, and what.

AsyncAPI 3.0.0, written as a station speaks: its gateway and its publishing lab send, and other
labs are heard. Addresses come from the same functions that the programs call.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic.json_schema import models_json_schema

from gateway.wire.commands import Verb
from gateway.wire.generate.examples import EXAMPLES
from gateway.wire.generate.shapes import MODELS, AsOnTheWire
from gateway.wire.model import Json
from gateway.wire.topics import GatewayTopics, StationTopics

_REGION = "000000"
_SEGMENT = "^[a-z0-9_-]{1,64}$"

GATEWAY = GatewayTopics(_REGION, "{station}", "{gateway}")
STATION = StationTopics(_REGION, "{station}")


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of topic. `messages` names examples' models; empty means bytes."""

    topic: str
    says: str
    messages: tuple[str, ...]
    sent: bool = True
    """By the station; else it is what the station hears."""
    retained: bool = False

    @property
    def address(self) -> str:
        return self.topic.replace("00/00/00", "{pp}/{cc}/{dd}")


CHANNELS = {
    "result": Channel(
        GATEWAY.result("{instrument}"),
        "A result, or the seqs that will not come. Entries without an instrument go to "
        "`_gateway`, and what was entered by eye to `_manual`.",
        ("result", "missed", "absent"),
    ),
    "raw": Channel(
        GATEWAY.raw("{sha256}"), "The bytes of one delivery, once, before its results.", ()
    ),
    "status": Channel(
        GATEWAY.status(),
        "Alive, and how far; every 30 s and on change. The last will says offline.",
        ("status",),
        retained=True,
    ),
    "instrumentStatus": Channel(
        GATEWAY.status("{instrument}"),
        "What the link of an instrument is doing, since when.",
        ("instrument-status",),
        retained=True,
    ),
    "receipt": Channel(
        GATEWAY.receipt("{lab}"),
        "What a lab holds of this gateway's stream.",
        ("receipt",),
        sent=False,
        retained=True,
    ),
    "command": Channel(
        GATEWAY.command("{verb}"),
        "What a lab asks. Commands are repeated until they are answered.",
        ("command-run", "command-replay", "command-reissue"),
        sent=False,
    ),
    "reply": Channel(GATEWAY.reply("{request}"), "What came of a command.", ("reply",)),
    "labStatus": Channel(
        STATION.lab_status("{lab}"),
        "The station's lab: alive, and how far, in the form of a gateway's.",
        ("status",),
        retained=True,
    ),
    "notice": Channel(
        STATION.notice(),
        "Published, corrected, withdrawn; by the publishing lab alone.",
        ("notice",),
    ),
    "board": Channel(
        STATION.board(),
        "What the public screen shows now; by the publishing lab alone.",
        ("board",),
        retained=True,
    ),
}

_PARAMETERS: Json = {
    "pp": {"description": "Province: the first two digits of the GB/T 2260 region code."},
    "cc": {"description": "City: its second two digits."},
    "dd": {"description": "District: its last two digits."},
    "station": {"description": f"A station's id, {_SEGMENT}."},
    "gateway": {"description": f"A gateway's id, {_SEGMENT}; never lab, notice, board or alert."},
    "instrument": {"description": f"An instrument's id, {_SEGMENT}, or `_gateway`, `_manual`."},
    "lab": {"description": f"A lab's id, {_SEGMENT}."},
    "sha256": {"description": "SHA-256 of the payload, in hex."},
    "verb": {"description": "What is asked for.", "enum": [verb.value for verb in Verb]},
    "request": {"description": "The command's own id; begins with the lab's id and a dot."},
}

_CLOUD_EVENT: Json = {
    "type": "object",
    "description": "CloudEvents 1.0 in binary mode: MQTT 5 user properties, beside Content-Type. "
    "An MQTT 3.1.1 connection has none, and nothing in them is needed.",
    "properties": {
        "specversion": {"type": "string", "const": "1.0"},
        "id": {"type": "string", "description": "Names this message."},
        "source": {"type": "string", "description": "The sender's topic prefix."},
        "type": {"type": "string", "description": "The payload's schema."},
        "time": {"type": "string", "format": "date-time"},
        "subject": {"type": "string", "description": "The sample's number, where there is one."},
    },
}


def asyncapi() -> Json:
    """The whole document, whole in itself."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kuaijian 快检",
            "version": "1.0.0",
            "description": "Rapid-test results of market food-safety stations, as they are "
            "measured and as they are published. The prose is in gateway/wire/README.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "home": {
                "host": "127.0.0.1:1883",
                "protocol": "mqtt",
                "description": "A station's own broker; MQTT 5, or 3.1.1.",
            }
        },
        "channels": {name: _channel(channel) for name, channel in CHANNELS.items()},
        "operations": {
            _operation_name(name, channel): _operation(name, channel)
            for name, channel in CHANNELS.items()
        },
        "components": {
            "parameters": _PARAMETERS,
            "messages": {**{name: _message(name) for name in _spoken()}, "raw": _RAW},
            "schemas": _schemas(),
        },
    }


_RAW: Json = {
    "name": "raw",
    "summary": "Exactly what a delivery was understood from.",
    "contentType": "application/octet-stream",
    "headers": {"$ref": "#/components/schemas/CloudEvent"},
}


def _spoken() -> list[str]:
    return list(dict.fromkeys(name for c in CHANNELS.values() for name in c.messages))


def _channel(channel: Channel) -> Json:
    named = [name for name in _PARAMETERS if f"{{{name}}}" in channel.address]
    return {
        "address": channel.address,
        "description": channel.says,
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in named},
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in channel.messages or ("raw",)
        },
    }


def _operation_name(name: str, channel: Channel) -> str:
    verb = "send" if channel.sent else "receive"
    return f"{verb}{name[0].upper()}{name[1:]}"


def _operation(name: str, channel: Channel) -> Json:
    return {
        "action": "send" if channel.sent else "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "bindings": {"mqtt": {"qos": 1, "retain": channel.retained, "bindingVersion": "0.2.0"}},
    }


def _message(name: str) -> Json:
    model = MODELS[name]
    examples = [
        {"name": title, "payload": example.body()}
        for title, example in EXAMPLES.items()
        if type(example) is model
    ]
    return {
        "name": name,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEvent"},
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "examples": examples,
    }


def _schemas() -> Json:
    _, found = models_json_schema(
        [(MODELS[name], "validation") for name in _spoken()],
        by_alias=True,
        ref_template="#/components/schemas/{model}",
        schema_generator=AsOnTheWire,
    )
    return {"CloudEvent": _CLOUD_EVENT, **found["$defs"]}
