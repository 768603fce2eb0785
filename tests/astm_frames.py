"""Recordings made playable: records out of a recording, and frames for a strict receiver.

Written from E1381 / LIS1-A and E1394 / LIS2-A2 alone, and from nothing of the drivers: a recording
that lacks link control is framed again here before it is sent.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

ENQ, ACK, NAK, EOT = b"\x05", b"\x06", b"\x15", b"\x04"
LONGEST_TEXT = 240

_FRAME = re.compile(rb"\x02[0-7]([^\x02\x03\x17]*)([\x03\x17])[0-9A-Fa-f]{2}")
_SHOWN_CONTROL = re.compile(rb"\A(?:\^[A-Z])+(?=[0-7]?H[^0-9A-Za-z])")
_SHOWN_ENDING = re.compile(rb"\^[A-Z](?:[0-9A-F]{2})?")


def messages_of(recording: bytes) -> list[list[bytes]]:
    """The messages of a recording, each as its records; a record ends with its <CR>."""
    text = _text_of(recording)
    lines = [_SHOWN_CONTROL.sub(b"", line) for line in re.split(rb"[\r\n\x04\x05]+", text)]
    records = [line for line in lines if line.strip() and not _SHOWN_ENDING.fullmatch(line)]
    messages: list[list[bytes]] = []
    for record in records:
        if re.match(rb"[0-7]?H[^0-9A-Za-z]", record):
            messages.append([])
        messages[-1].append(re.sub(rb"\A[0-7](?=H)", b"", record) + b"\r")
    return messages


def _text_of(recording: bytes) -> bytes:
    """A recording without its frames; a frame's text ends a record only where it says <CR>."""
    frames = list(_FRAME.finditer(recording))
    if not frames:
        return recording
    return b"".join(
        frame[1] + (b"" if frame[2] == b"\x17" or frame[1].endswith(b"\r") else b"\r")
        for frame in frames
    )


def checksum(counted: bytes) -> bytes:
    """Two upper-case hex digits over FN, text and ending."""
    return f"{sum(counted) & 0xFF:02X}".encode("ascii")


def frame(number: int, text: bytes, ending: bytes = b"\x03") -> bytes:
    """One frame; `number` counts from 1 and is sent modulo 8."""
    counted = b"%d" % (number % 8) + text + ending
    return b"\x02" + counted + checksum(counted) + b"\r\n"


def frames_of(records: Sequence[bytes], *, per_record: bool = True, first: int = 1) -> list[bytes]:
    """Frames of one message: each record by itself, or all of them cut every 240 bytes."""
    texts = list(records) if per_record else [b"".join(records)]
    pieces = [piece for text in texts for piece in _pieces(text)]
    return [frame(number, *piece) for number, piece in enumerate(pieces, start=first)]


def _pieces(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    for start in range(0, len(text), LONGEST_TEXT):
        rest = text[start + LONGEST_TEXT :]
        yield text[start : start + LONGEST_TEXT], b"\x17" if rest else b"\x03"


def session_of(*messages: Sequence[bytes], per_record: bool = True) -> list[bytes]:
    """Everything a sender says for these messages in one session, utterance by utterance."""
    said: list[bytes] = []
    for records in messages:
        said += frames_of(records, per_record=per_record, first=len(said) + 1)
    return [ENQ, *said, EOT]


def re_batched(messages: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
    """The same results in other messages: one message per result, each with its P and O."""
    batches = []
    for records in messages:
        delimiter = records[0][1:2]
        parents: dict[bytes, bytes] = {}
        for record in records:
            kind = record[:1]
            if kind in (b"H", b"P", b"O"):
                parents[kind] = record
                if kind == b"P":
                    parents.pop(b"O", None)
            elif kind == b"R":
                ended = [b"L", b"1", b"N\r"]
                batches.append([*parents.values(), record, delimiter.join(ended)])
    return batches


def in_random_pieces(data: bytes, seed: int) -> list[bytes]:
    """The same bytes in pieces of 1 to 40."""
    choose = random.Random(seed)
    pieces = []
    while data:
        length = choose.randint(1, 40)
        pieces.append(data[:length])
        data = data[length:]
    return pieces
