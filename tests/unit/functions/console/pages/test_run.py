"""The page of a run: how far it is, its report, its failure, and who may cancel it."""

import re

import pytest

from functions.console.context import Role, Visitor
from functions.console.drafts.desk import Desk
from functions.console.signin.roles import Identity
from lytics_sendgrid.domain.stop import Stop
from tests.unit.functions.console.pages.run_scene import (
    ODD_NAME,
    PATH,
    RUN,
    begin,
    execution,
    finish,
    scan,
    scene_with_export,
)
from tests.unit.functions.console.runs.test_report import AUDIENCE
from tests.unit.functions.console.scene import OPERATOR, VIEWER, Scene
from tests.unit.functions.report.test_reporting import PASTE

AUTHOR = Visitor(OPERATOR.subject, OPERATOR.email, frozenset(), Role.OPERATOR)


def test_running_run_shows_steps_bars_and_numbers() -> None:
    scene = scene_with_export()
    begin(scene, RUN, "IsScanned", "Scan")
    scan(scene, 250)
    scene.exports.record_done(RUN, ["0"], ["job"], int(scene.clock.now()), {"accepted": 1_200})
    page = scene.get(PATH)
    assert page.status == 200
    assert '<li class="now" aria-current="step">' in page.html
    assert '<progress value="250" max="1000" aria-label="People read">' in page.html
    assert "250 of 1,000 people read" in page.text
    assert "About 2 min left at this rate." in page.text
    assert "0 people confirmed by SendGrid: 0 of 1 import job ended" in page.text
    assert 'data-say="Read the audiences in Lytics"' in page.html
    assert "style=" not in page.html


def test_page_says_when_it_asks_again_and_later_asks_less_often() -> None:
    scene = scene_with_export()
    begin(scene, RUN, "Scan", started_at="2027-01-15T08:00:00Z")
    scene.clock.now_s = 1_800_000_060
    fragment = scene.fragment(f"{PATH}/progress")
    assert 'hx-trigger="load delay:2s, poll-now"' in fragment.html
    assert "<html" not in fragment.html
    scene.clock.now_s = 1_800_000_300
    assert 'hx-trigger="load delay:10s, poll-now"' in scene.fragment(f"{PATH}/progress").html


def test_names_of_audiences_are_only_text() -> None:
    scene = scene_with_export()
    begin(scene, RUN, "Scan")
    scan(scene, 7)
    page = scene.get(PATH)
    assert "<script>alert" not in page.html
    assert (
        f"<bdi>{ODD_NAME.replace('<', '&lt;').replace('>', '&gt;').replace('"', '&#34;')}</bdi>" in page.html
    )


def test_who_started_a_run_is_named() -> None:
    scene = scene_with_export()
    begin(scene)
    assert "Started by somebody in the console" in scene.get(PATH).text
    scene.store.put(f"run#{RUN}", {"name": "olga@example.com"}, scene.clock.now() + 9)
    assert "Started by olga@example.com" in scene.get(PATH).text
    begin(scene, "resync-1", document={"scheduled": True, "action": "resync"})
    assert "Started by the nightly schedule" in scene.get("/runs/newsletter/resync-1").text


def test_run_is_followed_into_the_execution_that_it_goes_on_in() -> None:
    scene = scene_with_export()
    arn = begin(scene, RUN, "Settle")
    following = scene.executions.run(f"{RUN}-2", {"state": {}})
    scene.executions.end(arn, output={"goes_on_in": following})
    scene.executions.states[following] = ("WaitToSettle", "Settle")
    page = scene.get(PATH)
    assert "Running" in page.text
    scene.post(f"{PATH}/cancel")
    assert [stopped for stopped, _ in scene.executions.stopped] == [following]


def just_started(scene: Scene) -> str:
    """Start a resync in the console that Step Functions does not know yet. Returns the path of its page."""
    desk = Desk(scene.collaborators, AUTHOR)
    draft = desk.make({"export": "newsletter", "action": "resync"}, "newsletter")
    desk.start(draft)
    scene.executions.new.add(scene.executions.arn(draft.run))
    return desk.run_path(draft)


def test_run_that_step_functions_does_not_know_yet_is_running() -> None:
    scene = scene_with_export()
    path = just_started(scene)
    scene.clock.move(59)
    page = scene.get(path)
    assert page.status == 200
    assert "Resync Running Started" in page.text
    assert "Started by olga@example.com" in page.text
    assert f'hx-get="/console{path}/progress" hx-trigger="load delay:2s, poll-now"' in page.html
    assert 'aria-current="step"' in scene.fragment(f"{path}/progress").html
    scene.clock.move(1)
    assert scene.get(path).status == scene.get(f"{path}/progress").status == 404


def test_run_that_was_just_started_is_only_its_own_exports() -> None:
    scene = scene_with_export()
    path = just_started(scene)
    assert scene.get(path.replace("newsletter", "another")).status == 404


def test_cancel_of_a_run_not_known_yet_does_nothing() -> None:
    scene = scene_with_export()
    path = just_started(scene)
    assert scene.post(f"{path}/cancel").location == f"/console{path}"
    assert [line["act"] for line in scene.audits.lines] == ["resync_started"]
    assert scene.executions.stopped == []
    scene.executions.new.clear()
    scene.post(f"{path}/cancel")
    assert [line["act"] for line in scene.audits.lines] == ["resync_started", "run_cancelled"]


def test_run_that_was_just_handed_over_is_running() -> None:
    scene = scene_with_export()
    arn = begin(scene, RUN, "Settle")
    following = scene.executions.run(f"{RUN}-2", {"state": {}})
    scene.executions.end(arn, output={"goes_on_in": following})
    scene.executions.new.add(following)
    assert "Running" in scene.get(PATH).text
    assert "hx-redirect" not in scene.fragment(f"{PATH}/progress").headers
    scene.post(f"{PATH}/cancel")
    assert (scene.executions.stopped, scene.audits.lines) == ([], [])


def test_ended_run_leads_from_its_progress_to_its_report() -> None:
    scene = scene_with_export()
    begin(scene)
    finish(scene)
    answer = scene.fragment(f"{PATH}/progress")
    assert answer.headers["hx-redirect"] == f"/console{PATH}"


def test_report_shows_each_side_what_to_know_and_whom_sendgrid_refuses() -> None:
    scene = scene_with_export()
    begin(scene)
    finish(scene, report={"drift": {"missing": 4, "compared": 1_000, "likely_causes": ["a lost event"]}})
    page = scene.get(PATH)
    assert "Done" in page.text
    assert "The export is live" in page.text
    assert "Segments lag." in page.text
    assert "2 people: SendGrid refuses the address" in page.text
    assert "5 without an address" in page.text
    assert re.search(r"All, of 1,000 contacts\s+4 0 0 0 0", page.text)
    assert "A lost event." in page.text
    assert "whether this run or an earlier one sent them" in page.text
    assert 'href="https://mc.sendgrid.com/contacts/segments/s%2F1" rel="noreferrer noopener"' in page.html
    assert "<script>alert" not in page.html


def test_audiences_of_one_name_are_told_apart() -> None:
    scene = scene_with_export()
    begin(scene)
    twins = [AUDIENCE | {"id": id_, "drift": {"missing": 1}} for id_ in ("5f1c", "6a2d")]
    other = AUDIENCE | {"id": "7b3e", "name": "Readers"}
    finish(scene, report={"audiences": [*twins, other], "drift": {"missing": 2}})
    text = scene.get(PATH).text
    assert [text.count(f"Buyers {id_} ") for id_ in ("5f1c", "6a2d")] == [2, 2]
    assert "7b3e" not in text


def test_report_is_shown_when_step_functions_has_forgotten_the_run() -> None:
    scene = scene_with_export()
    finish(scene, "old-run", action="resync", scheduled=True)
    page = scene.get("/runs/newsletter/old-run")
    assert (page.status, "Segments lag." in page.text) == (200, True)
    assert "Resync: newsletter" in page.text
    assert "Started by the nightly schedule" in page.text
    scene.dynamodb.exports.items.pop(("export#newsletter", "ran#2026-11-23T09:00:00Z#old-run"))
    assert scene.get("/runs/newsletter/old-run").status == 200


def test_report_of_an_export_that_is_not_live_says_so() -> None:
    scene = scene_with_export()
    begin(scene)
    finish(scene, report={"live": False, "activation": {"paste": PASTE}})
    page = scene.get(PATH)
    assert "The export is not live. The notes below say what to do." in page.text
    assert "Webhook URL https://hooks.example.com" in page.text


def test_failure_shows_cause_and_what_to_do() -> None:
    scene = scene_with_export()
    arn = begin(scene)
    cause = "The list 'Members' is gone.\nCreate it again, then start the export."
    scene.executions.end(arn, status="FAILED", error="ExportRefused", cause=cause)
    page = scene.get(PATH)
    assert "The run failed" in page.text
    assert "<p><bdi>The list &#39;Members&#39; is gone.</bdi></p>" in page.html
    assert "Change the export and start it again" in page.text
    assert "Traceback" not in page.text
    viewer = scene.get(PATH, as_=VIEWER)
    assert "The run failed" in viewer.text
    assert "Change the export and start it again" not in viewer.text


def test_first_run_that_failed_offers_nothing_that_needs_the_export() -> None:
    scene = Scene()
    arn = begin(scene)
    scene.executions.end(arn, status="TIMED_OUT")
    page = scene.get(PATH)
    assert "This run took longer than a run may take" in page.text
    assert "/exports/newsletter" not in page.html


def test_check_shows_its_notes_and_a_skipped_resync_why() -> None:
    scene = scene_with_export()
    arn = begin(scene, "check-1", document={"dry_run": True})
    scene.executions.end(arn, output={"dry_run": True, "plan": {"notes": ["1 audience is added"]}})
    page = scene.get("/runs/newsletter/check-1")
    assert "Check: Copy everybody now" in page.text
    assert "1 audience is added." in page.text
    arn = begin(scene, "resync-2", document={"action": "resync", "scheduled": True})
    scene.executions.end(arn, output={"skipped": "This resync was skipped: another run"})
    page = scene.get("/runs/newsletter/resync-2")
    assert "Skipped" in page.text
    assert "This resync was skipped: another run" in page.text


def test_check_of_a_resync_shows_its_report() -> None:
    scene = scene_with_export()
    arn = begin(scene, "check-2", document={"dry_run": True, "action": "resync"})
    finish(scene, "other")
    report = scene.exports.report("newsletter", "other")
    assert report is not None
    scene.executions.end(arn, output=report)
    page = scene.get("/runs/newsletter/check-2")
    assert "Check: Resync" in page.text
    assert "Segments lag." in page.text
    assert "The export is live" not in page.text


def test_cancel_stops_the_run_and_leaves_an_audit_line() -> None:
    scene = scene_with_export()
    arn = begin(scene)
    assert "After that, it takes nobody out of a segment" in scene.get(PATH).text
    answer = scene.post(f"{PATH}/cancel")
    assert (answer.status, answer.location) == (303, f"/console{PATH}")
    assert scene.executions.stopped == [(arn, "Cancelled in the console")]
    line = {"act": "run_cancelled", "subject": "operator-1", "export": "newsletter", "execution": RUN}
    assert scene.audits.lines == [line]
    page = scene.get(PATH)
    assert "Cancelled" in page.text
    assert "What the run created stays" in page.text


def test_cancel_follows_a_run_that_hands_over_meanwhile() -> None:
    scene = scene_with_export()
    arn = begin(scene)
    scene.executions.start("console-1-2", {})
    second = scene.executions.arn("console-1-2")
    stop = scene.executions.stop

    def hand_over(stopped: str, cause: str) -> bool:
        if stopped != arn:
            return stop(stopped, cause)
        scene.executions.end(arn, output={"goes_on_in": second})
        return True

    scene.executions.stop = hand_over  # type: ignore[assignment, method-assign]
    scene.post(f"{PATH}/cancel")
    assert scene.executions.started[second].status == "ABORTED"
    assert [line["execution"] for line in scene.audits.lines] == ["console-1-2"]


def test_cancel_gives_up_on_a_run_that_always_hands_over() -> None:
    scene = scene_with_export()
    begin(scene)
    stops: list[str] = []

    def hand_over(stopped: str, _: str) -> bool:
        stops.append(stopped)
        scene.executions.end(
            stopped, output={"goes_on_in": scene.executions.run(f"console-1-{len(stops)}", {})}
        )
        return True

    scene.executions.stop = hand_over  # type: ignore[assignment, method-assign]
    assert scene.post(f"{PATH}/cancel").status == 303
    assert (len(stops), scene.audits.lines) == (3, [])


def test_cancel_of_a_run_that_ends_meanwhile_is_not_audited() -> None:
    scene = scene_with_export()
    begin(scene)
    scene.executions.stop = lambda arn, _: not scene.executions.end(arn)  # type: ignore[assignment, method-assign, func-returns-value]
    scene.post(f"{PATH}/cancel")
    assert scene.audits.lines == []


def test_author_of_a_failed_first_run_gets_its_form_again() -> None:
    scene = Scene()
    form = {"export": "fresh", "authorization": "default", "audiences": ["a1"], "rows": []}
    draft = Desk(scene.collaborators, AUTHOR).make(form)
    scene.executions.start(draft.run, {"export": "fresh"})
    scene.executions.end(
        scene.executions.arn(draft.run), "FAILED", error="KeyRefused", cause="SendGrid refused the key"
    )
    page = scene.get(f"/runs/fresh/{draft.run}")
    assert "Change the form and start it again" in page.text
    made = scene.post(f"/drafts/{draft.id}/again").location.rpartition("/")[2]
    copy = Desk(scene.collaborators, AUTHOR).open(made)
    assert copy is not None
    assert (copy.form, copy.id != draft.id) == (form, True)
    assert "start it again" not in scene.get(f"/runs/fresh/{draft.run}", as_=VIEWER).text


def test_cancel_of_an_ended_run_changes_nothing() -> None:
    scene = scene_with_export()
    begin(scene)
    finish(scene)
    assert scene.post(f"{PATH}/cancel").status == 303
    assert (scene.executions.stopped, scene.audits.lines) == ([], [])


def test_viewer_sees_the_run_and_cannot_cancel_it() -> None:
    scene = scene_with_export()
    begin(scene)
    page = scene.get(PATH, as_=VIEWER)
    assert (page.status, "Cancel the run" in page.text) == (200, False)
    assert scene.post(f"{PATH}/cancel", as_=VIEWER).status == 403
    assert execution(scene).is_running


def test_export_that_sendgrid_refuses_says_so_while_the_run_waits() -> None:
    scene = scene_with_export()
    begin(scene, RUN, "WaitToSettle")
    scene.exports.put_stop("newsletter", Stop("404: the list is gone", 0, 9_999_999_999_999))
    page = scene.get(PATH)
    assert "SendGrid refuses this export's requests, so the run waits: 404: the list is gone" in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/runs/newsletter/unknown",
        "/runs/another/console-1",
        "/runs/newsletter/unknown/progress",
        "/runs/x/a:b",
    ],
)
@pytest.mark.parametrize("visitor", [OPERATOR, VIEWER])
def test_run_of_another_export_or_name_is_not_found(path: str, visitor: Identity) -> None:
    scene = scene_with_export()
    begin(scene)
    assert scene.get(path, as_=visitor).status == 404


def test_unknown_run_cannot_be_cancelled() -> None:
    assert scene_with_export().post("/runs/newsletter/unknown/cancel").status == 404
