"""The faults of an export's input, which ``plan`` lists in the cause of its failure and the console reads.

Step Functions carries one text of a failure. It is for a person: a line for each fault. One more line says
where in the input each of them is, as JSON.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.bounded_text import json_chars, shortened

_MAX_CHARS: Final = 20_000
"""All lines together, in JSON."""
_MAX_TEXT_CHARS: Final = 4_000
_MAX_POINTER_CHARS: Final = 2_000
_BULLET: Final = "- "
_PLACES: Final = "Where in the input: "


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an export, and where its input says so.

    Attributes:
        text: what is wrong, why, and what to do.
        at: JSON pointer (RFC 6901) into the input, such as ``/audiences/3``; empty: no single part of it.
    """

    text: str
    at: str = ""


def pointer(*steps: str | int) -> str:
    """Return the JSON pointer to a part of an input."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def listed(faults: Sequence[Fault]) -> str:
    """Return faults as text: how many, one a line, and where they are. Long texts are cut, many left out."""
    room, texts, places = _MAX_CHARS, [], []
    for fault in faults:
        # A line break in a name must not look like the next fault.
        text = shortened(" ".join(fault.text.splitlines()), _MAX_TEXT_CHARS)
        at = fault.at if json_chars(fault.at) <= _MAX_POINTER_CHARS else ""
        room -= json_chars(f"{_BULLET}{text}\n") + json_chars(json.dumps(at) + ", ")
        if room < 0:
            break
        texts.append(text)
        places.append(at)
    lines = [f"{_BULLET}{text}" for text in texts]
    if len(texts) < len(faults):
        lines.append(f"{_BULLET}and {len(faults) - len(texts)} more")
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    where = [f"{_PLACES}{json.dumps(places)}"] if any(places) else []
    return "\n".join([f"{count}:", *lines, *where])


def read_faults(cause: str) -> tuple[Fault, ...]:
    """Return the faults that a failure's cause lists; empty: it lists none."""
    lines = cause.splitlines()
    texts = [line.removeprefix(_BULLET) for line in lines if line.startswith(_BULLET)]
    last = lines[-1] if lines else ""
    places = _places(last.removeprefix(_PLACES)) if last.startswith(_PLACES) else []
    places += [""] * (len(texts) - len(places))
    return tuple(Fault(text, at) for text, at in zip(texts, places, strict=False))


def _places(text: str) -> list[str]:
    try:
        places = json.loads(text)
    except ValueError:
        return []
    return [place if isinstance(place, str) else "" for place in places] if isinstance(places, list) else []
