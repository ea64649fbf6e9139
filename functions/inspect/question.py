"""The question to ``inspect``: a person, and the export to look at."""

from dataclasses import dataclass
from typing import Final

from lytics_sendgrid.errors import InputInvalid

MAX_WAIT_S: Final = 50
"""The function ends after 60 seconds."""


_MAX_ASKED_BY_CHARS: Final = 255


@dataclass(frozen=True, slots=True)
class Question:
    """A person, and the export to look at.

    Attributes:
        export: its name.
        email: the person's address, as it was typed.
        wait_s: for how many seconds the vendors are waited for; None: until they answer.
        asked_by: the asker's id at the sign-in provider; empty: somebody with rights on this function.
    """

    export: str
    email: str
    wait_s: float | None = None
    asked_by: str = ""


def question_from(document: object) -> Question:
    """Read a question.

    Raises:
        InputInvalid: the document is not ``{"export": …, "email": …}``.
    """
    example = 'expected {"export": "name of the export", "email": "jane@example.com"}'
    if not isinstance(document, dict):
        raise InputInvalid(f"the question is not a JSON object: {example}")
    export, email = document.get("export", "default"), document.get("email")
    if email is None:
        raise InputInvalid(f'"email" is missing: {example}')
    if not isinstance(export, str) or not isinstance(email, str):
        wrong = '"email"' if isinstance(export, str) else '"export"'
        raise InputInvalid(f"{wrong} must be text in quotes: {example}")
    wait_s, asked_by = document.get("wait_s"), document.get("asked_by", "")
    if wait_s is not None and not (type(wait_s) in {int, float} and 0 < wait_s <= MAX_WAIT_S):
        raise InputInvalid(f'"wait_s" must be a number of seconds, more than 0 and at most {MAX_WAIT_S}')
    if not isinstance(asked_by, str) or len(asked_by) > _MAX_ASKED_BY_CHARS:
        raise InputInvalid(f'"asked_by" must be text of at most {_MAX_ASKED_BY_CHARS} characters')
    return Question(export, email, wait_s, asked_by)
