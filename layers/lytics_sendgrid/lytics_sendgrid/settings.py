"""Read a function's settings from its environment variables."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Final

from lytics_sendgrid.errors import StopRun

_WHOLE: Final = re.compile(r"[0-9]+")
_DECIMAL: Final = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,2})?")
"""What CloudFormation lets through. Python's int() and float() also read 1_000 and nan."""


def read_settings[S](cls: type[S], environment: Mapping[str, str]) -> S:
    """Return a function's settings, each field read from the variable of the same name in capitals.

    Args:
        cls: the function's dataclass of settings; its fields are of type ``str``, ``int`` or ``float``.
        environment: usually ``os.environ``.

    Raises:
        StopRun: variables are missing or have the wrong type. The message names all of them.
    """
    values: dict[str, str | int | float] = {}
    faults = []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        name = field.name.upper()
        text = environment.get(name, "")
        if not text:
            faults.append(f"{name} is not set")
        elif field.type is int:
            if _WHOLE.fullmatch(text):
                values[field.name] = int(text)
            else:
                faults.append(f"{name} is not a whole number: {text!r}")
        elif field.type is float:
            if _DECIMAL.fullmatch(text):
                values[field.name] = float(text)
            else:
                faults.append(f"{name} is not a number: {text!r}")
        else:
            values[field.name] = text
    if faults:
        raise StopRun(f"wrong environment variables: {'; '.join(faults)}. Deploy the template again")
    return cls(**values)
