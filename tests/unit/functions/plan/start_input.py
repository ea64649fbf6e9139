"""The input of a start, read from a document."""

from typing import Any

from functions.plan.input import StartInput, read_input


def start_input(document: Any) -> StartInput:
    """Return what could be read of the input of a start."""
    wanted = read_input(document).wanted
    assert isinstance(wanted, StartInput)
    return wanted
