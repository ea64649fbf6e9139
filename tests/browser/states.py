"""Every page of the console in every state that it has, for tests that look at all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, cast

from functions.console.aws.monitoring import Alarm
from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.errors import InputInvalid, ServiceUnavailable
from lytics_sendgrid.tables.heard import HeardTable
from lytics_sendgrid.workflow.run_record import RunRecord
from lytics_sendgrid.workflow.summary import SummaryPart
from tests.browser import states_of_checks, states_of_faults
from tests.browser.state import State
from tests.newsletter import NEWSLETTER, READERS
from tests.unit.functions.console.pages import run_scene, test_person, test_rejected
from tests.unit.functions.console.runs.test_report import AUDIENCE
from tests.unit.functions.console.scene import VIEWER, Scene
from tests.unit.functions.report.test_reporting import PASTE

ODD: Final = run_scene.ODD_NAME


def exports() -> tuple[Scene, str]:
    """Return the page Exports with an export in each state."""
    scene = Scene()
    now_s = int(scene.clock.now())
    done = {"started_at": "2026-11-18T02:10:00Z", "finished_at": "2026-11-18T02:24:00Z", "backfill": True}

    def export(
        name: str, *audiences: str, stopped_s: int | None = None, live: bool = True, **run: Any
    ) -> None:
        of = tuple(Audience(f"{number:032x}", text, text) for number, text in enumerate(audiences))
        scene.exports.put_export(replace(NEWSLETTER, name=name, audiences=of, stopped_s=stopped_s))
        scene.summaries.put_summary(
            name, SummaryPart.ACTIVATED, {"at_s": 1, "live": live, "state": "running"}
        )
        people = [{"id": "a", "lytics": 48_210, "sendgrid": 48_177}]
        record = RunRecord.read({"run": f"{name}-1", "audiences": people, **done, **run})
        run_scene.history(scene).record_run(name, record, now_s)
        HeardTable(cast(Any, scene.dynamodb), "exports").put_heard(name, (now_s - 200) * 1000)

    export("newsletter", "High value users", "Opened in the last 30 days", action="resync", scheduled=True)
    export("loyalty", "Gold members", ODD, finished_at=None)
    scene.executions.run("loyalty-1", {"export": "loyalty"})
    export("failed", "Everybody", finished_at=None)
    arn = scene.executions.run("failed-1", {})
    scene.executions.end(arn, "FAILED", cause="SendGrid refuses the key")
    scene.executions.started[arn] = replace(scene.executions.started[arn], ended_s=now_s - 600)
    export("winback", "Dormant for 90 days", live=False)
    export("summer-sale", *(f"Summer {number}" for number in range(12)), stopped_s=5, action="stop")
    export("trials", "Trial users", trouble=True)
    scene.exports.put_stop("trials", Stop("SendGrid refuses the changes of this export", now_s * 1000, 0))
    finding = {"trouble": "key_trouble", "text": "lytics_api_token expires tomorrow: create a new token"}
    scene.summaries.put_summary(
        "newsletter", SummaryPart.WATCHED, {"at_s": 2, "live": None, "findings": [finding]}
    )
    return scene, "/"


def _running() -> tuple[Scene, str]:
    scene = run_scene.scene_with_export()
    run_scene.begin(scene, run_scene.RUN, "IsScanned", "Scan")
    run_scene.scan(scene, 250)
    return scene, run_scene.PATH


def _ended() -> tuple[Scene, str]:
    scene = run_scene.scene_with_export()
    run_scene.begin(scene)
    run_scene.finish(scene)
    return scene, run_scene.PATH


def _end(status: str, **details: Any) -> tuple[Scene, str]:
    """Return a run that has ended without a report."""
    scene = run_scene.scene_with_export()
    scene.executions.end(run_scene.begin(scene), status, **details)
    return scene, run_scene.PATH


def _failed() -> tuple[Scene, str]:
    return _end("FAILED", error="KeyRefused", cause=f"SendGrid refuses the key\nof {ODD}: create another one")


def _cancelled() -> tuple[Scene, str]:
    return _end("ABORTED", error="Cancelled", cause="Cancelled in the console")


def _skipped() -> tuple[Scene, str]:
    return _end("SUCCEEDED", output={"skipped": "This resync was skipped: another run is under way"})


def _run_of_check() -> tuple[Scene, str]:
    scene = run_scene.scene_with_export()
    arn = run_scene.begin(scene, document={"dry_run": True})
    scene.executions.end(arn, output={"dry_run": True, "plan": {"notes": ["1 audience is added"]}})
    return scene, run_scene.PATH


def _in_trouble() -> tuple[Scene, str]:
    scene, path = _running()
    trouble = Checkpoint(trouble=f"Lytics does not know {ODD} any more: take it out of the export")
    scene.exports.put_scan(run_scene.RUN, READERS, trouble, int(scene.clock.now()))
    scene.exports.record_done(run_scene.RUN, ["0"], ["job"], int(scene.clock.now()), {"accepted": 1_200})
    scene.exports.put_stop("newsletter", Stop("404: the list is gone", 0, 9_999_999_999_999))
    return scene, path


def _with_trouble() -> tuple[Scene, str]:
    scene = run_scene.scene_with_export()
    run_scene.begin(scene)
    one = AUDIENCE | {"name": ODD, "trouble": "It is gone from Lytics.", "sendgrid": None}
    drift = {"missing": 4, "compared": 1_000, "likely_causes": ["a lost event"]}
    more = {"drift": drift, "audiences": [one, AUDIENCE, AUDIENCE | {"drift": drift, "id": "5f1d"}]}
    run_scene.finish(scene, report={"live": False, "activation": {"paste": PASTE}, **more})
    return scene, run_scene.PATH


def _export() -> tuple[Scene, str]:
    scene, _ = _ended()
    counts = {"accepted": 900, "unchanged": 12, "rejected": 3}
    for number in range(1, 18):
        day = f"2026-11-{number:02}"
        run_scene.days(scene).add_counts("newsletter", day, counts, int(scene.clock.now()))
    return scene, "/exports/newsletter"


def _new_export() -> tuple[Scene, str]:
    return run_scene.scene_with_export(), "/exports/newsletter"


def _stopped_export() -> tuple[Scene, str]:
    scene, path = _export()
    scene.exports.put_export(replace(NEWSLETTER, stopped_s=5))
    return scene, path


def _export_stopped_by_a_fault() -> tuple[Scene, str]:
    scene, path = _new_export()
    scene.exports.put_stop("newsletter", Stop(f"404: SendGrid has no list {ODD}", 0, 1))
    text = "lytics_api_token expires tomorrow: create a new token"
    finding = {"trouble": "key_trouble", "text": text}
    scene.summaries.put_summary(
        "newsletter", SummaryPart.WATCHED, {"at_s": 2, "live": None, "findings": [finding]}
    )
    return scene, path


def _rejected(*people: tuple[str, str]) -> tuple[Scene, str]:
    return test_rejected.scene_with(*people), "/exports/newsletter/rejected"


def _somebody_rejected() -> tuple[Scene, str]:
    return _rejected(*test_rejected.PEOPLE)


def health() -> tuple[Scene, str]:
    """Return the page Health with an alarm that is on, and messages that were given up."""
    scene = Scene()
    topic = ("arn:aws:sns:eu-west-1:123456789012:on-call",)
    now_s = scene.clock.now()
    text = "The changes queue waits too long: deliver is slow or stopped. docs/operate.md#alarm-changes-wait"
    scene.monitoring.raised = [
        Alarm("shop-changes-age", "ALARM", now_s - 900, text, topic),
        Alarm("shop-console-errors", "OK", now_s - 90_000, "console crashed. docs/operate.md#x", topic),
        Alarm("shop-watch-errors", "INSUFFICIENT_DATA", now_s - 90_000, "", topic),
    ]
    scene.monitoring.counts = {"changes": 1_240, "imports": 12, "imports-dead": 2}
    scene.monitoring.ages = {"changes": 1_900.0, "imports": 75.0, "imports_given_up": 86_400.0}
    return scene, "/health"


def _health_unknown() -> tuple[Scene, str]:
    scene = Scene()
    scene.monitoring.broken = ServiceUnavailable("down")
    return scene, "/health"


def _health_unheard() -> tuple[Scene, str]:
    scene = Scene()
    scene.monitoring.raised = [
        Alarm("shop-console-errors", "OK", scene.clock.now() - 9, "console crashed.", ())
    ]
    return scene, "/health"


def _person(answer: dict[str, Any] | Exception | None = None) -> tuple[Scene, str]:
    scene = run_scene.scene_with_export()
    scene.functions.answers[scene.settings.inspect_function] = answer or {}
    return scene, "/person"


ASKED: Final = {"export": "newsletter", "email": test_person.EMAIL}
SLOW: Final = ServiceUnavailable("timed out")
REFUSED: Final = InputInvalid(
    'The address in "email" is not an e-mail address, so a person with it is never exported: correct it'
)

STATES: Final = (
    State("exports, none yet", lambda: (Scene(), "/")),
    State("exports, none yet, viewer", lambda: (Scene(), "/"), VIEWER),
    State("exports", exports),
    State("exports, viewer", exports, VIEWER),
    *states_of_checks.STATES,
    State("run under way", _running),
    State("run under way, viewer", _running, VIEWER),
    State("run under way, in trouble", _in_trouble),
    State("run ended", _ended),
    State("run ended, not live, with trouble", _with_trouble),
    State("run failed", _failed),
    State("run cancelled", _cancelled),
    State("run skipped", _skipped),
    State("run of a check", _run_of_check),
    State("export", _export),
    State("export, viewer", _export, VIEWER),
    State("export without a run", _new_export),
    State("export, stopped", _stopped_export),
    State("export, stopped by a fault", _export_stopped_by_a_fault),
    State("rejected people", _somebody_rejected),
    State("rejected people, viewer", _somebody_rejected, VIEWER),
    State("rejected people, nobody", _rejected),
    State("rejected people, found", _somebody_rejected, form={"beginning": "ann"}),
    State("rejected people, not found", _somebody_rejected, form={"beginning": "<b>"}),
    State("person", _person),
    State("person, no export yet", lambda: (Scene(), "/person")),
    State("person, answered", lambda: _person(test_person.ANSWER), form=ASKED),
    State("person, not an address", lambda: _person(REFUSED), status=422, form=ASKED),
    State("person, export is gone", _person, status=422, form=ASKED | {"export": "gone"}),
    State("person, no answer in time", lambda: _person(SLOW), status=503, form=ASKED),
    State("health", health),
    State("health, nothing to tell, viewer", lambda: (Scene(), "/health"), VIEWER),
    State("health, unknown", _health_unknown),
    State("health, nobody is notified", _health_unheard),
    *states_of_faults.STATES,
)
