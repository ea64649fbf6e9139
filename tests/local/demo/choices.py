"""The demo's options, read from environment variables. All invalid ones are reported at once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local.build import REPOSITORY

LIST = "Lytics audiences"
START_EXPORT = REPOSITORY / "events" / "states" / "start-export.json"


class ChoicesInvalid(Exception):
    """A variable is invalid. The message names it and what it accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The options of one demo.

    Attributes:
        people: The number of people in the Lytics twin.
        events: The number of live events after the export.
        report: The file for the figures, if any.
        keep: Whether everything keeps running at the end.
        sendgrid_url: A server to use in place of the SendGrid twin.
        lytics_url: A server to use in place of the Lytics twin.
        sendgrid_api_key: The key for `sendgrid_url`.
        lytics_api_token: The token for `lytics_url`.
        start: The input of the execution.
    """

    people: int
    events: int
    report: Path | None
    keep: bool
    sendgrid_url: str | None
    lytics_url: str | None
    sendgrid_api_key: str | None
    lytics_api_token: str | None
    start: dict[str, Any]

    @property
    def has_twins(self) -> bool:
        """Whether both sides are twins. Only then can the demo make events and compare contacts."""
        return self.sendgrid_url is None and self.lytics_url is None


def choices(environment: Mapping[str, str]) -> Choices:
    """Read PEOPLE, EVENTS, REPORT, KEEP, SENDGRID_URL, LYTICS_URL, their keys, and INPUT.

    Raises:
        ChoicesInvalid: Variables are invalid. Names all of them.
    """
    faults: list[str] = []

    def number(name: str, default: int, minimum: int) -> int:
        text = environment.get(name) or str(default)
        if text.isascii() and text.isdigit() and int(text) >= minimum:
            return int(text)
        faults.append(f"{name}={text}: expected a whole number of at least {minimum}")
        return default

    def url(name: str, key: str) -> str | None:
        text = (environment.get(name) or "").rstrip("/")
        if text and not text.startswith(("http://", "https://")):
            faults.append(f"{name}={text}: expected a URL that begins with http:// or https://")
        if text and not environment.get(key):
            faults.append(f"{name} is set: set {key}, too")
        return text or None

    people, events = number("PEOPLE", 10_000, 1), number("EVENTS", 2_000, 0)
    sendgrid_url, lytics_url = url("SENDGRID_URL", "SENDGRID_API_KEY"), url("LYTICS_URL", "LYTICS_API_TOKEN")
    start = _start(Path(environment.get("INPUT") or START_EXPORT), faults)
    if not environment.get("INPUT") and sendgrid_url is None:
        start["list"] = LIST  # the twin gets this list, so that the demo shows lists, too
    report = Path(environment["REPORT"]).absolute() if environment.get("REPORT") else None
    if report is not None and not report.parent.is_dir():
        faults.append(f"REPORT={report}: the folder {report.parent} does not exist")
    if faults:
        raise ChoicesInvalid("\n".join(faults))
    return Choices(
        people=people,
        events=events,
        report=report,
        keep=environment.get("KEEP", "") not in ("", "0"),
        sendgrid_url=sendgrid_url,
        lytics_url=lytics_url,
        sendgrid_api_key=environment.get("SENDGRID_API_KEY") if sendgrid_url else None,
        lytics_api_token=environment.get("LYTICS_API_TOKEN") if lytics_url else None,
        start=start,
    )


def _start(file: Path, faults: list[str]) -> dict[str, Any]:
    try:
        start = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        faults.append(f"INPUT={file}: {error}")
        return {}
    if not isinstance(start, dict):
        faults.append(f"INPUT={file}: expected a JSON object")
        return {}
    return start
