"""Say what a resync found out of date, audience by audience, what it did about it, and the likely cause."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from lytics_sendgrid.counted_text import contacts, counted, people
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.domain.sweep_findings import SweepFindings
from lytics_sendgrid.workflow.state_part import StatePart

REASONS: Final[Mapping[str, str]] = {
    "member": "Lytics still shows them in the audience, although the scan did not return them",
    "unclear": "Lytics gave no clear answer about them, and nobody is taken out because of that. The next "
    "resync looks them up again",
    "seen_again": "the second scan returned them",
    "sample": "others of them are still in the audience, so the scans skip people. If the next resync says "
    "the same, ask Lytics' support",
    "guard": "the guard stopped the sweep of the audience. The cause of this run says what to do",
    "not_swept": "the audience's scan does not show which people have left. The cause of this run "
    "says what to do",
    "second_scan": "the audience's second scan does not show which people have left. The cause of this "
    "run says what to do",
    "changed": "the audience's exports or their e-mail fields were changed during the run. The next "
    "resync decides",
}
"""Why suspects stay, by the word that the sweep counts them under."""
DOUBTS: Final[Mapping[str, str]] = {
    "not_found": "they did not find a person that a scan had just shown, or Lytics did not answer. {}. If "
    "the next resync says the same, ask Lytics' support",
    "no_identity": "the e-mail field does not identify people in Lytics' schema. {}. To enable look-ups, "
    "make it an identity field in Lytics",
    "no_sample": "no scan has shown anybody to try them with. {}. When the audience has people again in "
    "Lytics, resync again",
}
"""Why look-ups were not believed, by the word that the sweep keeps."""
_SECOND_SCAN: Final = "A second scan decided who has left"
RUNNING: Final = frozenset({"running", "sleeping", "initializing"})


class AudienceDrift(StatePart):
    """What was out of date in one audience.

    Attributes:
        missing: people that Lytics has in it, and that the ledger did not know there. They were put in.
        stale: people with an outdated field. They were sent again.
        extra: people who have left it, without an event. They were taken out.
        returned: people who are in it again, without an event. They were put back.
        waiting: people who may be in it again, but left less than 24 hours before the scan. The next resync
            decides.
        suspects: people that the ledger has in it, and that the scan did not return.
        stayed: of those, the ones who stay, by reason.
        note: what else to know.
    """

    missing: int = 0
    stale: int = 0
    extra: int = 0
    returned: int = 0
    waiting: int = 0
    suspects: int = 0
    stayed: dict[str, int] = Field(default_factory=dict)
    note: str = ""


class Drift(AudienceDrift):
    """The same in all, and why.

    Attributes:
        compared: contacts of the ledger that were compared with the scans.
        doubt: why look-ups in Lytics decided nothing: ``not_found``, ``no_identity`` or ``no_sample``.
        likely_causes: for a person, the most likely first.
    """

    compared: int = 0
    doubt: str = ""
    likely_causes: tuple[str, ...] = ()


_UNKNOWN: Final = (
    "none is known. Lytics sends no event for merged and deleted profiles and changed addresses, and an "
    "event may be lost"
)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """How many messages wait in the queues of what was given up, of all exports together.

    Attributes:
        changes: in the dead-letter queue of changes.
        imports: in the dead-letter queue of import jobs.
        rejects: in the queue of what Lytics sent and can never become a change.
    """

    changes: int = 0
    imports: int = 0
    rejects: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """What may have caused drift.

    Attributes:
        job: state of the export's webhook job in Lytics; empty if it has none, None if it is unknown.
        rejected: contacts that SendGrid refuses.
        job_changed: when the job was last changed, as Lytics says; empty if it does not say.
        heard: when the export's last event came, ISO 8601; empty if none is known.
        given_up: what waits for a person.
    """

    job: str | None
    rejected: int
    job_changed: str = ""
    heard: str = ""
    given_up: GivenUp = GivenUp()


UNKNOWN: Final = Health(None, 0)
"""Nothing is known of what may have caused drift."""


def audience_drift(audience: str, sweep: SweepFindings, counts: Mapping[str, int]) -> AudienceDrift:
    """Return the drift of one audience; without the numbers that are 0.

    Args:
        audience: its id.
        sweep: what the sweep found.
        counts: what ``deliver`` counted in the run.
    """
    swept = sweep.of(audience)
    values: dict[str, Any] = {
        "missing": counts.get(f"missing.{audience}", 0),
        "stale": counts.get(f"stale.{audience}", 0),
        "extra": swept.leavers,
        "returned": swept.returned,
        "waiting": swept.waiting,
        "suspects": swept.suspects,
        "stayed": dict(swept.stayed),
        "note": swept.note,
    }
    return AudienceDrift(**{name: value for name, value in values.items() if value})


def whole_drift(drifts: Iterable[AudienceDrift], sweep: SweepFindings, health: Health) -> Drift:
    """Return the sums over all audiences, and the likely causes."""
    every = list(drifts)
    stayed: dict[str, int] = {}
    for drift in every:
        for reason, number in drift.stayed.items():
            stayed[reason] = stayed.get(reason, 0) + number
    doubt: dict[str, Any] = {"doubt": sweep.doubt} if sweep.doubt else {}
    total = Drift(
        missing=sum(drift.missing for drift in every),
        stale=sum(drift.stale for drift in every),
        extra=sum(drift.extra for drift in every),
        returned=sum(drift.returned for drift in every),
        waiting=sum(drift.waiting for drift in every),
        suspects=sum(drift.suspects for drift in every),
        stayed=stayed,
        compared=sweep.contacts,
        **doubt,
    )
    moved = total.missing or total.stale or total.extra or total.returned
    return total.model_copy(update={"likely_causes": _causes(health)}) if moved else total


def drift_notes(
    audiences: Sequence[Audience], drifts: Sequence[AudienceDrift], total: Drift, *, dry_run: bool
) -> list[str]:
    """Return what a person should read first."""
    if not (total.missing or total.stale or total.suspects or total.returned or total.waiting):
        were = "was" if total.compared == 1 else "were"
        return [f"no drift: {contacts(total.compared)} {were} compared with Lytics"]

    def done(number: int) -> str:
        return "would be" if dry_run else "was" if number == 1 else "were"

    have, are = ("has" if total.extra == 1 else "have"), ("is" if total.returned == 1 else "are")
    summary = (
        f"drift of {contacts(total.compared)}: {counted(total.missing, 'missing person', 'missing people')} "
        f"{done(total.missing)} put in, {total.stale:,} with stale fields {done(total.stale)} sent again, "
        f"{total.extra:,} who {have} left {done(total.extra)} taken out, {total.returned:,} who {are} back "
        f"{done(total.returned)} put back"
    )
    notes = [summary]
    notes += [f"likely cause of the drift: {cause}" for cause in total.likely_causes]
    if total.doubt:
        why = DOUBTS.get(total.doubt, total.doubt).format(_SECOND_SCAN)
        notes.append(f"Lytics' look-ups decided nothing in this run: {why}")
    notes += [
        f"'{audience.name}': {people(stayed)} {'stays' if stayed == 1 else 'stay'} in the segment: "
        f"{REASONS.get(reason, reason)}"
        for audience, drift in zip(audiences, drifts, strict=True)
        for reason, stayed in drift.stayed.items()
    ]
    notes += [
        f"'{audience.name}', not put back yet: {people(drift.waiting)}. They may be in it again, but have "
        "left less than 24 hours before the scan, which may lag. A resync a day later decides"
        for audience, drift in zip(audiences, drifts, strict=True)
        if drift.waiting
    ]
    return notes + [
        f"'{audience.name}': {drift.note}"
        for audience, drift in zip(audiences, drifts, strict=True)
        if drift.note
    ]


def _causes(health: Health) -> tuple[str, ...]:
    causes = []
    if health.job == "":
        causes.append("the export has no webhook job, so Lytics sends no events: start the export again")
    elif health.job is not None and health.job not in RUNNING:
        causes.append(
            f"the webhook job is '{health.job}' in Lytics{_since(health)}, so events are lost or late: "
            "resume it in Lytics, or start the export again"
        )
    given_up = health.given_up
    for number, queue in ((given_up.changes, "changes"), (given_up.imports, "import jobs")):
        if number:
            causes.append(
                f"{_waiting(number)} in the dead-letter queue of {queue}, of all exports together: redrive "
                "it (make redrive)"
            )
    if given_up.rejects:
        causes.append(
            f"{_waiting(given_up.rejects)} in the rejects queue, of all exports together. They hold what "
            "Lytics sent and what can never become a change: look at their reasons"
        )
    if health.rejected:
        causes.append(f"SendGrid refused {contacts(health.rejected)}: see make rejected")
    return tuple(causes) or (_UNKNOWN,)


def _since(health: Health) -> str:
    """Return since when a job may not run, as far as it is known."""
    changed = f"last changed there at {health.job_changed}" if health.job_changed else ""
    heard = f"its last event came at about {health.heard}" if health.heard else ""
    known = ", ".join(filter(None, (changed, heard)))
    return f" ({known})" if known else ""


def _waiting(messages: int) -> str:
    return f"{counted(messages, 'message waits', 'messages wait')}"
