"""Record + profile → readings with their identity (CUSTODY.md 3, 4); recordings → deliveries.

Pure. A profile says where things stand; what stands there is taken as it was sent, trimmed, and
nothing is made up: what is empty, or `""`, is null. One named catch, in `handed_over`, stands
around it all, so that a bug in a quirk costs a result its meaning and never its bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from hashlib import sha256

from drivers.errors import shown
from drivers.profile import AstmProfile, Dy03ffProfile, ModbusProfile, Profile, profile_named
from drivers.protocols.astm_recording import recorded_messages
from drivers.quirks import QUIRKS
from drivers.reading import Delivery, Query, Reading, Settlement
from drivers.understand import astm, dy03ff, dy03ff_recording, modbus, modbus_recording

__all__ = ["Decoded", "decode", "decode_file", "handed_over", "query_of", "shown", "understand"]


def understand(profile: Profile, record: bytes) -> tuple[Reading, ...]:
    """The readings of one record, in order; none for a query or an order.

    Raises what a quirk raises, and ValueError for a record of no known shape.
    """
    match profile:
        case AstmProfile():
            readings = astm.readings_of(profile, record)
        case Dy03ffProfile():
            readings = dy03ff.readings_of(profile, record)
        case ModbusProfile():
            readings = modbus.readings_of(profile, record)
        case _:
            raise TypeError(f"a profile that can be understood expected, {profile.protocol} found")
    return QUIRKS[profile.quirk](readings, record) if profile.quirk else readings


async def _nobody_waits(settlement: Settlement) -> None:
    """Settle what nobody waits for."""


def handed_over(
    profile: Profile,
    record: bytes,
    settle: Callable[[Settlement], Awaitable[None]] = _nobody_waits,
    *,
    occurrence: int | None = None,
    device_serial: str | None = None,
) -> Delivery:
    """Wrap a whole record as a delivery, understood or not.

    `occurrence` says which of the equal records of its list it is; `device_serial` what the
    instrument said beside the record.
    """
    try:
        readings = understand(profile, record)
        if isinstance(profile, AstmProfile):
            device_serial = astm.device_serial(profile, record)
        elif isinstance(profile, ModbusProfile):
            device_serial = modbus.device_serial(profile, record)
    except Exception as fault:  # noqa: BLE001 the one catch around understanding (DESIGN.md §6)
        why = f"not understood: {type(fault).__name__}: {fault}"
        return Delivery((), shown(why), record, settle, device_serial)
    if occurrence is not None:
        readings = tuple(replace(reading, occurrence=occurrence) for reading in readings)
    return Delivery(readings, None, record, settle, device_serial)


def query_of(profile: Profile, record: bytes) -> Query:
    """What an instrument asks its host."""
    if not isinstance(profile, AstmProfile):
        raise TypeError(f"a profile whose instrument asks expected, {profile.protocol} found")
    return astm.query_of(profile, record)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a recording holds."""

    lines: list[dict[str, object]]
    """One JSON object a reading, in order (DESIGN.md §5.1)."""
    faults: list[str]
    """What could not be understood, each in one line."""


def decode(profile: Profile, recording: bytes, name: str = "-") -> list[Delivery]:
    """Every record of a recording as a delivery, in order.

    An ASTM recording may lack link control; for an instrument that is asked, the recording holds
    its answers. `name` tells a container of registers by its ending.
    """
    if isinstance(profile, ModbusProfile):
        return [
            Delivery((), page.fault, page.octets)
            if page.fault
            else handed_over(profile, page.octets)
            for page in modbus_recording.recorded_pages(profile.registers, recording, name)
        ]
    if isinstance(profile, Dy03ffProfile):
        return [
            Delivery((), recorded.fault, recorded.octets)
            if recorded.fault
            else handed_over(profile, recorded.octets)
            for recorded in dy03ff_recording.recorded_answers(recording)
        ]
    return [
        Delivery((), recorded.fault, recorded.text)
        if recorded.fault
        else handed_over(profile, recorded.text)
        for recorded in recorded_messages(recording)
    ]


def decode_file(profile: str, content: bytes, *, as_hex: bool = False, name: str = "-") -> Decoded:
    """Decode a file's bytes for `kj-gateway decode`. Raises ProfileError for an unknown profile."""
    known = profile_named(profile)
    try:
        recording = _from_hex(content) if as_hex or name.endswith(".hex") else content
    except ValueError as fault:
        return Decoded([], [f"{name}: hex digits expected, {fault}"])
    deliveries = decode(known, recording, name)
    faults = [f"{name}: {delivery.fault}" for delivery in deliveries if delivery.fault]
    if not deliveries and (expected := _expected(known, recording, name)):
        faults = [f"{name}: {expected} expected, none found in {len(content)} bytes"]
    return Decoded([_line(one, reading) for one in deliveries for reading in one.readings], faults)


def _expected(profile: Profile, recording: bytes, name: str) -> str | None:
    """What a recording without any record should have held; None where it may well hold none."""
    if isinstance(profile, ModbusProfile):
        has_answers = modbus_recording.holds_answers(recording, name)
        return None if has_answers else "an answer of a Modbus instrument"
    if not isinstance(profile, Dy03ffProfile):
        return "a message with an H record"
    return None if dy03ff_recording.holds_frames(recording) else "an answer that begins with 03 FE"


def _from_hex(content: bytes) -> bytes:
    """Hex digits with blanks; a line may begin with a time stamp. Raises ValueError."""
    text = content.decode("ascii", "replace")
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b"".join(
            bytes.fromhex(line.split()[-1]) for line in text.splitlines() if line.split()
        )


def _line(delivery: Delivery, reading: Reading) -> dict[str, object]:
    return {
        "item": reading.item,
        "value": reading.value,
        "unit": reading.unit,
        "reported": reading.reported,
        "sample": reading.sample,
        "channel": reading.channel,
        "measured_at": reading.measured_at,
        "extras": dict(reading.extras),
        "raw_sha256": sha256(delivery.raw).hexdigest(),
    }
