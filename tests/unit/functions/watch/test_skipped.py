"""Nightly resyncs that were skipped three nights in a row."""

import pytest

from functions.watch.skipped import skipped_text
from lytics_sendgrid.domain.execution import Execution

NOON_S = 1_795_694_400
"""2026-11-26, 12:00 UTC."""
SKIPPED = Execution("arn", "r", "SUCCEEDED", 1, output={"skipped": "the run 'x' is under way", "run": "r"})
DONE = Execution("arn", "r", "SUCCEEDED", 1, output={"run": "r"})
RUNNING = Execution("arn", "r", "RUNNING", 1, output={})
FAILED = Execution("arn", "r", "FAILED", 1, output={})


class Machine:
    def __init__(self, *nights: Execution | None) -> None:
        """Take tonight's execution first."""
        self.found = {f"resync-a-202611{26 - n}": execution for n, execution in enumerate(nights)}

    def arn(self, name: str) -> str:
        return name

    def describe(self, name: str) -> Execution | None:
        return self.found.get(name)


@pytest.mark.parametrize(
    "nights",
    [
        (SKIPPED, SKIPPED, SKIPPED),
        (SKIPPED, SKIPPED, SKIPPED, DONE),
        (None, SKIPPED, SKIPPED, SKIPPED),
    ],
)
def test_third_night_in_a_row_is_named(nights: tuple[Execution | None, ...]) -> None:
    text = skipped_text(Machine(*nights), "a", NOON_S)
    assert "export 'a' was skipped 3 nights in a row" in text
    assert text.endswith("The last one says: the run 'x' is under way")


@pytest.mark.parametrize(
    "nights",
    [
        (),
        (SKIPPED, SKIPPED),
        (SKIPPED, SKIPPED, DONE, SKIPPED),
        (DONE, SKIPPED, SKIPPED, SKIPPED),
        (RUNNING, SKIPPED, SKIPPED, SKIPPED),
        (SKIPPED, FAILED, SKIPPED, SKIPPED),
        (None, None, SKIPPED, SKIPPED, SKIPPED),
        (SKIPPED, None, SKIPPED, SKIPPED),
    ],
)
def test_fewer_nights_are_not(nights: tuple[Execution | None, ...]) -> None:
    assert skipped_text(Machine(*nights), "a", NOON_S) == ""
