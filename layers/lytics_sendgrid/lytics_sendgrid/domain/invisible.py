"""Invisible characters.

White space, and the format characters of Unicode (category Cf) that people copy unseen.
"""

from unicodedata import category


def strip_invisible(text: str) -> str:
    """Return a text without white space and format characters at both ends."""
    stripped = text.strip()
    if stripped.isascii():
        return stripped
    start, end = 0, len(stripped)
    while start < end and is_invisible(stripped[start]):
        start += 1
    while end > start and is_invisible(stripped[end - 1]):
        end -= 1
    return stripped[start:end]


def is_invisible(character: str) -> bool:
    """Return whether a character is white space or a format character."""
    return character.isspace() or category(character) == "Cf"


def format_character(text: str) -> str:
    """Return the code point of the first format character, such as ``U+200B``; empty if there is none."""
    if text.isascii():
        return ""
    return next((code_point(character) for character in text if category(character) == "Cf"), "")


def code_point(character: str) -> str:
    """Return a character's code point, such as ``U+200B``."""
    return f"U+{ord(character):04X}"
