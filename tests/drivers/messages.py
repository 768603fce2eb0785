"""ASTM messages for tests of understanding."""

from __future__ import annotations

from drivers import Reading, profile_named, understand

GENERIC, FSRA = profile_named("astm-generic"), profile_named("fsra-24")
HEADER, PATIENT, ORDER = b"H|\\^&|||X|||||||P|LIS2-A2|20261123064500", b"P|1", b"O|1|N-1"
LAST = b"L|1|N"


def message(*records: bytes) -> bytes:
    return b"\r".join([*records, LAST, b""])


def reading(result: bytes, *, order: bytes = ORDER, patient: bytes = PATIENT) -> Reading:
    (one,) = understand(GENERIC, message(HEADER, patient, order, result))
    return one
