"""How two spellings of one word are known to be the same."""

from __future__ import annotations

# Not NFKC: it would turn 10⁹ into 109 and ① into 1, and so invent numbers.
_PLAIN: dict[int, int | str] = {
    **{wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)},
    0x3000: " ",
    0x2212: "-",
    0x2013: "-",
    0x2014: "-",
}


def plain(text: str) -> str:
    """Full-width letters as narrow ones, dashes as hyphens, single spaces, lower case.

    >>> plain(" ＜０．０５　ＭＧ/kg ")
    '<0.05 mg/kg'
    """
    return " ".join(text.translate(_PLAIN).split()).lower()
