"""Every page of the console in every state that it has, for tests that look at all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from functions.console.aws.monitoring import Alarm
from functions.console.signin.roles import Identity
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.domain.stop import Stop
from lytics_sendgrid.tables.heard import HeardTable
from lytics_sendgrid.workflow.catalogue import catalogue_key
from lytics_sendgrid.workflow.faults import Fault
from lytics_sendgrid.workflow.run_record import RunRecord
from lytics_sendgrid.workflow.summary import Part
from tests.newsletter import NEWSLETTER
from tests.unit.functions.console.drafts.catalogues import CATALOGUE
from tests.unit.functions.console.pages import run_scene, test_checks, test_drafts, test_rejected
from tests.unit.functions.console.scene import OPERATOR, STRANGER, VIEWER, Scene

ODD: Final = '<script>alert("x")</script> \u202eevil'


@dataclass(frozen=True, slots=True)
class State:
    """A page in one of its states.

    Attributes:
        name: of the test.
        made: returns the scene and the page's path.
        visitor: who looks; None: nobody is signed in.
        status: of the answer.
    """

    name: str
    made: Callable[[], tuple[Scene, str]]
    visitor: Identity | None = OPERATOR
    status: int = 200


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
        scene.summaries.put_summary(name, Part.ACTIVATED, {"at_s": 1, "live": live, "state": "running"})
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
    scene.summaries.put_summary("newsletter", Part.WATCHED, {"at_s": 2, "live": None, "findings": [finding]})
    return scene, "/"


def _draft() -> tuple[Scene, str]:
    scene = Scene()
    scene.store.put(catalogue_key("default"), CATALOGUE.document(), scene.clock.now() + 36_000)
    return scene, test_drafts.new_draft(scene)


def _waiting_draft() -> tuple[Scene, str]:
    scene = Scene()
    return scene, test_drafts.new_draft(scene)


def _checking() -> tuple[Scene, str]:
    scene, _ = _draft()
    return scene, f"{test_checks.checked(scene)}/check"


def _passed() -> tuple[Scene, str]:
    scene, _ = _draft()
    return scene, f"{test_checks.passed(scene)}/check"


def _refused() -> tuple[Scene, str]:
    scene, _ = _draft()
    faults = (Fault("the audience is not in Lytics", "/audiences/0"), Fault("no such field", "/email_field"))
    return scene, test_checks.refused(scene, *faults)


def _silent_draft() -> tuple[Scene, str]:
    scene = Scene()
    nothing = {"audiences": None, "lytics_fields": None, "lists": None, "sendgrid_fields": None}
    silent = CATALOGUE.model_copy(update={**nothing, "faults": {"lytics": "Lytics: read time-out"}})
    scene.store.put(catalogue_key("default"), silent.document(), scene.clock.now() + 36_000)
    return scene, test_drafts.new_draft(scene)


def _change() -> tuple[Scene, str]:
    scene, _ = _draft()
    scene.exports.put_export(test_checks.EXPORT)
    scene.exports.put_running("newsletter", scene.executions.run("by-hand", {}), None)
    return scene, test_drafts.path_in(scene.post("/exports/newsletter/edit").location)


def _changed() -> tuple[Scene, str]:
    scene, path = _change()
    scene.post(f"{path}/check")
    gone = {"name": ODD, "people": None, "becomes": "deleted"}
    difference = {
        "audiences_added": [{"name": "New", "people": 7, "becomes": "added"}],
        "audiences_removed": [gone],
        "fields_new": ["city"],
        "fields_stale": ["town"],
        "list_changed": True,
        "email_field_changed": True,
    }
    plan = test_checks.PLAN | {"difference": difference}
    scene.executions.end(test_checks.last(scene), output=test_checks.PLANNED | {"plan": plan})
    return scene, f"{path}/check"


def _resync() -> tuple[Scene, str]:
    scene, _ = _change()
    path = test_checks.made(scene, {"action": "resync", "export": "newsletter"})
    scene.post(f"{path}/check")
    report = {"drift": {"missing": 2, "extra": 4}, "notes": ["a note"], "account": "main"}
    scene.executions.end(test_checks.last(scene), output=report)
    return scene, f"{path}/check"


def _stop() -> tuple[Scene, str]:
    scene, _ = _draft()
    scene.exports.put_export(test_checks.EXPORT)
    path = test_checks.made(scene, {"action": "stop", "export": "newsletter", "clear": True})
    scene.post(f"{path}/check")
    scene.executions.end(test_checks.last(scene), output=test_checks.PLANNED)
    return scene, f"{path}/check"


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


def _failed() -> tuple[Scene, str]:
    scene = run_scene.scene_with_export()
    scene.executions.end(
        run_scene.begin(scene), "FAILED", error="KeyRefused", cause="SendGrid refuses the key"
    )
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


def _rejected() -> tuple[Scene, str]:
    return test_rejected.scene_with(("ada@example.com", "address")), "/exports/newsletter/rejected"


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


def _person() -> tuple[Scene, str]:
    return run_scene.scene_with_export(), "/person"


STATES: Final = (
    State("exports, none yet", lambda: (Scene(), "/")),
    State("exports, none yet, viewer", lambda: (Scene(), "/"), VIEWER),
    State("exports", exports),
    State("exports, viewer", exports, VIEWER),
    State("new export", lambda: (Scene(), "/new")),
    State("form, vendors not asked yet", _waiting_draft),
    State("form", _draft),
    State("form with faults", _refused),
    State("form, vendors silent", _silent_draft),
    State("form of a change", _change),
    State("check under way", _checking),
    State("check, what changes", _changed),
    State("check of a resync", _resync),
    State("check of a stop", _stop),
    State("check passed", _passed),
    State("run under way", _running),
    State("run under way, viewer", _running, VIEWER),
    State("run ended", _ended),
    State("run failed", _failed),
    State("export", _export),
    State("export, viewer", _export, VIEWER),
    State("export without a run", _new_export),
    State("rejected people", _rejected),
    State("rejected people, viewer", _rejected, VIEWER),
    State("person", _person),
    State("person, no export yet", lambda: (Scene(), "/person")),
    State("health", health),
    State("health, nothing to tell, viewer", lambda: (Scene(), "/health"), VIEWER),
    State("signed out", lambda: (Scene(), "/signed-out"), None),
    State("sign-in failed", lambda: (Scene(), "/sign-in/answer"), None, 400),
    State("stranger", lambda: (Scene(), "/"), STRANGER, 403),
    State("page that does not exist", lambda: (Scene(), "/nothing"), OPERATOR, 404),
    State("operators only", lambda: (Scene(), "/new"), VIEWER, 403),
)
