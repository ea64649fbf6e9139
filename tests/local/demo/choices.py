"""What the demo is asked for, from its environment, all faults reported at once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local.build import REPOSITORY

LIST = "Lytics audiences"
START_EXPORT = REPOSITORY / "events" / "states" / "start-export.json"


class ChoicesInvalid(Exception):
    """A variable of the call cannot be used; the message says which, and what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """One demo.

    Attributes:
        people: in the Lytics twin.
        events: that happen to them once the export is live.
        report: where the figures are written, if anywhere.
        keep: whether everything goes on running at the end.
        sendgrid_url: another server in the place of the SendGrid twin.
        lytics_url: another server in the place of the Lytics twin.
        sendgrid_api_key: for that server.
        lytics_api_token: for that server.
        start: the execution's input.
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
        """Whether both sides are twins, so that the demo can make events and knows the truth."""
        return self.sendgrid_url is None and self.lytics_url is None


def choices(environment: Mapping[str, str]) -> Choices:
    """Read PEOPLE, EVENTS, REPORT, KEEP, SENDGRID_URL, LYTICS_URL, their keys, and INPUT.

    Raises:
        ChoicesInvalid: names every variable that cannot be used.
    """
    faults: list[str] = []

    def number(name: str, default: int, least: int) -> int:
        text = environment.get(name) or str(default)
        if text.isascii() and text.isdigit() and int(text) >= least:
            return int(text)
        faults.append(f"{name}={text}: it takes a whole number of at least {least}")
        return default

    def url(name: str, key: str) -> str | None:
        text = (environment.get(name) or "").rstrip("/")
        if text and not text.startswith(("http://", "https://")):
            faults.append(f"{name}={text}: it takes a URL that begins with http:// or https://")
        if text and not environment.get(key):
            faults.append(f"{name} is set, so {key} must be the key for it")
        return text or None

    people, events = number("PEOPLE", 10_000, 1), number("EVENTS", 2_000, 0)
    sendgrid_url, lytics_url = url("SENDGRID_URL", "SENDGRID_API_KEY"), url("LYTICS_URL", "LYTICS_API_TOKEN")
    start = _start(Path(environment.get("INPUT") or START_EXPORT), faults)
    if not environment.get("INPUT") and sendgrid_url is None:
        start["list"] = LIST  # the twin has it, so the demo shows lists too
    report = Path(environment["REPORT"]).absolute() if environment.get("REPORT") else None
    if report is not None and not report.parent.is_dir():
        faults.append(f"REPORT={report}: there is no folder {report.parent}")
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
        faults.append(f"INPUT={file}: it takes a JSON object")
        return {}
    return start
