"""Dayuan DY "03 FF" bytes written out from the domain reference, sections 2.8(c) and 9.1.

Every frame is a header of 12 bytes and its contents: ``03``, ``FF`` from the host or ``FE`` from
the instrument, command, ``00``, parameter u32, length of the contents u16, XOR of bytes 0 to 9,
XOR of the contents (00 where there are none). All little-endian. A packed DOS time is year - 2000
in 7 bits, month 4, day 5, hour 5, minute 6, half seconds 5.

Plain constants and nothing else, so that no code of either side can leak into the other.
"""

# -- questions of the host --------------------------------------------------------------------
TEST = bytes.fromhex("03 FF 20 00 00 00 00 00 08 00 D4 18 44 45 56 49 43 45 3F 3F")
"""Who are you: "DEVICE??"; checks D4 and 18."""
ITEM_PAGE_0 = bytes.fromhex("03 FF 42 00 00 00 00 00 00 00 BE 00")
"""The first page of items; checks BE and 00. The page's number is byte 5."""
COUNT_OF_20261123 = bytes.fromhex("03 FF 43 00 00 00 00 00 08 00 B7 00 00 00 77 35 FF FF 77 35")
"""Which records were made on 2026-11-23; checks B7 and 00."""
RECORD_1 = bytes.fromhex("03 FF 45 00 01 00 00 00 00 00 B8 00")
"""Record 1; checks B8 and 00."""
CLEAR_COMMAND = 0x46
"""Clears the records of the instrument: never sent."""

# -- packed times -----------------------------------------------------------------------------
TIME_20261123_064512 = bytes.fromhex("A6 35 77 35")
DAY_20261123_BEGINS = bytes.fromhex("00 00 77 35")
DAY_20261123_ENDS = bytes.fromhex("FF FF 77 35")

# -- answers of the instrument ----------------------------------------------------------------
INHIBITION_RECORD_1 = bytes.fromhex(
    "03 FE 45 00 01 00 00 00 28 00 91 EF"
    "01 00 00 00 A6 35 77 35"
    "01 80 00 00 7E 00 00 00"
    "02 80 00 00 70 02 00 00"
    "03 C0 00 00 F7 01 00 00"
    "04 80 00 00 FE 7F 00 00"
)
"""Item 0 at 06:45:12: channel 1 12.6 %, 2 62.4 %, 3 50.3 % and suspicious, 4 NA."""
STRIP_RECORD_1 = bytes.fromhex(
    "03 FE 65 00 01 00 00 00 0C 00 95 C2 01 02 A6 35 77 35 11 00 01 00 00 00"
)
"""Item 2 at 06:45:12, number 17, qualitative: positive."""

# -- what stands in a value's place where there is none ---------------------------------------
NOT_MEASURED_16 = bytes.fromhex("FE 7F 00 00")
OVERFLOW_16 = bytes.fromhex("FF 7F 00 00")
NOT_MEASURED_32 = (bytes.fromhex("FE FF FF 7F"), bytes.fromhex("FD FF FF 7F"))
OVERFLOW_32 = (
    bytes.fromhex("FF FF FF 7F"),
    bytes.fromhex("FF 7F 00 00"),
    bytes.fromhex("2C 42 0F 00"),
)
"""The last is 999.980."""
