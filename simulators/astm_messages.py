"""What an analyser says: the records of ASTM E1394 / CLSI LIS2-A2, written, never read.

A message is H, then per sample P, O, R and C, and ends with L. Fields are divided by ``|``,
components by ``^``, repeats by ``\\``; a delimiter inside a text is written as an escape.
Times are the analyser's own clock: local, without an offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

DELIMITERS = r"|\^&"
_ESCAPES = {"|": "&F&", "^": "&S&", "\\": "&R&", "&": "&E&"}
_UNSENDABLE = frozenset("\x01\x02\x03\x04\x05\x06\x10\x11\x12\x13\x14\x15\x16\x17\n\r")
"""Characters the low level forbids in a text, and <CR>, which would end the record."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready for the wire: what is acknowledged as a whole or not at all."""

    name: str
    """For whoever counts: the sample's number, or what else it is about."""
    records: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Maker:
    """Who speaks: the header's sender field, and how its text is encoded."""

    model: str = "FSRA-24"
    serial: str = "SN24A0117"
    version: str = "V2.3"
    receiver: str = "GW01"
    encoding: str = "ascii"
    """`gbk` is common in Chinese readers; it is said nowhere on the wire."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """What the tube's label says."""

    number: str
    position: str = ""
    stall: str = ""
    descriptor: str = ""
    requested: datetime | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One value, as the analyser prints it."""

    code: str
    value: str
    unit: str
    completed: datetime
    reference: str = ""
    flag: str = ""
    status: str = "F"
    operator: str = ""
    dilution: str = ""
    remark: str = ""


def escaped(text: str) -> str:
    """Return the text as it may stand in a field.

    >>> escaped("salt & pepper")
    'salt &E& pepper'
    """
    written = []
    hidden = ""
    for character in text:
        if character in _UNSENDABLE:
            hidden += f"{ord(character):02X}"
            continue
        if hidden:
            written.append(f"&X{hidden}&")
            hidden = ""
        written.append(_ESCAPES.get(character, character))
    return "".join(written) + (f"&X{hidden}&" if hidden else "")


def result_message(
    maker: Maker,
    specimen: Specimen,
    measured: Sequence[Measured],
    at: datetime,
    *,
    control: bool = False,
) -> Message:
    """Return one sample's results. With `control`, processing id Q and action code Q mark QC."""
    order = _order(specimen, measured[0], control=control)
    records = [
        _header(maker, at, processing="Q" if control else "P"),
        _record("P", "1", "", "", "", escaped(specimen.stall) + "^stall" if specimen.stall else ""),
        order,
    ]
    for number, one in enumerate(measured, start=1):
        records.append(_result(number, one, maker))
        if one.remark:
            records.append(_record("C", "1", "I", escaped(one.remark), "G"))
    return _message(specimen.number, maker, [*records, _record("L", "1", "N")])


def query_message(maker: Maker, number: str, at: datetime) -> Message:
    """Return the question "what is to be done with this barcode?"."""
    records = [
        _header(maker, at),
        _record("Q", "1", "^" + escaped(number), "", "ALL", *[""] * 7, "O"),
        _record("L", "1", "N"),
    ]
    return _message(f"query {number}", maker, records)


def corrected(message: Message) -> Message:
    """Return the message with every result marked as a correction (R.9 = C)."""
    records = []
    for record in message.records:
        fields = record.split(b"|")
        if fields[0] == b"R":
            fields[8] = b"C"
        records.append(b"|".join(fields))
    return replace(message, records=tuple(records))


def _header(maker: Maker, at: datetime, processing: str = "P") -> str:
    sender = "^".join(map(escaped, (maker.model, maker.serial, maker.version)))
    to = escaped(maker.receiver)
    # The delimiters are declared, not escaped: this one record is put together by hand.
    return f"H{DELIMITERS}|||{sender}|||||{to}||{processing}|LIS2-A2|{_clock(at)}"


def _order(specimen: Specimen, first: Measured, *, control: bool) -> str:
    test = f"^^^{escaped(first.code)}" + (f"^{first.dilution}" if first.dilution else "")
    label = escaped(specimen.number) + (f"^{specimen.position}" if specimen.position else "")
    requested = _clock(specimen.requested) if specimen.requested else ""
    action = "Q" if control else ""
    fields = ["1", label, "", test, "R", requested, "", "", "", "", action]
    return _record("O", *fields, "", "", "", escaped(specimen.descriptor))


def _result(number: int, one: Measured, maker: Maker) -> str:
    return _record(
        "R",
        str(number),
        f"^^^{escaped(one.code)}",
        escaped(one.value),
        escaped(one.unit),
        escaped(one.reference),
        one.flag,
        "",
        one.status,
        "",
        escaped(one.operator),
        "",
        _clock(one.completed),
        escaped(maker.model),
    )


def _record(*fields: str) -> str:
    """Join fields; empty ones at the end may be left out, and are."""
    return "|".join(fields).rstrip("|")


def _message(name: str, maker: Maker, records: Sequence[str]) -> Message:
    return Message(name, tuple((record + "\r").encode(maker.encoding) for record in records))


def _clock(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S")
