"""Look at every live export once: its webhook job, its keys, its events and its nightly resyncs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from functions.watch.findings import Trouble, Watched
from functions.watch.jobs import Restart, job_trouble, restart_of
from functions.watch.keys import expiry_trouble
from functions.watch.rhythm import Rhythm, looked, silence_text
from functions.watch.skipped import skipped_text
from lytics_sendgrid.domain.configuration import Export
from lytics_sendgrid.domain.execution import NamedExecutions
from lytics_sendgrid.domain.nights import night_at
from lytics_sendgrid.errors import KeyRefused, LyticsSendGridError, RetryLater, StopRun
from lytics_sendgrid.lytics.api import WEBHOOK_WORKFLOW
from lytics_sendgrid.lytics.documents import LyticsJob
from lytics_sendgrid.lytics.webhook_jobs import job_of, webhook_url


class Exports(Protocol):
    """The exports' configurations."""

    def export_names(self) -> Sequence[str]: ...  # noqa: D102

    def export(self, name: str) -> Export | None: ...  # noqa: D102


class HeardTable(Protocol):
    """When the last event of each export came, and what the watch remembers."""

    def heard_ms(self, export: str) -> int | None: ...  # noqa: D102

    def rhythm(self, export: str) -> Mapping[str, Any] | None: ...  # noqa: D102

    def put_rhythm(self, export: str, document: Mapping[str, Any]) -> None: ...  # noqa: D102


class SendGrid(Protocol):
    """SendGrid for one key."""

    def contacts_count(self) -> int: ...  # noqa: D102


class Lytics(Protocol):
    """Lytics for one token."""

    def jobs(self, workflow: str | None = None) -> Sequence[LyticsJob]: ...  # noqa: D102

    def sizes(self, audience_ids: Sequence[str]) -> Mapping[str, int]: ...  # noqa: D102

    def resume_job(self, job_id: str) -> bool: ...  # noqa: D102

    def restart_job(self, job_id: str) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Vendors:
    """Both vendors for the keys of one authorization.

    Attributes:
        sendgrid: for its key.
        lytics: for its token.
        secret: the name of the secret with both.
        token_expires: the day that a person has written into it; empty: none.
    """

    sendgrid: SendGrid
    lytics: Lytics
    secret: str
    token_expires: str


@dataclass(frozen=True, slots=True)
class WatchTools:
    """What a look needs.

    Attributes:
        exports: the configurations.
        heard: the last events.
        executions: of the state machine.
        vendors: returns both vendors for an authorization.
        webhook_base_url: without ``/lytics/<export>``.
        restarts: set paused and failed jobs going again.
    """

    exports: Exports
    heard: HeardTable
    executions: NamedExecutions
    vendors: Callable[[str], Vendors]
    webhook_base_url: str
    restarts: bool


def watch(tools: WatchTools, now_s: float) -> Watched:
    """Check every live export. An export that cannot be checked is reported; the others are still checked.

    Raises:
        LyticsSendGridError: the list of exports could not be read.
    """
    watched = Watched()
    by_authorization: dict[str, list[Export]] = {}
    for name in tools.exports.export_names():
        try:
            export = tools.exports.export(name)
        except Exception as error:  # noqa: BLE001 - its configuration is one export's trouble
            watched.broken[name] = (
                str(error) if isinstance(error, LyticsSendGridError) else type(error).__name__
            )
            continue
        if export is not None and export.stopped_s is None:
            watched.exports.append(name)
            by_authorization.setdefault(export.authorization, []).append(export)
    for authorization, exports in by_authorization.items():
        _look_at_vendors(tools, watched, authorization, exports, now_s)
    for name in watched.exports:
        try:
            _look_at_events(tools, watched, name, int(now_s))
            if text := skipped_text(tools.executions, name, now_s):
                watched.find(Trouble.SKIPPED, text, name)
        except LyticsSendGridError as error:
            watched.unseen.append(f"export '{name}': {error}")
    return watched


def _look_at_vendors(
    tools: WatchTools, watched: Watched, authorization: str, exports: Sequence[Export], now_s: float
) -> None:
    names = [export.name for export in exports]
    try:
        vendors = tools.vendors(authorization)
    except RetryLater as error:
        watched.unseen.append(f"authorization '{authorization}': {error}")
        return
    except StopRun as error:
        watched.find(Trouble.KEY, str(error), *names)
        return
    if text := expiry_trouble(vendors.token_expires, vendors.secret, night_at(now_s)):
        watched.find(Trouble.KEY, text, *names)
    _asked(watched, authorization, names, vendors.sendgrid.contacts_count)
    subscribed = any(export.lytics_job for export in exports)
    jobs: Sequence[LyticsJob] | None = None
    try:
        jobs = vendors.lytics.jobs(WEBHOOK_WORKFLOW)
    except KeyRefused as error:
        if error.lacks_permission and not subscribed:
            # "subscribe": false is meant for tokens that may not list jobs.
            audience = exports[0].audiences[0].id
            _asked(watched, authorization, names, lambda: vendors.lytics.sizes([audience]))
        else:
            watched.find(Trouble.KEY, str(error), *names)
    except LyticsSendGridError as error:
        watched.unseen.append(f"authorization '{authorization}': {error}")
    for export in exports if jobs is not None else ():
        job = job_of(jobs or (), export.lytics_job, webhook_url(tools.webhook_base_url, export.name))
        text = job_trouble(export, job)
        watched.live[export.name] = job is not None and not text
        if text:
            watched.find(Trouble.JOB, text, export.name)
            if tools.restarts and job is not None:
                _restart(watched, vendors.lytics, export.name, job)


def _asked(watched: Watched, authorization: str, names: Sequence[str], ask: Callable[[], object]) -> None:
    """Ask something that shows whether a key still works. Only a refusal shows that it does not."""
    try:
        ask()
    except KeyRefused as error:
        watched.find(Trouble.KEY, str(error), *names)
    except LyticsSendGridError as error:
        watched.unseen.append(f"authorization '{authorization}': {error}")


def _restart(watched: Watched, lytics: Lytics, export: str, job: LyticsJob) -> None:
    try:
        how = restart_of(job)
        if how is Restart.RESUME:
            restarted = lytics.resume_job(job.id)
        else:
            restarted = how is Restart.BOUNCE and lytics.restart_job(job.id)
    except LyticsSendGridError as error:
        watched.unseen.append(f"export '{export}': its webhook job could not be restarted: {error}")
    else:
        watched.restarted += [export] if restarted else []


def _look_at_events(tools: WatchTools, watched: Watched, export: str, now_s: int) -> None:
    document = tools.heard.rhythm(export)
    before = None if document is None else Rhythm.from_document(document)
    rhythm = looked(before, (tools.heard.heard_ms(export) or 0) // 1000, now_s)
    tools.heard.put_rhythm(export, rhythm.document())
    if text := silence_text(export, rhythm):
        watched.find(Trouble.SILENT, text, export)
