"""The check of a draft and the start that it allows, without a browser."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.console.context import Role, Visitor
from functions.console.drafts.desk import Desk
from functions.console.drafts.draft import run_key
from lytics_sendgrid.domain.configuration import Account, Audience, Export
from lytics_sendgrid.domain.execution import RunPlace
from lytics_sendgrid.workflow.catalogue import catalogue_key
from lytics_sendgrid.workflow.faults import Fault, listed
from tests.unit.functions.console.drafts.catalogues import CATALOGUE, HIGH_VALUE
from tests.unit.functions.console.pages.test_drafts import FORM, new_draft, path_in
from tests.unit.functions.console.scene import OPERATOR, VIEWER, Page, Scene

VISITOR = Visitor(OPERATOR.subject, OPERATOR.email, frozenset(), Role.OPERATOR)
PLAN: dict[str, Any] = {
    "create": {"custom_fields": ["lytics_segments"], "segments": ["High value users"]},
    "reuse": {"custom_fields": ["visits"], "segments": [], "list": "News"},
    "people": 1234567,
    "estimate": {"minutes": 12, "aws_dollars": 1.5, "basis": "AWS list prices"},
    "notes": ["the audience '<b>Old</b>' is removed"],
}
PLANNED: dict[str, Any] = {"plan": PLAN, "account": "main", "planned_version": 0, "dry_run": True}
EXPORT = Export(
    "newsletter", "default", "main", 3, "email", (), (Audience(HIGH_VALUE, "High value users", "high"),)
)


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.store.put(catalogue_key("default"), CATALOGUE.document(), scene.clock.now() + 36_000)
    return scene


def checked(scene: Scene, **form: Any) -> str:
    """Fill in a draft and begin its check. Returns the draft's path."""
    path = new_draft(scene)
    began = scene.post(f"{path}/check", FORM | form)
    assert (began.status, path_in(began.location)) == (303, f"{path}/check")
    return path


def last(scene: Scene) -> str:
    """Return the ARN of the execution that was started last."""
    return list(scene.executions.started)[-1]


def passed(scene: Scene, **form: Any) -> str:
    path = checked(scene, **form)
    scene.executions.end(last(scene), output=PLANNED)
    return path


def refused(scene: Scene, *faults: Fault, **form: Any) -> str:
    path = checked(scene, **form)
    cause = f"The export cannot start, and nothing was changed. {listed(faults)}"
    scene.executions.end(last(scene), "FAILED", error="ExportRefused", cause=cause)
    return path


def runs(scene: Scene) -> list[dict[str, Any]]:
    """Return the inputs of the executions that are no dry runs."""
    inputs = [dict(execution.input) for execution in scene.executions.started.values()]
    return [document for document in inputs if not document.get("dry_run")]


def test_check_is_a_dry_run_of_the_form_and_polled(scene: Scene) -> None:
    path = checked(scene)
    (execution,) = scene.executions.started.values()
    assert execution.name.startswith("check-")
    assert execution.input == {
        "export": "newsletter",
        "authorization": "default",
        "audiences": [HIGH_VALUE],
        "first_name_field": "first_name",
        "last_name_field": None,
        "custom_fields": {"visits": "visit_count"},
        "dry_run": True,
    }
    page = scene.get(f"{path}/check")
    assert 'hx-trigger="load delay:2s, poll-now"' in page.html
    assert "Start Export" not in page.text
    fragment = scene.fragment(f"{path}/check")
    assert "<html" not in fragment.html
    assert scene.audits.lines[-1] == {
        "act": "check_started",
        "subject": OPERATOR.subject,
        "export": "newsletter",
        "execution": execution.name,
    }


def test_check_shows_what_would_happen(scene: Scene) -> None:
    path = passed(scene)
    page = scene.fragment(f"{path}/check")
    for text in ("1,234,567", "12", "1.50", "High value users", "lytics_segments", "visits", "News"):
        assert text in page.text, text
    assert "The audience &#39;&lt;b&gt;Old&lt;/b&gt;&#39; is removed." in page.html
    assert "Start Export" in page.text
    assert "hx-get" not in page.html
    assert '"visits": "visit_count"' in page.html.replace("&#34;", '"')


def test_check_shows_what_changes_in_the_export(scene: Scene) -> None:
    difference = {
        "audiences_added": [{"name": "New", "people": 7, "becomes": "added"}],
        "audiences_removed": [{"name": "Old", "people": None, "becomes": "cleared"}],
        "fields_new": ["city"],
        "fields_stale": ["town"],
        "list_changed": True,
        "email_field_changed": True,
        "left_out": 2,
    }
    path = checked(scene)
    scene.executions.end(last(scene), output=PLANNED | {"plan": PLAN | {"difference": difference}})
    text = scene.get(f"{path}/check").text
    for expected in (
        "New 7 added: its people enter its segment",
        "Old unknown taken out: everybody leaves its segment, which stays, empty",
        "New fields: city",
        "Not updated any more: town",
        "another list",
        "another e-mail field",
        "And 2 more changes",
    ):
        assert expected in text, expected


def test_change_of_nothing_says_so(scene: Scene) -> None:
    difference: dict[str, Any] = {
        **{key: [] for key in ("audiences_added", "audiences_removed", "fields_new", "fields_stale")},
        "list_changed": False,
        "email_field_changed": False,
    }
    path = checked(scene)
    scene.executions.end(last(scene), output=PLANNED | {"plan": PLAN | {"difference": difference}})
    assert "Nothing. People whose values differ are sent again" in scene.get(f"{path}/check").text


def test_fault_is_beside_its_control(scene: Scene) -> None:
    path = refused(
        scene,
        Fault("no such list", "/list"),
        Fault("invalid audience <i>", "/audiences/0"),
        Fault("no such field", "/custom_fields/visits"),
        Fault("Lytics is closed"),
    )
    led = scene.get(f"{path}/check")
    assert (led.status, path_in(led.location)) == (303, path)
    assert scene.fragment(f"{path}/check").headers["hx-redirect"] == f"/console{path}"
    page = scene.get(path)
    assert "4 faults. Nothing was changed." in page.text
    assert '<a href="#list">List</a>' in page.html
    assert '<a href="#row-1">Custom Field Mappings</a>' in page.html
    assert 'aria-describedby="list-hint list-fault"' in page.html
    assert re.search(
        r'<p class="fault" id="row-1-fault">.*?<bdi>no such field</bdi></span></p>', page.html, re.S
    )
    assert page.html.count("<bdi>invalid audience &lt;i&gt;</bdi>") == 3
    assert "<details open>" in page.html


def test_faults_are_gone_once_the_form_is_another(scene: Scene) -> None:
    path = refused(scene, Fault("no such list", "/list"))
    scene.post(path, FORM | {"email_field": "work_email"})
    assert "no such list" not in scene.get(path).text
    assert "no such list" not in scene.get(f"{path}/check").text


def test_two_rows_of_one_lytics_field_need_no_check(scene: Scene) -> None:
    path = checked(scene, **{"from": ["visits", "visits"], "to": ["a", "b"]})
    assert scene.executions.started == {}
    assert "the Lytics field 'visits' has several rows" in scene.get(path).text


def test_refusal_without_a_list_of_faults_is_shown(scene: Scene) -> None:
    path = checked(scene)
    scene.executions.end(last(scene), "FAILED", error="KeyRefused", cause="the key is <wrong>")
    page = scene.get(f"{path}/check")
    assert "<bdi>the key is &lt;wrong&gt;</bdi>" in page.html
    assert "Check again" in page.text


def test_check_that_dies_says_so_and_can_be_repeated(scene: Scene) -> None:
    path = checked(scene)
    scene.executions.end(last(scene), "TIMED_OUT")
    page = scene.get(f"{path}/check")
    assert "This check took longer than a check may take" in page.text
    assert "Start Export" not in page.text
    scene.post(f"{path}/check")
    assert len(scene.executions.started) == 2


def test_check_that_step_functions_does_not_know_yet_is_under_way(scene: Scene) -> None:
    path = checked(scene)
    scene.executions.new.add(last(scene))
    scene.clock.move(59)
    page = scene.get(f"{path}/check")
    assert "Checking against both accounts" in page.text
    assert 'hx-trigger="load delay:2s, poll-now"' in page.html
    scene.clock.move(1)
    assert "AWS does not know this check any more" in scene.get(f"{path}/check").text


def start(scene: Scene, path: str, form: dict[str, Any] | None = None) -> Page:
    return scene.post(f"{path}/start", form)


def run_of(path: str) -> str:
    return f"console-{path.split('/')[2]}"


def test_double_click_starts_once_and_leads_to_the_run(scene: Scene) -> None:
    path = passed(scene)
    first, second = start(scene, path), start(scene, path)
    assert path_in(first.location) == path_in(second.location) == f"/runs/newsletter/{run_of(path)}"
    (document,) = runs(scene)
    assert document["audiences"] == [HIGH_VALUE]
    who = scene.store.get(run_key(run_of(path)), scene.clock.now())
    assert who == {
        "subject": OPERATOR.subject,
        "name": OPERATOR.email,
        "started_s": int(scene.clock.now()),
        "export": "newsletter",
        "action": "start",
    }
    assert [line["act"] for line in scene.audits.lines] == ["check_started", "start_started"]
    assert "olga" not in str(scene.audits.lines)


def test_started_draft_is_its_run_from_then_on(scene: Scene) -> None:
    path = passed(scene)
    start(scene, path)
    for answer in (scene.get(path), scene.get(f"{path}/check"), start(scene, path)):
        assert path_in(answer.location) == f"/runs/newsletter/{run_of(path)}"
    scene.post(path, FORM | {"audiences": []})
    scene.post(f"{path}/check", FORM | {"audiences": []})
    assert len(scene.executions.started) == 2


def test_start_that_was_not_recorded_is_not_doubled(scene: Scene) -> None:
    path = passed(scene)
    start(scene, path)
    scene.store.delete(run_key(run_of(path)))
    start(scene, path)
    assert len(runs(scene)) == 1


def test_start_that_could_not_be_recorded_is_audited(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    path = passed(scene)
    browser = {"Cookie": scene.signed_in()}
    with monkeypatch.context() as patch:
        patch.setattr(scene.dynamodb, "put_item", _down)
        assert scene.post(f"{path}/start", headers=browser).status == 503
    assert [line["act"] for line in scene.audits.lines] == ["check_started", "start_started"]
    # Its own run has meanwhile changed the configuration, and is no other run.
    scene.exports.put_running("newsletter", RunPlace(last(scene), 0), None)
    scene.exports.put_account(Account("main", 1), 0)
    assert path_in(start(scene, path).location) == f"/runs/newsletter/{run_of(path)}"
    assert len(runs(scene)) == 1
    assert scene.store.get(run_key(run_of(path)), scene.clock.now()) is not None


def _down(**_: Any) -> Any:
    raise ClientError({"Error": {"Code": "Down"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "PutItem")  # type: ignore[typeddict-item]


def test_start_is_not_doubled_while_step_functions_does_not_know_its_run(scene: Scene) -> None:
    path = passed(scene)
    start(scene, path)
    scene.executions.new.add(last(scene))
    scene.store.delete(run_key(run_of(path)))
    assert path_in(start(scene, path).location) == f"/runs/newsletter/{run_of(path)}"
    assert len(runs(scene)) == 1


def test_two_starts_at_once_are_one(scene: Scene) -> None:
    path = passed(scene)
    desk = Desk(scene.collaborators, VISITOR)
    draft = desk.open(path.split("/")[2])
    assert draft is not None
    desk.start(draft)
    desk.start(draft)
    assert len(runs(scene)) == 1
    assert [line["act"] for line in scene.audits.lines].count("start_started") == 1


def not_started(scene: Scene, path: str, reason: str) -> None:
    answer = start(scene, path)
    assert path_in(answer.location) == f"{path}/check"
    assert runs(scene) == []
    page = scene.get(f"{path}/check")
    assert reason in page.text
    assert "Start Export</button>" not in page.html
    assert "Check again" in page.text


def test_form_that_changed_since_its_check_is_not_started(scene: Scene) -> None:
    path = passed(scene)
    scene.post(path, FORM | {"email_field": "work_email"})
    not_started(scene, path, "The form has changed since this check")


def test_check_of_31_minutes_ago_starts_nothing(scene: Scene) -> None:
    path = passed(scene)
    scene.clock.move(31 * 60)
    not_started(scene, path, "older than 30 minutes")


def test_configuration_that_changed_since_the_check_is_not_started(scene: Scene) -> None:
    path = passed(scene)
    scene.exports.put_account(Account("main", 1), 0)
    not_started(scene, path, "Somebody has changed this SendGrid account's exports since the check")


def test_configuration_that_changed_during_the_check_is_not_started(scene: Scene) -> None:
    scene.exports.put_export(EXPORT)
    scene.exports.put_account(Account("main", 3), 0)
    path = checked(scene)
    scene.exports.put_account(Account("main", 4), 3)
    scene.executions.end(last(scene), output=PLANNED | {"planned_version": 3})
    not_started(scene, path, "Somebody has changed")


def test_run_of_somebody_else_is_shown_and_not_doubled(scene: Scene) -> None:
    path = passed(scene)
    other = scene.executions.run("by-hand", {"export": "newsletter"})
    scene.exports.put_running("newsletter", RunPlace(other, 0), None)
    start(scene, path)
    page = scene.get(f"{path}/check")
    assert "Another run of the export newsletter is under way" in page.text
    assert 'href="/console/runs/newsletter/by-hand"' in page.html
    assert "Start Export</button>" not in page.html
    assert [name for name in scene.executions.started if "console-" in name] == []
    scene.executions.end(other)
    assert "Start Export</button>" in scene.get(f"{path}/check").html


def test_run_that_goes_on_in_another_execution_is_still_under_way(scene: Scene) -> None:
    path = passed(scene)
    first, second = (scene.executions.run(name, {}) for name in ("first", "second"))
    scene.exports.put_running("newsletter", RunPlace(first, 0), None)
    scene.executions.end(first, output={"goes_on_in": second})
    assert 'href="/console/runs/newsletter/first"' in scene.get(f"{path}/check").html


def test_other_run_that_was_just_started_is_under_way(scene: Scene) -> None:
    path = passed(scene)
    other = RunPlace(scene.executions.arn("other"), int(scene.clock.now()) - 59)
    scene.exports.put_running("newsletter", other, None)
    assert 'href="/console/runs/newsletter/other"' in scene.get(f"{path}/check").html
    scene.clock.move(1)
    assert "Start Export</button>" in scene.get(f"{path}/check").html


def test_other_run_that_was_just_handed_over_is_under_way(scene: Scene) -> None:
    path = passed(scene)
    first = scene.executions.run("first", {})
    scene.exports.put_running("newsletter", RunPlace(first, 0), None)
    scene.executions.end(first, output={"goes_on_in": scene.executions.arn("second")})
    assert 'href="/console/runs/newsletter/first"' in scene.get(f"{path}/check").html


def test_circle_of_executions_holds_up_no_page(scene: Scene) -> None:
    path = passed(scene)
    first = scene.executions.run("first", {})
    scene.exports.put_running("newsletter", RunPlace(first, 0), None)
    scene.executions.end(first, output={"goes_on_in": first})
    assert "Start Export</button>" in scene.get(f"{path}/check").html


def test_check_has_passed_in_the_execution_that_it_goes_on_in(scene: Scene) -> None:
    path = checked(scene)
    first, second = last(scene), scene.executions.run("second", {})
    scene.executions.end(first, output={"goes_on_in": second})
    assert "Start Export</button>" not in scene.get(f"{path}/check").html
    scene.executions.end(second, output=PLANNED)
    assert "Start Export</button>" in scene.get(f"{path}/check").html


def test_check_that_was_just_handed_over_is_under_way(scene: Scene) -> None:
    path = checked(scene)
    first, second = last(scene), scene.executions.run("second", {})
    scene.executions.end(first, output={"goes_on_in": second})
    scene.executions.new.add(second)
    scene.clock.move(3_600)
    assert "Checking against both accounts" in scene.get(f"{path}/check").text


def test_check_in_a_circle_of_executions_has_not_passed(scene: Scene) -> None:
    path = checked(scene)
    first, second = last(scene), scene.executions.run("second", {})
    scene.executions.end(first, output={"goes_on_in": second})
    scene.executions.end(second, output={"goes_on_in": first})
    assert "Start Export</button>" not in scene.get(f"{path}/check").html


def test_start_without_a_check_leads_to_the_form(scene: Scene) -> None:
    path = new_draft(scene)
    start(scene, path)
    assert scene.executions.started == {}
    assert path_in(scene.get(f"{path}/check").location) == path


def made(scene: Scene, document: dict[str, Any]) -> str:
    """Make a draft as the page of an export does. Returns its path."""
    return f"/drafts/{Desk(scene.collaborators, VISITOR).make(document, document['export']).id}"


@pytest.fixture
def existing(scene: Scene) -> Scene:
    scene.exports.put_export(EXPORT)
    scene.exports.put_account(Account("main", 3), 0)
    return scene


def test_resync_is_checked_and_started_on_the_same_page(existing: Scene) -> None:
    path = made(existing, {"action": "resync", "export": "newsletter"})
    assert path_in(existing.get(path).location) == f"{path}/check"
    assert "reads every audience in Lytics again" in existing.get(f"{path}/check").text
    existing.post(f"{path}/check")
    existing.exports.put_running("newsletter", RunPlace(last(existing), 0), None)
    page = existing.get(f"{path}/check")
    assert "scanning the audiences" in page.text
    assert f'href="/console/runs/newsletter/{last(existing).rpartition(":")[2]}"' in page.html
    assert "Another run" not in page.text
    report = {"drift": {"missing": 2, "returned": 1, "extra": 4}, "notes": ["a note"], "account": "main"}
    existing.executions.end(last(existing), output=report)
    text = existing.get(f"{path}/check").text
    assert "People to put in 3" in text
    assert "People to take out 4" in text
    assert "A note." in text
    start(existing, path)
    assert runs(existing) == [{"action": "resync", "export": "newsletter"}]


def test_resync_has_no_form(existing: Scene) -> None:
    path = made(existing, {"action": "resync", "export": "newsletter"})
    assert existing.post(path, FORM).status == 404
    assert existing.fragment(f"{path}/choices").status == 404
    existing.post(f"{path}/check", FORM)
    assert existing.executions.started[last(existing)].input["action"] == "resync"


def test_stop_that_empties_segments_asks_for_the_name(existing: Scene) -> None:
    path = made(existing, {"action": "stop", "export": "newsletter", "clear": True})
    existing.post(f"{path}/check")
    existing.executions.end(last(existing), output=PLANNED | {"planned_version": 3})
    assert "Type the export's name" in existing.get(f"{path}/check").text
    wrong = start(existing, path, {"confirm": "newsletters"})
    assert wrong.status == 422
    assert "This is not the export's name" in wrong.text
    assert runs(existing) == []
    start(existing, path, {"confirm": "newsletter"})
    assert runs(existing) == [{"action": "stop", "export": "newsletter", "clear": True}]


def test_stop_that_leaves_segments_asks_for_no_name(existing: Scene) -> None:
    path = made(existing, {"action": "stop", "export": "newsletter"})
    existing.post(f"{path}/check")
    existing.executions.end(last(existing), output=PLANNED | {"planned_version": 3})
    assert "Its segments stay as they are now" in existing.get(f"{path}/check").text
    start(existing, path)
    assert len(runs(existing)) == 1


@pytest.mark.parametrize(("method", "route"), [("POST", "check"), ("GET", "check"), ("POST", "start")])
def test_viewers_may_not_check_or_start(scene: Scene, method: str, route: str) -> None:
    path = passed(scene)
    answer = (scene.get if method == "GET" else scene.post)(f"{path}/{route}", as_=VIEWER)
    assert answer.status == 403
    assert runs(scene) == []
