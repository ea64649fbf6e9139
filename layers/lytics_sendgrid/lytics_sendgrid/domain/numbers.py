"""Decimal numbers in text, as JSON writes them.

Python's ``int`` and ``float`` accept more than vendors mean: ``1234_5678``, Arabic digits, ``nan``, ``inf``.
"""

import re
from typing import Final

_INTEGER: Final = re.compile(r"[+-]?\d{1,300}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def parse_decimal(text: str) -> int | float:
    """Read a number such as ``42``, ``-0.5`` or ``1e3``.

    Returns:
        An integer if the text is one of at most 300 digits, otherwise a float. The float is infinite if the
        number is larger than any float.

    Raises:
        ValueError: the text is not such a number.
    """
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    raise ValueError("not a decimal number")
