"""Modbus frames and floats written out, from the domain's worked examples; no code makes them.

The only thing that drivers and simulators share. RTU: unit, function, content, CRC with its low
byte first. TCP: transaction, protocol, length, unit, function, content.
"""

from __future__ import annotations


def octets(text: str) -> bytes:
    """Bytes as a manual prints them."""
    return bytes.fromhex(text)


# Read ten holding registers from 0 of unit 1.
RTU_READ_TEN = octets("01 03 00 00 00 0A C5 CD")
# Read registers 0x10 and 0x11 of unit 5, and its answer: 12.6, high byte and high word first.
RTU_READ_FLOAT = octets("05 03 00 10 00 02 C4 4A")
RTU_FLOAT_ANSWER = octets("05 03 04 41 49 99 9A 90 22")
# The same question, refused: illegal data address.
RTU_REFUSAL = octets("05 83 02 81 30")
# Switch coil 3 of unit 1 on; its answer is an echo.
RTU_COIL_ON = octets("01 05 00 03 FF 00 7C 3A")

TCP_READ_FLOAT = octets("00 01 00 00 00 06 05 03 00 10 00 02")
TCP_FLOAT_ANSWER = octets("00 01 00 00 00 07 05 03 04 41 49 99 9A")

# A frame without its CRC, and the CRC as it is sent, low byte first.
CHECKSUMS = [
    (octets("01 03 00 00 00 0A"), octets("C5 CD")),
    (octets("05 03 00 10 00 02"), octets("C4 4A")),
    (octets("05 03 04 41 49 99 9A"), octets("90 22")),
    (octets("05 83 02"), octets("81 30")),
    (octets("01 05 00 03 FF 00"), octets("7C 3A")),
    # Not Modbus, but the same CRC: an oil tester's function 0x65, its question and two answers.
    (octets("01 65 00 00 00 01"), octets("8C 02")),
    (octets("01 65 0A 1A 0B 17 06 2D 00 06 D6 00 F5"), octets("FF 1B")),
    (octets("01 65 0A 1A 0B 17 06 34 00 07 0A 01 0F"), octets("BC C7")),
]

# 12.6 as an IEEE 754 single in the four orders that instruments use, and what each is
# when it is taken for ABCD: a range per item catches three of four.
FLOAT_12_6 = {
    "ABCD": octets("41 49 99 9A"),
    "CDAB": octets("99 9A 41 49"),
    "BADC": octets("49 41 9A 99"),
    "DCBA": octets("9A 99 49 41"),
}
FLOAT_12_6_MISREAD = {"ABCD": "12.6", "CDAB": "-1.6e-23", "BADC": "793001.6", "DCBA": "-6.3e-23"}
