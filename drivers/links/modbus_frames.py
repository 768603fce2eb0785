"""Modbus requests as bytes, and their answers among whatever else is on the line.

pymodbus is the codec; who is asked what, and when, is ours. An answer is taken for one only if
its unit, its function and its length are those that were asked for, on RTU its CRC too, on TCP
its transaction. Everything else is noise: another master's words, an echo, an answer that came
too late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from drivers.protocols.base import Read, Write

_READS: dict[int, type[ModbusPDU]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_ANSWERS = DecodePDU(False)
_RTU = FramerRTU(_ANSWERS)
_TCP = FramerSocket(_ANSWERS)
_REFUSED = 0x80
_HEADER = 8
"""Bytes of a TCP answer up to and with its function."""
_LONGEST_BODY = 254


@dataclass(frozen=True, slots=True)
class Question:
    """One request, and what its answer must look like."""

    unit: int
    step: Read | Write
    transaction: int
    pdu: bytes

    @property
    def function(self) -> int:
        """The function that is asked for."""
        return self.pdu[0]

    @property
    def begins(self) -> bytes:
        """How the PDU of its answer begins: with its length, or the address that was written.

        A coil that goes off by itself may be told as off at once, so that what was written is
        not asked for again.
        """
        if isinstance(self.step, Write):
            return self.pdu[:3]
        size = (self.step.count + 7) // 8 if self.function < 3 else 2 * self.step.count
        return bytes((self.function, size))

    @property
    def length(self) -> int:
        """How long the PDU of its answer is."""
        return 5 if isinstance(self.step, Write) else 2 + self.begins[1]

    def is_answered_by(self, pdu: bytes) -> bool:
        """Whether a PDU is its answer, or a refusal of it."""
        if pdu[:1] == bytes((self.function | _REFUSED,)):
            return len(pdu) == 2
        return len(pdu) == self.length and pdu.startswith(self.begins)


def question(unit: int, step: Read | Write, transaction: int) -> Question:
    """What is sent to do a step."""
    return Question(unit, step, transaction, bytes((step.function,)) + _request(step).encode())


def _request(step: Read | Write) -> ModbusPDU:
    if isinstance(step, Read):
        return _READS[step.function](address=step.address, count=step.count)
    if step.function == 5:
        return WriteSingleCoilRequest(address=step.address, bits=[bool(step.values[0])])
    registers = list(step.values)
    if step.function == 6:
        return WriteSingleRegisterRequest(address=step.address, registers=registers)
    return WriteMultipleRegistersRequest(address=step.address, registers=registers)


def answer_of(asked: Question, pdu: bytes) -> tuple[int, ...]:
    """The registers (or coils) that an answer brings; none for a write. Raises Refused."""
    if pdu[0] & _REFUSED:
        raise Refused(asked, pdu[1])
    if isinstance(asked.step, Write):
        return ()
    decoded = _ANSWERS.decode(pdu)
    assert decoded is not None
    if asked.function < 3:
        return tuple(int(bit) for bit in decoded.bits[: asked.step.count])
    return tuple(decoded.registers)


class Refused(Exception):
    """The unit answered that it will not (Modbus Application Protocol 1.1b3, 7)."""

    def __init__(self, asked: Question, code: int) -> None:
        self.code = code
        super().__init__(f"unit {asked.unit} refuses {_doing(asked.step)}: {_why(code)}")


_WHY = {
    1: "it does not know this function",
    2: "it has no such address",
    3: "it does not take such a value or count",
    4: "it failed",
    5: "it is still working on it",
    6: "it is busy",
    8: "its memory is damaged",
    10: "its serial server knows no way to it",
    11: "its serial server got no answer from it",
}
NOBODY_BEHIND = (10, 11)
"""A serial server's way of saying that a unit does not answer."""


def _why(code: int) -> str:
    return f"{_WHY.get(code, 'for a reason of its own')} (exception {code})"


def _doing(step: Read | Write) -> str:
    if isinstance(step, Read):
        return f"to read {step.count} from 0x{step.address:04X} (function {step.function})"
    return f"to write to 0x{step.address:04X} (function {step.function})"


class OutOfStep(Exception):
    """What comes over a TCP line cannot be frames of Modbus any more."""


class Frames(Protocol):
    """How requests are framed on a line, and answers found."""

    tell_late_answers: bool
    """A frame says which question it answers, so that a late answer is known for one."""

    def frame(self, asked: Question) -> bytes:
        """A request as it is sent."""

    def find(self, heard: bytearray, asked: Question) -> bytes | None:
        """Take the answer's PDU out of what was heard with all before it; None if not there yet.

        Raises OutOfStep. What cannot belong to an answer is dropped.
        """


class RtuFrames:
    """Unit, PDU, CRC: found by what is known of the answer, for silence cannot be measured."""

    tell_late_answers = False

    def __init__(self) -> None:
        self._echoes = False
        """A two-wire adapter that hears itself: seen at the first read, known at every write."""

    def frame(self, asked: Question) -> bytes:
        """A request as it is sent."""
        return _RTU.encode(asked.pdu, asked.unit, 0)

    def find(self, heard: bytearray, asked: Question) -> bytes | None:
        """Take the answer's PDU out of what was heard; None if it is not there yet."""
        self._drop_echo(heard, asked)
        refusal = bytes((asked.unit, asked.function | _REFUSED))
        for begins, length in ((bytes((asked.unit,)) + asked.begins, asked.length), (refusal, 2)):
            at = heard.find(begins)
            while at >= 0:
                end = at + 1 + length + 2
                whole = bytes(heard[at:end])
                if end <= len(heard) and _is_sound(whole):
                    del heard[:end]
                    return whole[1:-2]
                at = heard.find(begins, at + 1)
        # What came before cannot be the beginning of an answer any more, nor of an echo.
        del heard[: max(0, len(heard) - max(asked.length + 3, len(self.frame(asked))))]
        return None

    def _drop_echo(self, heard: bytearray, asked: Question) -> None:
        sent = self.frame(asked)
        if isinstance(asked.step, Read) and heard.startswith(sent):
            self._echoes = True
        if self._echoes and heard.startswith(sent):
            del heard[: len(sent)]


def _is_sound(frame: bytes) -> bool:
    return FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))


class TcpFrames:
    """Transaction, length, unit, PDU."""

    tell_late_answers = True

    def frame(self, asked: Question) -> bytes:
        """A request as it is sent."""
        return _TCP.encode(asked.pdu, asked.unit, asked.transaction)

    def find(self, heard: bytearray, asked: Question) -> bytes | None:
        """Take the answer's PDU out of what was heard; an answer to something else is dropped."""
        while len(heard) >= _HEADER:
            length = int.from_bytes(heard[4:6], "big")
            if heard[2:4] != b"\0\0" or not 3 <= length <= _LONGEST_BODY:
                raise OutOfStep(f"a Modbus TCP header expected, {heard[:8].hex(' ')} found")
            if len(heard) < 6 + length:
                return None
            transaction, unit = int.from_bytes(heard[:2], "big"), heard[6]
            pdu = bytes(heard[7 : 6 + length])
            del heard[: 6 + length]
            if (transaction, unit) == (asked.transaction, asked.unit) and asked.is_answered_by(pdu):
                return pdu
        return None
