"""The reader's page, read as a host would between any two of its writes; time is passed in."""

from datetime import datetime

import pytest

from simulators.modbus_analyser import (
    ACKNOWLEDGE,
    CHANNELS,
    FIRST_CHANNEL,
    IDENTITY,
    LATCH,
    SEQUENCE,
    STATE,
    Count,
    Mark,
    Measured,
    ResidueReader,
    Slowness,
    State,
    Status,
)
from simulators.modbus_registers import Refused
from simulators.tubes import CHINA
from tests.vectors import modbus

AT = datetime(2026, 11, 23, 6, 45, 12, tzinfo=CHINA)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(clock: Clock) -> ResidueReader:
    return ResidueReader(clock)


def result(channel: int = 1, value: float = 12.6) -> Measured:
    return Measured(channel, item=1, value=value, at=AT, absorbance=0.596)


def sequence(reader: ResidueReader) -> int:
    return reader.read_registers(SEQUENCE, 1)[0]


def block(reader: ResidueReader, channel: int = 1) -> list[int]:
    return list(reader.read_registers(FIRST_CHANNEL + 16 * (channel - 1), 14))


def is_on(reader: ResidueReader, bit: State) -> bool:
    return bool(reader.read_registers(STATE, 1)[0] & bit)


def test_the_identity_is_ascii_two_characters_a_register(reader: ResidueReader) -> None:
    said = b"".join(word.to_bytes(2, "big") for word in reader.read_registers(IDENTITY, 16))

    assert said == b"RR-8 SN24R0001 V1.0".ljust(32, b"\0")
    assert list(reader.read_registers(CHANNELS, 1)) == [8]


def test_a_result_stands_in_its_channels_block_as_the_map_says(reader: ResidueReader) -> None:
    reader.put(Measured(3, 2, 12.6, AT, 0.596, strip_t=40, strip_c=200, marks=Mark.SUSPICIOUS))
    float32 = modbus.FLOAT_12_6["ABCD"]

    assert block(reader, 3) == [
        *(1, Status.DONE, 2, Mark.SUSPICIOUS),
        *(int.from_bytes(float32[:2], "big"), int.from_bytes(float32[2:], "big")),
        *(0x3F18, 0x9375),
        *(0x2611, 0x2306, 0x4512),
        *(10, 40, 200),
    ]


def test_what_is_not_on_the_map_is_refused(reader: ResidueReader) -> None:
    for address, count in ((0x13, 1), (0x10, 4), (0xFF, 2), (0x180, 1)):
        with pytest.raises(Refused):
            reader.read_registers(address, count)


def test_while_a_result_is_written_its_block_is_half_old_and_half_new(clock: Clock) -> None:
    reader = ResidueReader(clock, slowness=Slowness(page=0.5))
    reader.put(result(value=12.6))
    clock.now += 1
    old = block(reader)
    reader.put(result(value=99.25))
    clock.now += 0.2
    torn, counter = block(reader), sequence(reader)
    clock.now += 0.4
    new = block(reader)

    assert torn not in (old, new)
    assert counter == 2
    assert all(word in (was, becomes) for word, was, becomes in zip(torn, old, new, strict=True))


def test_a_reader_that_counts_last_has_the_old_count_over_a_torn_result(clock: Clock) -> None:
    reader = ResidueReader(clock, slowness=Slowness(page=0.5), counter_first=False)
    reader.put(result())
    clock.now += 0.4

    assert (sequence(reader), block(reader)[0]) == (0, 1)


def test_a_latched_page_is_whole_and_stands_still(clock: Clock) -> None:
    reader = ResidueReader(clock, slowness=Slowness(page=0.5))
    reader.put(result())
    clock.now += 1
    whole = block(reader)
    reader.put(result(value=99.25))
    clock.now += 0.2
    reader.write_coils(LATCH, [True])
    latched = block(reader)
    clock.now += 1

    assert latched == block(reader) == whole
    reader.write_coils(LATCH, [False])
    assert block(reader) != whole


def test_an_acknowledgement_takes_away_the_new_result(reader: ResidueReader) -> None:
    reader.put(result())
    before = is_on(reader, State.NEW_RESULT)
    reader.write_coils(ACKNOWLEDGE, [True])

    assert (before, is_on(reader, State.NEW_RESULT)) == (True, False)
    assert reader.acknowledged == 1
    assert list(reader.read_coils(LATCH, 2)) == [False, False]


def test_an_acknowledgement_of_a_latched_page_leaves_what_came_since(
    reader: ResidueReader,
) -> None:
    reader.put(result())
    reader.write_coils(LATCH, [True])
    reader.put(result(channel=2))
    reader.write_coils(ACKNOWLEDGE, [True])
    reader.write_coils(LATCH, [False])

    assert reader.acknowledged == 1
    assert is_on(reader, State.NEW_RESULT)


def test_a_delayed_write_takes_effect_after_its_time(clock: Clock) -> None:
    reader = ResidueReader(clock, slowness=Slowness(obeying=2))
    reader.put(result())
    reader.write_coils(ACKNOWLEDGE, [True])
    clock.now += 1.9
    pending = list(reader.read_coils(ACKNOWLEDGE, 1)), reader.acknowledged
    clock.now += 0.2
    done = list(reader.read_coils(ACKNOWLEDGE, 1)), reader.acknowledged

    assert (pending, done) == (([True], 0), ([False], 1))


def test_whoever_counts_hears_what_was_acknowledged_once(reader: ResidueReader) -> None:
    heard: list[int] = []
    reader.on_acknowledged = heard.append
    for channel in (1, 2):
        reader.put(result(channel))
    for _ in range(2):
        reader.write_coils(ACKNOWLEDGE, [True])

    assert heard == [2]


@pytest.mark.parametrize(("after_last", "then"), [(Count.FROM_ZERO, 0), (Count.FROM_ONE, 1)])
def test_the_sequence_wraps_after_65535(clock: Clock, after_last: Count, then: int) -> None:
    reader = ResidueReader(clock, count=65534, after_last=after_last)
    shown = []
    for _ in range(2):
        reader.put(result())
        shown.append(sequence(reader))
    reader.write_coils(ACKNOWLEDGE, [True])

    assert shown == [65535, then]
    assert reader.acknowledged == 65536


def test_a_power_cut_leaves_a_counter_at_0_and_an_empty_page(reader: ResidueReader) -> None:
    reader.put(result())
    reader.lose_power()

    assert sequence(reader) == 0
    assert block(reader) == [0] * 14
    assert not is_on(reader, State.NEW_RESULT)


def test_a_result_over_one_that_nobody_took_is_a_loss_that_the_test_can_see(
    reader: ResidueReader,
) -> None:
    for _ in range(3):
        reader.put(result())
    reader.write_coils(ACKNOWLEDGE, [True])
    reader.put(result())

    assert reader.lost == [1, 2]


def test_a_channel_is_free_when_the_host_has_what_it_holds(reader: ResidueReader) -> None:
    reader.put(result(channel=2))
    before = reader.free(1), reader.free(2)
    reader.write_coils(ACKNOWLEDGE, [True])

    assert (before, reader.free(2)) == ((True, False), True)


def test_the_memory_is_full_when_every_channel_waits(reader: ResidueReader) -> None:
    full = []
    for channel in range(1, 9):
        reader.put(result(channel))
        full.append(is_on(reader, State.MEMORY_FULL))

    assert full == [False] * 7 + [True]
