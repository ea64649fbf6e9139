"""The largest run that `plan` accepts stays within Step Functions' limits in each state, report and cause."""

import json
from bisect import bisect_right
from typing import Any

import pytest

from functions.activate.webhook_job import as_text, job_config, manual_webhook
from functions.plan.facts import Facts
from functions.plan.planning import make_plan
from functions.plan.sizes import size_faults
from functions.plan.state import Beginning, planned_run
from functions.report.counted import Counted
from functions.report.reporting import run_report
from lytics_sendgrid.bounded_text import shortened
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)
from lytics_sendgrid.domain.sweep_findings import SweepFindings, SweptAudience
from lytics_sendgrid.errors import SubscriptionRefused
from lytics_sendgrid.lytics.documents import LyticsAudience
from lytics_sendgrid.sendgrid.resources import Segment, segment_name
from lytics_sendgrid.workflow.activation import Activation
from lytics_sendgrid.workflow.audit_progress import AuditProgress
from lytics_sendgrid.workflow.export_run import ActivatedRun, ExportRun
from lytics_sendgrid.workflow.limits import (
    MAX_STATE_BYTES,
    PROVISION_NOTES_CHARS,
    STOP_REASON_CHARS,
    bounded_notes,
    json_bytes,
)
from lytics_sendgrid.workflow.run_config import Provisioned
from lytics_sendgrid.workflow.settle_progress import DoneOf, SettleProgress
from lytics_sendgrid.workflow.sweep_progress import AudienceToScan, SweepProgress
from tests.unit.functions.plan.start_input import start_input

LETTERS = ["x", "ü", "名", "🏔", '"', "\\"]
AUDIENCES = 200
URL = f"https://{'hooks' * 12}.example.com/v1/lytics/{'e' * 64}"


def planned(
    name: str, fields: int, *, audiences: int = AUDIENCES, letter: str = "x", export: Export | None = None
) -> ExportRun:
    """Plan a run of audiences with long names, with fields whose names in Lytics are long."""
    chosen = [
        LyticsAudience(f"{n:032x}", f"{n:03d}{name}", f"slug_{n}_" + "s" * 60, size=10**9)
        for n in range(audiences)
    ]
    lytics = {f"{n:03d}{letter * 150}": "string" for n in range(fields)}
    custom = {field: f"f{n:03d}" + "c" * 95 for n, field in enumerate(lytics)}
    schema = {"email": "string", "first_name": "string", "last_name": "string", **lytics}
    facts = Facts(
        Account("a" * 64),
        export,
        listed=chosen,
        matches={audience.id: (audience,) for audience in chosen},
        schema=schema,
        jobs=(),
        fields=(),
        lists=(),
        segments={},
        notes=tuple(f"{n} {letter * 300}" for n in range(300)),
    )
    wanted = start_input({"audiences": ["a"], "export": "e" * 64, "custom_fields": custom})
    plan, faults = make_plan(wanted, facts)
    assert faults == []
    return planned_run(Beginning("r" * 80, "", "2026-11-23T00:00:00Z"), wanted, "a" * 64, facts, plan)


def export_of(run: ExportRun) -> Export:
    mapping = (
        MappedField(field.lytics, "e500_T", field.name, FieldKind.TEXT, 1_000) for field in run.config.mapping
    )
    return Export(run.export, "default", run.account, 9, "email", tuple(mapping), run.audiences)


def last_state(run: ExportRun, letter: str) -> dict[str, Any]:
    """Return the state before the report, with everything that the tasks may add."""
    export = export_of(run)
    webhook = manual_webhook(export, job_config(export, URL, {"segment_events"}), f"{'s' * 60}/default")
    count = DoneOf(done=10**9, of=10**9)
    return run.document() | {
        "provision": Provisioned(
            version=10**9,
            fields=run.plan.create.custom_fields,
            segments=AUDIENCES,
            adopted=AUDIENCES,
            renamed=AUDIENCES,
            repaired=AUDIENCES,
            notes=bounded_notes([letter * 500] * AUDIENCES, PROVISION_NOTES_CHARS),
        ).document(),
        "activation": Activation(
            live=False,
            running=True,
            job_id="j" * 64,
            state="NOT LIVE",
            webhook_url=URL,
            paste=webhook,
            waited=60,
        ).document(),
        "sweep": SweepProgress(
            done=False,
            wait_s=600,
            second_scan=tuple(AudienceToScan(id=audience.id) for audience in run.audiences),
            doing="d" * 200,
        ).document(),
        "audit": AuditProgress(done=False, wait_s=600, doing="d" * 200).document(),
        "settle": SettleProgress(
            settled=False,
            messages=count,
            jobs=count,
            stop=shortened(letter * 5_000, STOP_REASON_CHARS),
            wait_s=60,
            elsewhere=True,
            round=10**6,
            started_s=10**10,
            moved_s=10**10,
        ).document(),
    }


def report_of(state: dict[str, Any], letter: str) -> dict[str, Any]:
    """Return the report if everything went wrong for every audience."""
    run = ActivatedRun.read(state)
    segments = {
        str(n): Segment(
            f"{n:036d}",
            segment_name(audience.id, audience.name),
            None,
            None,
            10**9,
            "INVALID",
            letter * 300,
            "2026-11-23T08:00:00.000000Z",
        )
        for n, audience in enumerate(run.audiences)
    }
    account = Account(
        run.account,
        audiences={
            audience.id: ProvisionedAudience("lytics_segments_6", f"{n:036d}", None, (run.export,))
            for n, audience in enumerate(run.audiences)
        },
    )
    scan = Checkpoint(
        scanned=10**9, without_email=10**9, bad_email=10**9, smallest=10**10, largest=10**10, done=True
    )
    swept = SweptAudience(
        suspects=10**9,
        leavers=10**9,
        returned=10**9,
        young=10**9,
        stayed={"seen_again": 10**9, "sample": 10**9},
        note="x" * 100,
    )
    counted = Counted(
        {audience.id: 10**9 for audience in run.audiences},
        {segment.id: segment for segment in segments.values()},
        10**9,
        {audience.id: scan for audience in run.audiences},
        {f"rejected.reason_{n}": 10**9 for n in range(10)},
        {"j": {"status": "failed", "parked": 9, "unread": 9}},
        (letter * 24_000,) * 3,
        sweep=SweepFindings(10**9, audiences={audience.id: swept for audience in run.audiences}),
    )
    return run_report(run, account, counted, "2026-11-23T08:00:00Z").document()


@pytest.mark.parametrize("fields", [0, 20, 40])
@pytest.mark.parametrize("letter", LETTERS)
def test_largest_accepted_run_stays_within_all_limits(letter: str, fields: int) -> None:
    def is_refused(length: int) -> bool:
        return size_faults(planned(letter * length, fields, letter=letter)) != []

    longest = bisect_right(range(1, 1_500), 0, key=is_refused)
    run = planned(letter * longest, fields, letter=letter)
    state = last_state(run, letter)
    assert size_faults(run) == []
    assert json_bytes({"resumed": True, "state": state}) <= MAX_STATE_BYTES
    report = report_of(state, letter)
    assert json_bytes(report) <= MAX_STATE_BYTES
    assert report["drift"]["suspects"] == len(run.audiences) * 10**9
    assert [audience["name"] for audience in report["audiences"]] == [one.name for one in run.audiences]
    export = export_of(run)
    webhook = manual_webhook(export, job_config(export, URL, {"segment_events"}), "stack/default")
    error = SubscriptionRefused(f"{letter * 300}.\n{as_text(webhook)}\nThen start the export again.")
    assert str(error).endswith("Then start the export again.")
    assert len(json.dumps({"errorMessage": str(error)})) < 32_768 - 5_000


def test_change_of_everything_is_accepted() -> None:
    former = Export(
        *(
            "e" * 64,
            "default",
            "a" * 64,
            9,
            "mail",
            (),
            tuple(Audience(f"{n:032x}", "o" * 90, "o") for n in range(300, 500)),
        )
    )
    run = planned("n" * 92, 20, export=former)
    assert size_faults(run) == []
    assert run.plan.difference is not None
    assert run.plan.difference.left_out > 0


@pytest.mark.parametrize("letter", ["x", "ü", "名", '"', "\\"])
def test_200_audiences_with_names_of_95_letters_are_accepted(letter: str) -> None:
    assert size_faults(planned(letter * 92, 20)) == []


def test_too_large_run_is_refused_with_what_takes_the_room() -> None:
    (fault,) = size_faults(planned("名" * 500, 3))
    assert "Step Functions carries at most 262144" in fault
    assert "The names of its 200 audiences take 301" in fault
    assert "split the audiences over several exports" in fault
