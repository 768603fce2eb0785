"""What instruments send for a value, and what is certain of it.

From the project's domain reference, sections 1.3, 3.1 and 5.3, and from what real analysers were
seen to send. Plain constants: sent, unit beside it, then number, comparator, unit and grade.
"""

Row = tuple[str | None, str | None, str | None, str | None, str | None, str | None]

NUMBERS: tuple[Row, ...] = (
    ("12.6", "%", "12.6", "=", "%", None),
    ("12.60", "%", "12.60", "=", "%", None),
    ("  5.5", "mg/kg", "5.5", "=", "mg/kg", None),
    ("     42", None, "42", "=", None, None),
    ("-0.36", None, "-0.36", "=", None, None),
    ("+3", "%", "3", "=", "%", None),
    (".5", "%", "0.5", "=", "%", None),
    ("1.2E-3", "mg/kg", "0.0012", "=", "mg/kg", None),
    ("-3.2", "%", "-3.2", "=", "%", None),
    ("＋１２．６", "％", "12.6", "=", "%", None),
    ("−2.5", "%", "-2.5", "=", "%", None),
    # One digit more than the arithmetic's usual 28.
    ("0.12345678901234567890123456789", "%", "0.12345678901234567890123456789", "=", "%", None),
)

BOUNDS: tuple[Row, ...] = (
    ("<0.05", "mg/kg", "0.05", "<", "mg/kg", None),
    ("＜0.05", "mg/kg", "0.05", "<", "mg/kg", None),
    ("< 20.00", "U/L", "20.00", "<", "U/L", None),
    (">8", "Ratio", "8", ">", "Ratio", None),
    ("＞100", "%", "100", ">", "%", None),
    ("≤0.05", "mg/kg", "0.05", "<=", "mg/kg", None),
    ("≦ 0.05", "mg/kg", "0.05", "<=", "mg/kg", None),
    ("<=0.05", "mg/kg", "0.05", "<=", "mg/kg", None),
    ("≥100", "%", "100", ">=", "%", None),
    (">= 100", "%", "100", ">=", "%", None),
)

DECIMAL_COMMAS: tuple[Row, ...] = (
    ("7,41", "Ratio", "7.41", "=", "Ratio", None),
    ("0,125", "mg/kg", "0.125", "=", "mg/kg", None),
    ("1234,567", "mg/kg", "1234.567", "=", "mg/kg", None),
    ("12，6", "%", "12.6", "=", "%", None),
)

UNITS_WITHIN: tuple[Row, ...] = (
    ("12.6%", None, "12.6", "=", "%", None),
    ("12.6 ％", "%", "12.6", "=", "%", None),
    ("11mg/kg", None, "11", "=", "mg/kg", None),
    ("<2 μg/kg", "ug/kg", "2", "<", "ug/kg", None),
    # Two units that contradict each other: nobody knows which it was.
    ("12.6%", "mg/kg", "12.6", "=", None, None),
)

GRADES: tuple[Row, ...] = (
    ("阴性", None, None, None, None, "negative"),
    ("阴性(-)", None, None, None, None, "negative"),
    ("阴性（－）", None, None, None, None, "negative"),
    ("未检出", "ug/kg", None, None, "ug/kg", "negative"),
    ("NEG", None, None, None, None, "negative"),
    ("Nonreactive", None, None, None, None, "negative"),
    ("弱阳性", None, None, None, None, "weak_positive"),
    ("阳性", None, None, None, None, "positive"),
    ("检出", None, None, None, None, "positive"),
    ("Pos", None, None, None, None, "positive"),
    ("POS", None, None, None, None, "positive"),
)

INVALIDS: tuple[Row, ...] = (
    ("NA", "mg/dl", None, None, "mg/dl", "invalid"),
    ("---.-", "%", None, None, "%", "invalid"),
    ("-.---", "%", None, None, "%", "invalid"),
    ("-----", "1", None, None, "1", "invalid"),
    ("*****", "%", None, None, "%", "invalid"),
    ("***.**", "10*9/L", None, None, "10*9/L", "invalid"),
    (".***", "%", None, None, "%", "invalid"),
    ("NaN", "mg/kg", None, None, "mg/kg", "invalid"),
    ("No Result", None, None, None, None, "invalid"),
    ("无效", None, None, None, None, "invalid"),
    ("对照无效", None, None, None, None, "invalid"),
    ("INVALID", None, None, None, None, "invalid"),
    ("OVERFLOW", None, None, None, None, "invalid"),
)

UNCERTAIN: tuple[Row, ...] = (
    (None, None, None, None, None, None),
    ("", "%", None, None, "%", None),
    ("   ", None, None, None, None, None),
    # A thousand and more, or one and a bit.
    ("1,234", "mg/kg", None, None, "mg/kg", None),
    ("1,234.5", "mg/kg", None, None, "mg/kg", None),
    # Not detected, or not determined.
    ("ND", None, None, None, None, None),
    ("-", None, None, None, None, None),
    ("+", None, None, None, None, None),
    ("3+", None, None, None, None, None),
    ("0^0^0", None, None, None, None, None),
    ("B Pos", None, None, None, None, None),
    ("10⁹", None, None, None, None, None),
    ("①", None, None, None, None, None),
    ("12.6 spoons", None, None, None, None, None),
    ("0x7FFE", None, None, None, None, None),
    ("2026-11-23", None, None, None, None, None),
    ("合格", None, None, None, None, None),
    ("可疑", None, None, None, None, None),
    # No instrument measures to a hundred places, and no reader should be made to write them.
    ("1e999999999", None, None, None, None, None),
)

ALL: tuple[Row, ...] = (
    NUMBERS + BOUNDS + DECIMAL_COMMAS + UNITS_WITHIN + GRADES + INVALIDS + UNCERTAIN
)
