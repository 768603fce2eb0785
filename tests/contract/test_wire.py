"""G3, G6, G13: the files that third parties build on say what the models say."""

import importlib
import json
import pkgutil
import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml

import gateway.wire
from gateway.wire.generate import FOLDER, files, stale, write
from gateway.wire.generate.examples import EXAMPLES
from gateway.wire.generate.shapes import MODELS, schema_of
from gateway.wire.model import Wire
from gateway.wire.result import Result
from gateway.wire.stream import Link, body_sha256, chain_after, first_link
from gateway.wire.topics import GatewayTopics, StationTopics, address_of

NAMED = {model: name for name, model in MODELS.items()}

# As DESIGN.md §5.4 prints it, with its abbreviations filled in: older writers send no more.
PUBLISHED_EXAMPLE = """
{"schema": "kuaijian.result/1", "id": "8e1d3a52-43f0-5d0a-9c55-6a1f2b1f0a01", "revision": 1,
 "reason": null, "source": "instrument", "demo": false,
 "region": "210112", "station": "s0007", "gateway": "gw1", "epoch": 5201314077, "seq": 184467,
 "was": null, "based_on": null,
 "instrument": {"id": "pest-1", "maker": "Dayuan", "model": "DY-3000", "serial": null,
                "profile": "dayuan-dy03ff", "profile_version": 3},
 "sample": {"number": "N0120261123-0001", "channel": "3", "food": "01040201",
            "site": "hunnan-market", "stall": "A-013", "origin": "x", "run": "y"},
 "test": {"item": "opc-inhibition", "method": "INH", "standard": "GB/T 5009.199-2003",
          "purpose": "routine", "basis": "self_check", "repeat_of": null, "rerun_of": null,
          "kit": {"lot": "z", "expiry": "2027-03-31"}},
 "value": {"as_reported": "12.6", "number": "12.6", "comparator": "=", "unit": "%", "grade": null},
 "signals": {"control_delta_a": "0.596"},
 "verdict": {"outcome": "pass", "reported": "合格", "rule": "opc-inhibition-gbt5009.199",
             "rules_version": "2026.11",
             "limit": {"pass_when": "lt", "number": "50", "unit": "%"}, "verified_rule": false},
 "qc": {"control": "ok", "kit": "ok", "calibration": null},
 "measured_at": "2026-11-23T06:45:12+08:00", "received_at": "2026-11-23T06:45:14.120+08:00",
 "effective_at": {"at": "2026-11-23T06:45:12+08:00", "from": "instrument"},
 "clock": {"instrument_text": "26-11-23 06:45:12", "offset_s": "-1.8", "synchronised": true},
 "raw_sha256": "00", "chain": "00", "flags": ["verdicts-disagree"]}
"""


def checker(name: str) -> jsonschema.Draft202012Validator:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


@cache
def document() -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / "asyncapi.yaml").read_text("utf-8")))


def test_what_is_checked_in_is_what_the_models_say() -> None:
    assert stale() == []


def test_generating_twice_gives_the_same_files() -> None:
    assert files() == files()


def test_a_file_that_belongs_to_nothing_is_stale_and_taken_away(tmp_path: Path) -> None:
    write(tmp_path)
    left = tmp_path / "schemas" / "of-yesterday.json"
    left.write_text("{}", encoding="utf-8")

    assert (stale(tmp_path), write(tmp_path)) == (["schemas/of-yesterday.json"],) * 2
    assert not left.exists()


def test_a_changed_file_is_stale(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "asyncapi.yaml").write_text("", encoding="utf-8")

    assert stale(tmp_path) == ["asyncapi.yaml"]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_an_example(name: str) -> None:
    assert MODELS[name] in {type(example) for example in EXAMPLES.values()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid_against_its_schema(name: str) -> None:
    found = json.loads((FOLDER / "examples" / f"{name}.json").read_text("utf-8"))

    checker(NAMED[type(EXAMPLES[name])]).validate(found)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_read_back_as_it_was(name: str) -> None:
    found = (FOLDER / "examples" / f"{name}.json").read_text("utf-8")

    assert type(EXAMPLES[name]).model_validate_json(found) == EXAMPLES[name]


def test_the_published_example_is_valid_and_is_read() -> None:
    payload = json.loads(PUBLISHED_EXAMPLE)
    checker("result").validate(payload)

    assert Result.model_validate(payload).verdict.outcome == "pass"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_schema_tolerates_fields_that_are_not_known_yet(name: str) -> None:
    later = _with_a_new_field(EXAMPLES[name].body())

    checker(NAMED[type(EXAMPLES[name])]).validate(later)


def _with_a_new_field(value: Any) -> Any:
    """`value` with one more field in every object that is not a map of names."""
    if isinstance(value, dict):
        grown = {key: _with_a_new_field(inner) for key, inner in value.items()}
        return grown | {"x_new": None} if value.keys() & {"schema", "id", "n", "code"} else grown
    return [_with_a_new_field(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("result", {"verdict": None}),
        ("result", {"schema": "kuaijian.result/2"}),
        ("result", {"source": "guess"}),
        ("result", {"flags": ["odd"]}),
        ("result", {"seq": 0}),
        ("result", {"received_at": 5}),
        ("result", {"value": {"as_reported": "1", "number": 1, "comparator": "="}}),
        ("absent", {"reason": "lost"}),
        ("status", {"state": "asleep"}),
        ("notice", {"deed": "deleted"}),
    ],
)
def test_a_schema_refuses_what_the_model_refuses(name: str, change: dict[str, object]) -> None:
    payload = EXAMPLES[name].body() | change

    assert not checker(name).is_valid(payload)


def _kind_of(model: type[Wire]) -> str | None:
    """What `schema` says in a model's messages; None for a part of one, or an SSE event."""
    field = model.model_fields.get("schema_")
    return str(get_args(field.annotation)[0]) if field else None


@pytest.mark.parametrize("name", [name for name in MODELS if name != "heartbeat"])
def test_a_message_names_its_schema(name: str) -> None:
    schema = schema_of(name)

    assert "schema" in schema["required"]
    assert schema["properties"]["schema"]["const"] == _kind_of(MODELS[name])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("field", ["number", "offset_s"])
def test_a_measured_number_is_a_string_in_every_schema(name: str, field: str) -> None:
    shapes = schema_of(name).get("$defs", {})
    numbers = [
        shape["properties"][field]
        for kind, shape in shapes.items()
        if kind in ("Value", "Limit", "Clock") and field in shape["properties"]
    ]

    assert all('"string"' in json.dumps(number) for number in numbers)
    assert not any('"number"' in json.dumps(number) for number in numbers)


def _every_model() -> set[type[Wire]]:
    for module in pkgutil.iter_modules(gateway.wire.__path__, "gateway.wire."):
        importlib.import_module(module.name)
    waiting, found = [Wire], set[type[Wire]]()
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        # A program may build on a model for itself; that does not travel.
        if model.__module__.startswith("gateway.wire."):
            found.add(model)
    return found


def test_every_model_that_names_a_schema_has_one() -> None:
    travelling = {
        kind
        for model in _every_model()
        if model not in MODELS.values() and (kind := _kind_of(model))
    }

    # The bare envelope and a body without its place are parts of what travels.
    assert travelling == {"kuaijian.command/1", "kuaijian.missed/1", "kuaijian.result/1"}


def test_every_topic_is_a_channel_with_its_retention() -> None:
    operations = document()["operations"].values()
    channels = document()["channels"]
    found = {
        channels[one["channel"]["$ref"].rpartition("/")[2]]["address"]: one["bindings"]["mqtt"]
        for one in operations
    }
    root = "kuaijian/v1/{pp}/{cc}/{dd}/{station}"

    assert {address: kept["retain"] for address, kept in found.items()} == {
        f"{root}/{{gateway}}/result/{{instrument}}": False,
        f"{root}/{{gateway}}/raw/{{sha256}}": False,
        f"{root}/{{gateway}}/status": True,
        f"{root}/{{gateway}}/status/{{instrument}}": True,
        f"{root}/{{gateway}}/receipt/{{lab}}": True,
        f"{root}/{{gateway}}/command/{{verb}}": False,
        f"{root}/{{gateway}}/reply/{{request}}": False,
        f"{root}/lab/{{lab}}/status": True,
        f"{root}/notice": False,
        f"{root}/board": True,
    }
    assert {kept["qos"] for kept in found.values()} == {1}


def test_no_topic_of_the_programs_is_left_out() -> None:
    kinds = {
        name
        for owner in (StationTopics, GatewayTopics)
        for name, member in vars(owner).items()
        if not name.startswith("_") and callable(member)
    }
    channels = set(document()["channels"])

    assert {re.sub("_(.)", lambda m: m[1].upper(), kind) for kind in kinds} <= channels


def test_every_parameter_of_an_address_is_described() -> None:
    for channel in document()["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])


def test_every_reference_in_the_document_leads_somewhere() -> None:
    whole = document()
    for reference in re.findall(
        r"\$ref: '#/([^']+)'", (FOLDER / "asyncapi.yaml").read_text("utf-8")
    ):
        target: Any = whole
        for step in reference.split("/"):
            target = target[step]
        assert target


def test_an_address_with_names_filled_in_is_one_that_the_programs_take_apart() -> None:
    filled = {"pp": "21", "cc": "01", "dd": "12", "station": "s0007", "gateway": "gw1"}
    addresses = [
        channel["address"].format_map(filled | dict.fromkeys(channel["parameters"], "x") | filled)
        for name, channel in document()["channels"].items()
        if "{gateway}" in channel["address"]
    ]

    assert [address for address in addresses if address_of(address) is None] == []


def test_the_examples_of_one_stream_make_the_chain_that_the_readme_prints() -> None:
    previous, printed = first_link(7), (FOLDER / "README.md").read_text("utf-8")
    for name in ("result-unassigned", "result-assigned"):
        entry = json.loads((FOLDER / "examples" / f"{name}.json").read_text("utf-8"))
        digest = body_sha256(entry)
        previous = chain_after(
            previous,
            Link(7, entry["seq"], entry["id"], entry["revision"], entry["raw_sha256"], digest),
        )

        assert entry["chain"] == previous
        assert f"| {entry['seq']} | `{digest}` | `{previous}` |" in printed


@pytest.mark.parametrize("channel", document()["channels"].values(), ids=document()["channels"])
def test_the_readme_names_every_topic(channel: dict[str, Any]) -> None:
    below = channel["address"].removeprefix("kuaijian/v1/{pp}/{cc}/{dd}/{station}/")

    assert f"| `{below}` |" in (FOLDER / "README.md").read_text("utf-8")
