"""Report all faults of an export in one error, and find where its input has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from lytics_sendgrid.errors import ExportRefused, StopRun
from lytics_sendgrid.workflow.faults import Fault, listed, pointer


@dataclass(frozen=True, slots=True)
class Places:
    """Where an input names audiences and Lytics fields, as JSON pointers. It may hold faulty parts, too."""

    audiences: Mapping[str, str]
    custom_fields: Mapping[str, str]

    @classmethod
    def of(cls, document: object) -> Self:
        """Return the places of an input, as it was given."""
        given = document if isinstance(document, dict) else {}
        audiences: dict[str, str] = {}
        for number, reference in enumerate(_list(given.get("audiences"))):
            audiences.setdefault(str(reference).strip(), pointer("audiences", number))
        fields = given.get("custom_fields")
        names = fields if isinstance(fields, dict) else {}
        return cls(audiences, {name.strip(): pointer("custom_fields", name) for name in names})

    def audience(self, reference: str) -> str:
        """Return where an audience is."""
        return self.audiences.get(reference, pointer("audiences"))

    def custom_field(self, lytics: str) -> str:
        """Return where the mapping of a Lytics field is."""
        return self.custom_fields.get(lytics, pointer("custom_fields", lytics))


_RUN: Final = "The run cannot start"
_HEADS: Final[Mapping[str, str]] = {
    "start": "The export cannot start",
    "resync": "The resync cannot start",
    "stop": "The export cannot be stopped",
}

NOWHERE: Final = Places({}, {})
"""No places: the input is not known as it was given."""


def refused(faults: Sequence[Fault]) -> list[StopRun]:
    """Return an error for each fault of an export."""
    return [ExportRefused(fault.text, at=fault.at) for fault in faults]


def refusal(faults: Sequence[StopRun], action: str = "") -> StopRun:
    """Return one error that lists all faults, one a line, each once, and where in the input they are.

    It is of the faults' own class if they all share one, otherwise ``ExportRefused``.

    Args:
        faults: at least one.
        action: of the input; empty if it has no valid one.
    """
    kinds = {type(fault) for fault in faults}
    kind = kinds.pop() if len(kinds) == 1 else ExportRefused
    unique = {str(fault): fault.at for fault in reversed(faults)}
    texts = dict.fromkeys(str(fault) for fault in faults)
    lines = listed([Fault(text, unique[text]) for text in texts])
    return kind(f"{_HEADS.get(action, _RUN)}, and nothing was changed. {lines}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
