"""What the watch finds, each with what to do."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from lytics_sendgrid.bounded_text import shortened

MAX_TEXT_CHARS: Final = 1_500
"""The text of one finding in the list of all exports."""


class Trouble(StrEnum):
    """What is wrong; the name of the log line."""

    JOB = "webhook_job_trouble"
    KEY = "key_trouble"
    SILENT = "export_silent"
    SKIPPED = "resync_skipped"


METRICS: Final = {
    Trouble.JOB: "WebhookJobTrouble",
    Trouble.KEY: "KeyTrouble",
    Trouble.SILENT: "SilentExports",
}
"""The metric that counts each, for all exports together. A log filter counts skipped resyncs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person must look at.

    Attributes:
        trouble: what is wrong.
        exports: the names of the exports that it concerns.
        text: what is wrong and what to do.
    """

    trouble: Trouble
    exports: tuple[str, ...]
    text: str


@dataclass(slots=True)
class Watched:
    """What one look at all exports found.

    Attributes:
        exports: the live exports.
        findings: what is wrong.
        restarted: the exports whose webhook job was resumed or restarted.
        unseen: what could not be checked, and why: an answer that is missing proves nothing.
        broken: exports whose configuration cannot be read, and why.
        live: whether a webhook job in Lytics sends each export's events, as far as that is known.
    """

    exports: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    live: dict[str, bool] = field(default_factory=dict)

    def find(self, trouble: Trouble, text: str, *exports: str) -> None:
        """Record something that is wrong."""
        self.findings.append(Finding(trouble, exports, text))

    def count(self, trouble: Trouble) -> int:
        """Return how many exports have a trouble."""
        concerned = (finding.exports for finding in self.findings if finding.trouble is trouble)
        return len({export for exports in concerned for export in exports})

    def parts(self, now_s: float) -> dict[str, dict[str, Any]]:
        """Return what the list of all exports shows of each: when it was checked, and what was found.

        Args:
            now_s: our clock, Unix seconds.
        """
        return {
            export: {
                "at_s": int(now_s),
                "live": self.live.get(export),
                "findings": [
                    {"trouble": finding.trouble.value, "text": shortened(finding.text, MAX_TEXT_CHARS)}
                    for finding in self.findings
                    if export in finding.exports
                ],
            }
            for export in self.exports
        }
