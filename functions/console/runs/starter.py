"""Who started a run in the console. It is kept for 90 days."""

from typing import Any, Protocol

from functions.console.drafts.draft import run_key


class Store(Protocol):
    """The console's own table."""

    def get(self, pk: str, now_s: float) -> dict[str, Any] | None: ...  # noqa: D102


def starter(store: Store, run: str, now_s: float) -> str | None:
    """Return the name of the person who started a run; None: nobody did in the console, or it is long ago."""
    known = store.get(run_key(run), now_s)
    return str(known["name"]) if known is not None else None
