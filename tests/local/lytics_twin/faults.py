"""The fault settings of the twin. Each fault is off by default."""

import dataclasses
import random
import threading
from typing import Any


@dataclasses.dataclass(slots=True)
class Faults:
    """Fault settings. Rates are between 0 and 1, times are real seconds.

    Attributes:
        api_paths: The `api_*` faults apply to paths that contain this text; empty means all paths.
        api_429_rate: The share of answers that are a 429 without `Retry-After` (Lytics documents none).
        api_5xx_rate: The share of answers that are a 500 in Lytics' error format.
        api_html_rate: The share of answers that are a proxy's HTML page with status 502.
        api_truncate_rate: The share of answers whose JSON is truncated.
        api_drop_rate: The share of requests that take effect but get no answer: the connection closes.
        api_slow_s: The delay of every answer.
        scan_next_key: The key of the scan's cursor: `_next`, or `next` as in some documents.
        scan_repeat_cursor: Whether a scan repeats its cursor from the second page on.
        scan_empty_page_every: Every n-th page of a scan is empty but has a cursor; 0 means never.
        scan_duplicate_rate: The share of rows that appear again on the next page.
        scan_total_offset: A number added to the scan's `total`.
        scan_no_email_rate: The share of rows without their e-mail.
        scan_no_split_rate: The share of profiles without the field `_split`: they are in no bucket.
        scan_refuse_splits: Whether a scan with `splits` is refused.
        scan_numbers_as_strings: Whether numbers in rows are strings, as in the responses of Lytics' Go
            client.
        entity_timed_out: Whether the entity look-up answers the documented "Timed out" with status 200.
        shuffle: Whether events are sent in random order.
        duplicate_rate: The share of delivered events that are sent twice.
        group_elements: Whether one envelope holds all segment events of an occurrence.
        refuse_commands: Whether the token may not pause, resume or kill jobs (403).
        lose_when_stopped: Whether a job loses the events that happen while it is paused or failed.
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
    scan_no_split_rate: float = 0.0
    scan_refuse_splits: bool = False
    scan_numbers_as_strings: bool = False
    entity_timed_out: bool = False
    shuffle: bool = False
    duplicate_rate: float = 0.0
    group_elements: bool = False
    refuse_commands: bool = False
    lose_when_stopped: bool = False

    def update(self, **changes: Any) -> None:
        """Change fault settings by name.

        Raises:
            ValueError: A setting does not exist, or a value has the wrong type.
        """
        for name, value in changes.items():
            current = getattr(self, name, None)
            if name not in {field.name for field in dataclasses.fields(self)}:
                raise ValueError(f"unknown fault: {name}")
            if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)  # noqa: PLW2901  JSON writes 1 for 1.0
            if type(value) is not type(current):
                raise ValueError(f"{name} must be a {type(current).__name__}")
            setattr(self, name, value)


class Dice:
    """A seeded, thread-safe random generator."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def happens(self, rate: float) -> bool:
        """Return true with the given probability. Draws nothing if the rate is zero."""
        if rate <= 0:
            return False
        with self._lock:
            return self._random.random() < rate

    def below(self, limit: int) -> int:
        """Return a random integer from 0 to `limit` - 1."""
        with self._lock:
            return self._random.randrange(limit)

    def pick(self, rates: dict[str, float]) -> str | None:
        """Return one of several outcomes by their probabilities, or None."""
        if not any(rates.values()):
            return None
        with self._lock:
            draw = self._random.random()
        for outcome, rate in rates.items():
            if draw < rate:
                return outcome
            draw -= rate
        return None
