"""An ASTM analyser played by hand, byte by byte, over a pty or a socket.

Written from E1381 for the tests: it sends what it is told and says what it heard.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

ENQ, ACK, NAK, EOT = b"\x05", b"\x06", b"\x15", b"\x04"
ANSWER_WITHIN = 10.0
"""Seconds; the standard waits 15."""


class Line(Protocol):
    """One end of a cable."""

    def write(self, words: bytes) -> None: ...

    def read(self, count: int, seconds: float = ANSWER_WITHIN) -> bytes: ...


class SocketLine:
    """A TCP connection to a gateway that listens, dialled until it does."""

    def __init__(self, port: int, seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), 2)
                # Else the kernel gathers what we say in small pieces on purpose.
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def write(self, words: bytes) -> None:
        self._socket.sendall(words)

    def read(self, count: int, seconds: float = ANSWER_WITHIN) -> bytes:
        self._socket.settimeout(seconds)
        heard = b""
        try:
            while len(heard) < count and (more := self._socket.recv(count - len(heard))):
                heard += more
        except (TimeoutError, ConnectionError):
            pass
        return heard

    def close(self) -> None:
        self._socket.close()


def checksum(words: bytes) -> bytes:
    """Two upper-case hex digits over everything from the frame number to ETX or ETB."""
    return b"%02X" % (sum(words) % 256)


def frame(number: int, text: bytes, ending: bytes = b"\x03") -> bytes:
    """One frame: STX, number, text, ETX or ETB, checksum, CR LF."""
    words = b"%d" % (number % 8) + text + ending
    return b"\x02" + words + checksum(words) + b"\r\n"


def frames(records: Sequence[bytes], longest: int = 240) -> list[bytes]:
    """A message as frames, a record each, long ones in several ending with ETB."""
    made: list[bytes] = []
    for record in records:
        text = record + b"\r"
        pieces = [text[at : at + longest] for at in range(0, len(text), longest)]
        for piece in pieces:
            ending = b"\x03" if piece is pieces[-1] else b"\x17"
            made.append(frame(len(made) + 1, piece, ending))
    return made


def message(
    sample: str,
    value: str,
    *,
    code: str = "OPC-INH",
    unit: str = "%",
    at: str = "",
    purpose: str = "",
) -> list[bytes]:
    """One result: H, P, O, R, L."""
    texts = (
        r"H|\^&|||FSRA-24^SN1|||||||P|LIS2-A2|",
        "P|1",
        f"O|1|{sample}||^^^{code}|R||||||{purpose}",
        f"R|1|^^^{code}|{value}|{unit}||N||F||||{at}",
        "L|1|N",
    )
    return [text.encode() for text in texts]


def chunks(words: bytes, seed: int) -> Iterable[bytes]:
    """The bytes in random pieces."""
    dice = random.Random(seed)
    at = 0
    while at < len(words):
        step = dice.randint(1, 40)
        yield words[at : at + step]
        at += step


class Analyser:
    """Sends messages and waits for each answer."""

    def __init__(self, line: Line, seed: int = 1) -> None:
        self.line, self._seed = line, seed

    def bid(self, tries: int = 20) -> bytes:
        """ENQ until someone answers; returns the answer, empty for none."""
        for _ in range(tries):
            self.line.write(ENQ)
            if answer := self.line.read(1, 0.5):
                return answer
        return b""

    def say(self, one: bytes) -> bytes:
        """Send a frame in random pieces; returns the answer, empty for none."""
        self._seed += 1
        for piece in chunks(one, self._seed):
            self.line.write(piece)
        return self.line.read(1)

    def send(self, made: Sequence[bytes], tries: int = 6) -> bool:
        """A whole session; True when its last frame was acknowledged."""
        if self.bid() != ACK:
            return False
        for one in made:
            if not any(self.say(one) == ACK for _ in range(tries)):
                return False
        self.line.write(EOT)
        return True
