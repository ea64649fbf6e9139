"""The switches: everything in which Lytics may be awkward, each off by default."""

import dataclasses
import random
import threading
from typing import Any


@dataclasses.dataclass(slots=True)
class Faults:
    """Settings of the faults; rates are between 0 and 1, seconds are real ones.

    Attributes:
        api_paths: The faults of the API below apply to paths that contain this; empty means all.
        api_429_rate: Share of the answers that are 429, without `Retry-After` (Lytics documents none).
        api_5xx_rate: Share of the answers that are 500 in Lytics' own error shape.
        api_html_rate: Share of the answers that are a proxy's HTML page with status 502.
        api_truncate_rate: Share of the answers whose JSON ends in the middle.
        api_drop_rate: Share of the requests whose connection closes without an answer, after they have worked.
        api_slow_s: Every answer waits this long.
        scan_next_key: Name of the scan's cursor in the answer: `_next`, or `next` as some documents say.
        scan_repeat_cursor: From its second page on a scan answers the same cursor again and again.
        scan_empty_page_every: Every so many-th page of a scan is empty but has a cursor; 0 means never.
        scan_duplicate_rate: Share of the rows that appear again on the next page.
        scan_total_offset: Is added to the scan's `total`.
        scan_no_email_rate: Share of the rows from which the e-mail is left out.
        scan_numbers_as_strings: Numbers in rows are strings, as in the responses of Lytics' Go client.
        entity_timed_out: The entity look-up answers its documented "Timed out" with status 200.
        shuffle: Events are sent in random order.
        duplicate_rate: Share of the delivered events that are sent once more.
        group_elements: One envelope holds all segment events of an occurrence, instead of one each.
        lose_when_stopped: Events that happen while a job is paused or failed are lost to it.
    """

    api_paths: str = ""
    api_429_rate: float = 0.0
    api_5xx_rate: float = 0.0
    api_html_rate: float = 0.0
    api_truncate_rate: float = 0.0
    api_drop_rate: float = 0.0
    api_slow_s: float = 0.0
    scan_next_key: str = "_next"
    scan_repeat_cursor: bool = False
    scan_empty_page_every: int = 0
    scan_duplicate_rate: float = 0.0
    scan_total_offset: int = 0
    scan_no_email_rate: float = 0.0
    scan_numbers_as_strings: bool = False
    entity_timed_out: bool = False
    shuffle: bool = False
    duplicate_rate: float = 0.0
    group_elements: bool = False
    lose_when_stopped: bool = False

    def update(self, **changes: Any) -> None:
        """Change some switches.

        Raises:
            ValueError: There is no such switch, or the value has another type.
        """
        for name, value in changes.items():
            current = getattr(self, name, None)
            if name not in {field.name for field in dataclasses.fields(self)}:
                raise ValueError(f"no fault is called {name}")
            if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)  # noqa: PLW2901  JSON writes 1 for 1.0
            if type(value) is not type(current):
                raise ValueError(f"{name} must be a {type(current).__name__}")
            setattr(self, name, value)


class Dice:
    """A seeded source of chance that threads may share."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def happens(self, rate: float) -> bool:
        """Return true with the given probability; costs no draw where the rate is zero."""
        if rate <= 0:
            return False
        with self._lock:
            return self._random.random() < rate

    def below(self, limit: int) -> int:
        """Return a whole number of 0 to `limit` - 1."""
        with self._lock:
            return self._random.randrange(limit)

    def pick(self, rates: dict[str, float]) -> str | None:
        """Return at most one of several outcomes, each with its own probability."""
        if not any(rates.values()):
            return None
        with self._lock:
            draw = self._random.random()
        for outcome, rate in rates.items():
            if draw < rate:
                return outcome
            draw -= rate
        return None
