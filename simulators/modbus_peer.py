"""The same registers, spoken by another maker's Modbus: pymodbus's server, on TCP or as RTU.

Our own slave and our own master could agree on the same mistake. Here the frames, functions and
exceptions are a stranger's; only what the registers hold is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import cast

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators.modbus_frames import Framing
from simulators.modbus_registers import (
    READ_COILS,
    READ_HOLDING,
    READ_INPUT,
    READ_INPUTS,
    WRITE_COIL,
    WRITE_COILS,
    Refused,
    Registers,
)

_COILS = 2
_COILS_A_WORD = 16
_REGISTERS = 0x0200
_FRAMERS = {Framing.TCP: FramerType.SOCKET, Framing.RTU: FramerType.RTU}


@contextlib.asynccontextmanager
async def foreign_bus(
    units: Mapping[int, Registers], framing: Framing = Framing.TCP, *, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Serve the units at a free port, and give that; registers beyond 01FF are not there.

    An address that no unit has is answered with exception 4.
    """
    server = ModbusTcpServer(
        [_device(address, registers) for address, registers in units.items()],
        framer=_FRAMERS[framing],
        address=(host, 0),
    )
    await server.serve_forever(background=True)
    try:
        # The transport of a server that listens is the loop's own server.
        yield cast(asyncio.Server, server.transport).sockets[0].getsockname()[1]
    finally:
        server.close()


def _device(address: int, registers: Registers) -> SimDevice:
    bits = SimData(0, values=[False] * _COILS_A_WORD, datatype=DataType.BITS)
    words = SimData(0, count=_REGISTERS, values=0, datatype=DataType.REGISTERS)
    return SimDevice(
        address,
        simdata=([bits], [bits], [words], [words]),
        action=partial(_act, registers),
    )


async def _act(
    registers: Registers,
    function: int,
    start: int,
    address: int,
    count: int,
    current: list[int],
    written: list[int] | list[bool] | None,
) -> ExcCodes | None:
    """Let our registers stand in for pymodbus's own; it asks once more after it has written."""
    try:
        if written is not None:
            _write(registers, function, address, written)
        elif function in (READ_COILS, READ_INPUTS):
            bits = registers.read_coils(0, _COILS)
            current[0] = sum(bit << place for place, bit in enumerate(bits))
        elif function in (READ_HOLDING, READ_INPUT):
            first = address - start
            current[first : first + count] = registers.read_registers(address, count)
    except Refused as refused:
        return ExcCodes(refused.code)
    return None


def _write(
    registers: Registers, function: int, address: int, written: list[int] | list[bool]
) -> None:
    if function in (WRITE_COIL, WRITE_COILS):
        registers.write_coils(address, [bool(value) for value in written])
    else:
        registers.write_registers(address, [int(value) for value in written])
