"""A draft: what somebody has filled in so far, and the check of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self

from lytics_sendgrid.workflow.faults import Fault

KEPT_S: Final = 30 * 86_400
"""How long a draft is kept after its last change."""
RUN_KEPT_S: Final = 90 * 86_400
"""How long it is kept who started a run."""

RUN_PREFIX: Final = "console-"
"""With which the names of runs begin that somebody started in the console."""

type Status = Literal["running", "passed", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A run that somebody prepares.

    Attributes:
        id: its address. Nobody guesses it, and only its author may open it.
        author: the provider's id of the person.
        created_s: Unix seconds.
        form: what was filled in, see ``form``. For a resync or a stop: the execution's input.
        changes: name of the export that it changes, resyncs or stops; empty: a new one.
    """

    id: str
    author: str
    created_s: int
    form: Mapping[str, Any]
    changes: str = ""

    @property
    def action(self) -> str:
        """``start``, ``resync`` or ``stop``."""
        return str(self.form.get("action", "start"))

    @property
    def run(self) -> str:
        """The name of the execution that it starts, and so of its run. A draft starts one run."""
        return f"{RUN_PREFIX}{self.id}"

    def document(self) -> dict[str, Any]:
        """Return the draft as JSON values."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``document`` returned."""
        return cls(**document)


@dataclass(frozen=True, slots=True)
class Check:
    """A dry run of a draft.

    Attributes:
        execution: the ARN of its execution; of the last one, if it goes on in others.
        digest: of the input that it checks.
        begun_s: Unix seconds.
        run: the name of its first execution.
        version: of the account's configuration that it was made for; None: not known yet.
        account: the SendGrid account; empty: not known yet.
        status: ``passed``: the run may be started; ``refused``: there are faults; ``failed``: it did not get
            as far.
        faults: of the input.
        reason: why it failed.
        result: of one that passed: the plan, or a resync's report.
    """

    execution: str
    digest: str
    begun_s: int
    run: str = ""
    version: int | None = None
    account: str = ""
    status: Status = "running"
    faults: tuple[Fault, ...] = ()
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``document`` returned."""
        return cls(**{**document, "faults": tuple(Fault(**fault) for fault in document["faults"])})


def digest(document: Mapping[str, Any]) -> str:
    """Return the digest of an execution's input. Equal inputs have equal digests, in any order of keys."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def draft_key(draft_id: str) -> str:
    """Return a draft's key in the console's table."""
    return f"draft#{draft_id}"


def check_key(draft_id: str) -> str:
    """Return the key of a draft's last check. It is no part of the draft: the form saves itself meanwhile."""
    return f"check#{draft_id}"


def run_key(run: str) -> str:
    """Return the key of who started a run."""
    return f"run#{run}"
