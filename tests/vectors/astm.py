"""ASTM bytes written out from the standards: what drivers and simulators are both measured by.

Low level: ASTM E1381 / CLSI LIS1-A. A frame is ``<STX> FN text <ETB|ETX> C1 C2 <CR> <LF>``; the
checksum is the sum of every byte from FN up to and including ETB or ETX, modulo 256, as two
hexadecimal digits. Records: ASTM E1394 / CLSI LIS2-A2. Both as summarised in the project's domain
reference, sections 2.1, 2.2 and 9.1.

Plain constants and nothing else, so that no code of either side can leak into the other.
"""

# -- control bytes (E1381, LIS1-A) ------------------------------------------------------------
STX = b"\x02"
ETX = b"\x03"
EOT = b"\x04"
ENQ = b"\x05"
ACK = b"\x06"
LF = b"\x0a"
CR = b"\x0d"
NAK = b"\x15"
ETB = b"\x17"

# -- worked example 1: the shortest header, frame 1, checksum E5 ------------------------------
HEADER_RECORD = b"H|\\^&\r"
HEADER_FRAME_1 = bytes.fromhex("02 31 48 7C 5C 5E 26 0D 03 45 35 0D 0A")

# -- worked example 2: an inhibition of 62.4 %, flagged abnormal, frame 2, checksum DB --------
RESULT_RECORD = b"R|1|^^^OPC-INH|62.4|%|0 to 50|A||F\r"
RESULT_FRAME_2 = bytes.fromhex(
    "02 32 52 7C 31 7C 5E 5E 5E 4F 50 43 2D 49 4E 48 7C 36 32 2E 34 7C 25 7C"
    "30 20 74 6F 20 35 30 7C 41 7C 7C 46 0D 03 44 42 0D 0A"
)

# -- worked example 3: the terminator as 5th frame (08) and as 8th, where FN wraps to 0 (03) --
TERMINATOR_RECORD = b"L|1|N\r"
TERMINATOR_FRAME_5 = bytes.fromhex("02 35 4C 7C 31 7C 4E 0D 03 30 38 0D 0A")
TERMINATOR_FRAME_0 = bytes.fromhex("02 30 4C 7C 31 7C 4E 0D 03 30 33 0D 0A")

# -- worked example 4: a record of 247 characters, split after 240, checksums E5 and CA -------
LONG_RECORD = b"C|1|I|" + b"A" * 240 + b"\r"
LONG_FRAME_3 = b"\x023" + b"C|1|I|" + b"A" * 234 + b"\x17E5\r\n"
LONG_FRAME_4 = bytes.fromhex("02 34 41 41 41 41 41 41 0D 03 43 41 0D 0A")

# -- worked example 5: one record, two encodings, frame 3: the checksum is over wire bytes ----
CHINESE_RECORD = "O|1|0001||^^^甲醛|R\r"
CHINESE_FRAME_3_GBK = bytes.fromhex(
    "02 33 4F 7C 31 7C 30 30 30 31 7C 7C 5E 5E 5E BC D7 C8 A9 7C 52 0D 03 36 30 0D 0A"
)
CHINESE_FRAME_3_UTF8 = bytes.fromhex(
    "02 33 4F 7C 31 7C 30 30 30 31 7C 7C 5E 5E 5E E7 94 B2 E9 86 9B 7C 52 0D 03 39 33 0D 0A"
)

# -- the example message: one food, one item, five frames (F3 AF D0 21 08) --------------------
MESSAGE_RECORDS = (
    b"H|\\^&|||FSRA-24^SN24A0117^V2.3|||||GW01||P|LIS2-A2|20261123064500\r",
    b"P|1||||A-013^stall\r",
    b"O|1|N0120261123-0001^S1||^^^OPC-INH^50|R|20261123061200|||||||||VEG\r",
    b"R|1|^^^OPC-INH|12.6|%|0 to 50|N||F||op07||20261123064455|FSRA-24\r",
    b"L|1|N\r",
)
MESSAGE_FRAMES = (
    b"\x021H|\\^&|||FSRA-24^SN24A0117^V2.3|||||GW01||P|LIS2-A2|20261123064500\r\x03F3\r\n",
    b"\x022P|1||||A-013^stall\r\x03AF\r\n",
    b"\x023O|1|N0120261123-0001^S1||^^^OPC-INH^50|R|20261123061200|||||||||VEG\r\x03D0\r\n",
    b"\x024R|1|^^^OPC-INH|12.6|%|0 to 50|N||F||op07||20261123064455|FSRA-24\r\x0321\r\n",
    b"\x025L|1|N\r\x0308\r\n",
)
MESSAGE_WIRE = (
    b"\x05"
    b"\x021H|\\^&|||FSRA-24^SN24A0117^V2.3|||||GW01||P|LIS2-A2|20261123064500\r\x03F3\r\n"
    b"\x022P|1||||A-013^stall\r\x03AF\r\n"
    b"\x023O|1|N0120261123-0001^S1||^^^OPC-INH^50|R|20261123061200|||||||||VEG\r\x03D0\r\n"
    b"\x024R|1|^^^OPC-INH|12.6|%|0 to 50|N||F||op07||20261123064455|FSRA-24\r\x0321\r\n"
    b"\x025L|1|N\r\x0308\r\n"
    b"\x04"
)

# -- escapes (E1394 6.6): what a field holds, and how it is written with & as escape ----------
ESCAPED = (
    ("5 | 6", b"5 &F& 6"),
    ("a^b", b"a&S&b"),
    ("a\\b", b"a&R&b"),
    ("salt & pepper", b"salt &E& pepper"),
    ("two\r\nlines", b"two&X0D0A&lines"),
)
