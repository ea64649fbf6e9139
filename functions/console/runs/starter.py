"""Who started a run in the console. It is kept for 90 days."""

from typing import Any, Final, Protocol

from functions.console.drafts.draft import RUN_PREFIX, run_key

_SOMEBODY: Final = "somebody in the console"
"""Who it was is kept for 90 days, and the run for longer."""


class Store(Protocol):
    """The console's own table."""

    def get(self, pk: str, now_s: float) -> dict[str, Any] | None: ...  # noqa: D102


def starter(store: Store, run: str, now_s: float) -> str | None:
    """Return the name of the person who started a run; None: nobody did in the console."""
    known = store.get(run_key(run), now_s)
    if known is not None:
        return str(known["name"])
    return _SOMEBODY if run.startswith(RUN_PREFIX) else None
