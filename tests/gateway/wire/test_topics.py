import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.wire.topics import (
    RESERVED,
    Address,
    GatewayTopics,
    StationTopics,
    address_of,
    region_path,
)

NAME = some.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True)
REGION = some.from_regex(r"[0-9]{6}", fullmatch=True)
GATEWAYS = some.builds(
    GatewayTopics, region=REGION, station=NAME, gateway=NAME.filter(lambda n: n not in RESERVED)
)

TOPICS = GatewayTopics("210112", "s0007", "gw1")


def test_the_topics_of_a_gateway() -> None:
    assert [
        TOPICS.result("pest-1"),
        TOPICS.raw("ab12"),
        TOPICS.status(),
        TOPICS.status("pest-1"),
        TOPICS.receipt("lab1"),
        TOPICS.command("run"),
        TOPICS.reply("lab1.7"),
    ] == [
        "kuaijian/v1/21/01/12/s0007/gw1/result/pest-1",
        "kuaijian/v1/21/01/12/s0007/gw1/raw/ab12",
        "kuaijian/v1/21/01/12/s0007/gw1/status",
        "kuaijian/v1/21/01/12/s0007/gw1/status/pest-1",
        "kuaijian/v1/21/01/12/s0007/gw1/receipt/lab1",
        "kuaijian/v1/21/01/12/s0007/gw1/command/run",
        "kuaijian/v1/21/01/12/s0007/gw1/reply/lab1.7",
    ]


def test_the_topics_of_a_station() -> None:
    topics = StationTopics("210112", "s0007")

    assert [topics.notice(), topics.board(), topics.lab_status("lab1")] == [
        "kuaijian/v1/21/01/12/s0007/notice",
        "kuaijian/v1/21/01/12/s0007/board",
        "kuaijian/v1/21/01/12/s0007/lab/lab1/status",
    ]


@given(topics=GATEWAYS, name=NAME)
def test_a_topic_taken_apart_is_what_it_was_made_of(topics: GatewayTopics, name: str) -> None:
    addresses = [
        address_of(topics.result(name)),
        address_of(topics.raw(name)),
        address_of(topics.status()),
        address_of(topics.status(name)),
        address_of(topics.receipt(name)),
        address_of(topics.command(name)),
        address_of(topics.reply(f"{name}.1")),
    ]

    assert addresses == [
        Address(topics, "result", name),
        Address(topics, "raw", name),
        Address(topics, "status", ""),
        Address(topics, "status", name),
        Address(topics, "receipt", name),
        Address(topics, "command", name),
        Address(topics, "reply", f"{name}.1"),
    ]


@given(topic=some.text(max_size=80))
def test_any_topic_at_all_is_taken_apart_or_is_not_ours(topic: str) -> None:
    address = address_of(topic)

    assert address is None or topic.startswith(address.gateway.root)


@pytest.mark.parametrize(
    "topic",
    [
        "kuaijian/v2/21/01/12/s0007/gw1/status",
        "kuaijian/v1/21/01/12/s0007/lab/lab1/status",
        "kuaijian/v1/21/01/12/s0007/notice",
        "kuaijian/v1/2x/01/12/s0007/gw1/status",
        "kuaijian/v1/21/01/12/S0007/gw1/status",
        "kuaijian/v1/21/01/12/s0007/gw1/status/a/b",
        "kuaijian/v1/21/01/12/s0007//status",
    ],
)
def test_a_topic_that_is_no_gateways_has_no_address(topic: str) -> None:
    assert address_of(topic) is None


@pytest.mark.parametrize("region", ["", "2101", "21011x", "2101122", "21/112"])
def test_a_region_of_the_wrong_shape_is_refused_and_shown(region: str) -> None:
    with pytest.raises(ValueError, match=r"a region of six digits expected, .* found"):
        region_path(region)
