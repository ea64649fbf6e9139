"""Checks, and the forms that they find faults in, in every state."""

from __future__ import annotations

from typing import Any, Final

from lytics_sendgrid.domain.configuration import Account
from lytics_sendgrid.domain.execution import RunPlace
from lytics_sendgrid.workflow.catalogue import catalogue_key
from lytics_sendgrid.workflow.faults import Fault
from tests.browser.state import State
from tests.unit.functions.console.drafts.catalogues import CATALOGUE
from tests.unit.functions.console.pages import test_checks, test_drafts
from tests.unit.functions.console.pages.run_scene import ODD_NAME
from tests.unit.functions.console.scene import Scene


def draft() -> tuple[Scene, str]:
    """Return the form of a new export, for which both vendors have answered."""
    scene = Scene()
    scene.store.put(catalogue_key("default"), CATALOGUE.document(), scene.clock.now() + 36_000)
    return scene, test_drafts.new_draft(scene)


def change() -> tuple[Scene, str]:
    """Return the form of a change, while another run of the export is under way."""
    scene, _ = draft()
    scene.exports.put_export(test_checks.EXPORT)
    scene.exports.put_running("newsletter", RunPlace(scene.executions.run("by-hand", {}), 0), None)
    return scene, test_drafts.path_in(scene.post("/exports/newsletter/edit").location)


def _waiting_draft() -> tuple[Scene, str]:
    scene = Scene()
    return scene, test_drafts.new_draft(scene)


def _silent_draft() -> tuple[Scene, str]:
    scene = Scene()
    nothing = {"audiences": None, "lytics_fields": None, "lists": None, "sendgrid_fields": None}
    silent = CATALOGUE.model_copy(update={**nothing, "faults": {"lytics": "Lytics: read timeout"}})
    scene.store.put(catalogue_key("default"), silent.document(), scene.clock.now() + 36_000)
    return scene, test_drafts.new_draft(scene)


def _refused() -> tuple[Scene, str]:
    scene, _ = draft()
    faults = (Fault("the audience is not in Lytics", "/audiences/0"), Fault("no such field", "/email_field"))
    return scene, test_checks.refused(scene, *faults)


def _checking() -> tuple[Scene, str]:
    scene, _ = draft()
    return scene, f"{test_checks.checked(scene)}/check"


def _passed() -> tuple[Scene, str]:
    scene, _ = draft()
    return scene, f"{test_checks.passed(scene)}/check"


def _changed() -> tuple[Scene, str]:
    scene, path = change()
    scene.post(f"{path}/check")
    gone = {"name": ODD_NAME, "people": None, "becomes": "deleted"}
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


def _form_changed() -> tuple[Scene, str]:
    scene, path = _passed()
    scene.post(path.removesuffix("/check"), test_drafts.FORM | {"list": "l1"})
    return scene, path


def _old() -> tuple[Scene, str]:
    scene, path = _passed()
    scene.clock.move(31 * 60)
    return scene, path


def _configuration() -> tuple[Scene, str]:
    scene, path = _passed()
    scene.exports.put_account(Account("main", 1), 0)
    return scene, path


def _other_run() -> tuple[Scene, str]:
    scene, path = _passed()
    scene.exports.put_running("newsletter", RunPlace(scene.executions.run("by-hand", {}), 0), None)
    return scene, path


def _failed() -> tuple[Scene, str]:
    scene, path = _checking()
    scene.executions.end(test_checks.last(scene), "FAILED", error="States.Timeout", cause="SendGrid is slow")
    return scene, path


def _without_places() -> tuple[Scene, str]:
    scene, path = _checking()
    cause = f"SendGrid refuses the key of {ODD_NAME}. Create another one."
    scene.executions.end(test_checks.last(scene), "FAILED", error="KeyRefused", cause=cause)
    return scene, path


def _of(document: dict[str, Any]) -> tuple[Scene, str]:
    """Return the check of a resync or a stop, which has not begun."""
    scene, _ = change()
    path = test_checks.made(scene, {"export": "newsletter", **document})
    return scene, f"{path}/check"


def _ended(document: dict[str, Any], output: dict[str, Any]) -> tuple[Scene, str]:
    scene, path = _of(document)
    scene.executions.end(scene.executions.arn("by-hand"))
    scene.post(path)
    scene.executions.end(test_checks.last(scene), output=output)
    return scene, path


def _audit() -> tuple[Scene, str]:
    return _of({"action": "resync", "audit": True, "repair_segments": True})


def _resyncing() -> tuple[Scene, str]:
    scene, path = _of({"action": "resync"})
    scene.post(path)
    return scene, path


def _resync() -> tuple[Scene, str]:
    report = {"drift": {"missing": 2, "extra": 4}, "notes": ["a note"], "account": "main"}
    return _ended({"action": "resync"}, report)


def _stop(*, clear: bool = True) -> tuple[Scene, str]:
    return _ended({"action": "stop", "clear": clear}, test_checks.PLANNED)


def _wrong_name() -> tuple[Scene, str]:
    scene, path = _stop()
    return scene, f"{path.removesuffix('/check')}/start"


STATES: Final = (
    State("new export", lambda: (Scene(), "/new")),
    State("form, vendors not asked yet", _waiting_draft),
    State("form", draft),
    State("form with faults", _refused),
    State("form, vendors silent", _silent_draft),
    State("form of a change", change),
    State("form, too large", draft, status=413, form={"audiences": "x" * 200_001}),
    State("check under way", _checking),
    State("check passed", _passed),
    State("check, what changes, another run", _changed),
    State("check, another run", _other_run),
    State("check of a form that changed", _form_changed),
    State("check that is old", _old),
    State("check of a configuration that changed", _configuration),
    State("check that failed", _failed),
    State("check refused, without a place", _without_places),
    State("check of a comparison, not begun", _audit),
    State("check of a resync under way", _resyncing),
    State("check of a resync", _resync),
    State("check of a stop that clears", _stop),
    State("check of a stop that leaves segments", lambda: _stop(clear=False)),
    State("check of a stop, wrong name", _wrong_name, status=422, form={"confirm": "newsletters"}),
)
