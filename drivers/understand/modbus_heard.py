"""What registers were answered in a recording of Modbus, however it was made.

Frames of both directions or the answers alone, RTU or TCP, as bytes or in a CSV with a column
`hex`; or registers as JSON lines with `method`, `address` and `response_words`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drivers.protocols.register_blocks import Block

_METHODS = {
    "read_coils": 1,
    "read_discrete_inputs": 2,
    "read_holding_registers": 3,
    "read_input_registers": 4,
}
_HEADER = 7
"""Bytes of a TCP frame before its PDU."""
_SHORTEST = 5
"""Bytes of the shortest RTU frame: a refusal."""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Registers whose question was not heard, so that nobody says where they stand."""

    function: int
    words: tuple[int, ...]
    """Of coils always a multiple of eight."""


def heard_in(content: bytes, name: str) -> Iterator[Block | Unplaced]:
    """Every answer of a recording, in order; `name` tells the container by its ending.

    Raises ValueError for a container that is not what its name says.
    """
    if name.endswith(".jsonl"):
        yield from _rows(content)
    elif name.endswith(".csv"):
        yield from _rtu(_hex_column(content))
    elif _is_tcp(content):
        yield from _tcp(content)
    else:
        yield from _rtu(content)


# -- containers ----------------------------------------------------------------------------------


def _rows(content: bytes) -> Iterator[Block]:
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        row = _row(number, line)
        if (function := _METHODS.get(str(row.get("method")))) is not None:
            yield _block(number, function, row)


def _row(number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise ValueError(f"line {number}: a JSON object expected, {line[:40]!r} found")
    return row


def _block(number: int, function: int, row: dict[str, Any]) -> Block:
    address, words = row.get("address"), row.get("response_words")
    if not isinstance(address, int) or not isinstance(words, list) or not words:
        raise ValueError(f"line {number}: address and response_words expected, {row} found")
    if not 0 <= address <= 0xFFFF or not all(
        isinstance(word, int) and 0 <= word <= 0xFFFF for word in words
    ):
        raise ValueError(f"line {number}: numbers of 16 bits expected, {row} found")
    return Block(function, address, tuple(words))


def _hex_column(content: bytes) -> bytes:
    rows = csv.DictReader(content.decode("utf-8", "replace").splitlines())
    if "hex" not in (rows.fieldnames or ()):
        raise ValueError(f"a column hex expected, {','.join(rows.fieldnames or ())!r} found")
    try:
        return b"".join(bytes.fromhex(row["hex"] or "") for row in rows)
    except ValueError as fault:
        raise ValueError(f"hex digits expected, {fault}") from None


# -- frames --------------------------------------------------------------------------------------


def crc(frame: bytes) -> bytes:
    """The CRC-16 of a frame as it is sent, low byte first (Modbus over Serial Line 1.02, 6.2.2).

    >>> crc(bytes.fromhex("01 03 00 00 00 0A")).hex()
    'c5cd'
    """
    register = 0xFFFF
    for byte in frame:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register.to_bytes(2, "little")


def _rtu(octets: bytes) -> Iterator[Block | Unplaced]:
    """Of the frames whose CRC is right; what stands between them is passed over."""
    asked = b""
    at = 0
    while at + _SHORTEST <= len(octets):
        frame = next(_sound(octets, at), None)
        if frame is None:
            at += 1
            continue
        at += len(frame)
        said = frame[:-2]
        if _is_answer(said[1:]):
            question = asked[1:] if asked[:1] == said[:1] else b""
            yield _answered(said[1:], question)
        asked = said


def _sound(octets: bytes, at: int) -> Iterator[bytes]:
    """What may begin there, by its function: a question, an answer, a refusal."""
    for length in _lengths(octets[at : at + 7]):
        frame = octets[at : at + length]
        if len(frame) == length and crc(frame[:-2]) == frame[-2:]:
            yield frame


def _lengths(begins: bytes) -> tuple[int, ...]:
    """How long a frame that begins so may be with its CRC."""
    function, third = begins[1], begins[2]
    if 1 <= function <= 4:
        return 8, 5 + third
    if function in (15, 16):
        return (8, 9 + begins[6]) if len(begins) == 7 else (8,)
    if function in (5, 6):
        return (8,)
    return (5,) if function > 0x80 else ()


def _is_tcp(octets: bytes) -> bool:
    """Whether it begins as a TCP frame does, and not with a frame whose CRC is right."""
    length = int.from_bytes(octets[4:6], "big")
    fits = octets[2:4] == b"\0\0" and 3 <= length <= min(254, len(octets) - 6)
    return fits and next(_sound(octets, 0), None) is None


def _tcp(octets: bytes) -> Iterator[Block | Unplaced]:
    asked: dict[bytes, bytes] = {}
    while len(octets) > _HEADER:
        end = 6 + int.from_bytes(octets[4:6], "big")
        transaction, said = octets[:2], octets[7:end]
        if _is_answer(said):
            yield _answered(said, asked.get(transaction, b""))
        asked[transaction] = said
        octets = octets[end:]


def _is_answer(said: bytes) -> bool:
    return len(said) > 2 and 1 <= said[0] <= 4 and len(said) == 2 + said[1]


def _answered(said: bytes, question: bytes) -> Block | Unplaced:
    function, words = said[0], _words(said[0], said[2:])
    if len(question) == 5 and question[0] == function:
        address, count = int.from_bytes(question[1:3], "big"), int.from_bytes(question[3:5], "big")
        if 0 < count <= len(words):
            return Block(function, address, words[:count])
    return Unplaced(function, words)


def _words(function: int, content: bytes) -> tuple[int, ...]:
    if function > 2:
        pairs = range(0, len(content) - 1, 2)
        return tuple(int.from_bytes(content[at : at + 2], "big") for at in pairs)
    return tuple(byte >> bit & 1 for byte in content for bit in range(8))
