"""An audit from the segments to the queue, over as many invocations as it takes."""

import pytest

from functions.audit import auditing
from functions.audit.contact_export import ContactExport
from lytics_sendgrid.domain.change import Change, Kind
from lytics_sendgrid.errors import RequestRefused, StopRun
from lytics_sendgrid.queues.changes import decode
from tests.newsletter import HIGH_VALUE, NEWSLETTER
from tests.unit.functions.audit.audit_scene import OLD_MS, RUN, Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_audit_sends_what_was_overwritten_and_counts_the_deleted(scene: Scene) -> None:
    scene.contact("ada@example.org")
    scene.contact("bob@example.org", "none")
    scene.contact("cy@example.org", None)
    scene.ready()
    document = scene.run()
    assert document["counts"] == {
        "compared": 3,
        "recent": 0,
        "deleted": 1,
        "overwritten": 1,
        "fields": {"lytics_segments": 1},
        "unread": {},
        "queued": 1,
    }
    assert scene.changes() == [Change("bob@example.org", OLD_MS * 1_000_000, Kind.REFRESH)]
    (message,) = [decode(message.body) for message in scene.queue.messages]
    assert (message.run, message.number, message.config) == (RUN, "audit.1.0", NEWSLETTER.version)
    assert document["expected"] == [["audit.1", 1]]
    assert (document["segments"], document["trouble"]) == ([], "")


def test_deleted_contacts_are_made_again_on_request(scene: Scene) -> None:
    scene.contact("ada@example.org", None)
    scene.request = {"restore_deleted": True}
    scene.ready(contacts=0)
    assert scene.run()["counts"]["deleted"] == 1
    assert [change.email for change in scene.changes()] == ["ada@example.org"]


def test_dry_run_counts_and_changes_nothing(scene: Scene) -> None:
    scene.contact("ada@example.org", "none")
    scene.request = {"dry_run": True, "repair_segments": True}
    scene.sendgrid.all_segments.pop("s1")
    scene.ready()
    document = scene.run()
    assert document["counts"]["overwritten"] == 1
    assert scene.changes() == []
    assert scene.sendgrid.calls == ["export"]
    assert "was deleted in SendGrid. Resync with" in document["segments"][0]


def test_audit_waits_until_the_export_is_ready(scene: Scene) -> None:
    scene.sendgrid.exports = [ContactExport("pending")]
    waits = []
    for _ in range(12):
        progress = scene.call()
        waits.append(progress.wait_s)
        scene.clock.move(progress.wait_s)
    assert (waits[0], waits[-1]) == (10, 14)
    scene.ready()
    assert scene.run()["trouble"] == ""
    assert scene.sendgrid.calls == ["export"]


@pytest.mark.parametrize(
    ("export", "words"),
    [
        (
            ContactExport("failure"),
            "SendGrid's export of contacts failed. Because of that, no contact was compared",
        ),
        (
            ContactExport("failure", message="too big"),
            "failed: too big. Because of that, no contact was compared",
        ),
        (ContactExport("pending"), "was not ready after 6 hours"),
        (RequestRefused("404"), "does not know its own export of contacts any more (404)"),
    ],
)
def test_export_that_fails_or_never_ends_touches_nobody(
    scene: Scene, export: ContactExport | Exception, words: str
) -> None:
    scene.contact("ada@example.org", None)
    scene.request = {"restore_deleted": True}
    scene.sendgrid.exports = [export]
    document = scene.run()
    assert words in document["trouble"]
    assert document["trouble"].endswith("Start the resync again later")
    assert (scene.changes(), document["counts"]["deleted"]) == ([], 0)


def test_export_that_is_refused_touches_nobody(scene: Scene) -> None:
    scene.sendgrid.refusal = RequestRefused("SendGrid answered 400")
    assert "SendGrid refused to export its contacts" in scene.run()["trouble"]


def test_export_with_too_few_rows_deletes_nobody(scene: Scene) -> None:
    scene.contact("ada@example.org", None)
    scene.request = {"restore_deleted": True}
    scene.ready(contacts=5)
    document = scene.run()
    assert "has 0 rows, but SendGrid counts 5 contacts" in document["trouble"]
    assert (scene.changes(), document["counts"]["deleted"]) == ([], 0)


def test_file_that_cannot_be_read_touches_nobody(scene: Scene) -> None:
    scene.file = "<html>\n"
    scene.ready(contacts=1)
    assert "could not be read" in scene.run()["trouble"]


def test_file_without_the_membership_column_touches_nobody(scene: Scene) -> None:
    scene.file = "EMAIL,city\n"
    scene.contact("ada@example.org", "Paris")
    scene.contact("bob@example.org", None)
    scene.request = {"restore_deleted": True}
    scene.ready()
    document = scene.run()
    assert "has no column for the custom field 'lytics_segments'" in document["trouble"]
    assert "Because of that, no contact was compared" in document["trouble"]
    assert (scene.changes(), document["counts"]["deleted"]) == ([], 0)


def test_file_without_another_column_says_what_was_not_compared(scene: Scene) -> None:
    scene.contact("ada@example.org", fields={"first_name": (5, "Ada"), "e1_T": (5, "Paris")})
    scene.ready()
    counts = scene.run()["counts"]
    assert (counts["compared"], counts["overwritten"]) == (1, 0)
    assert counts["unread"] == {"first_name": 1, "city": 1}


@pytest.mark.parametrize("dry_run", [False, True])
def test_trouble_after_a_first_part_says_what_was_compared_before(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    monkeypatch.setattr(auditing, "MAX_CONTACTS", 10)
    for number in range(15):
        scene.contact(f"p{number}@example.org", "none")
    scene.ready()
    scene.request = {"dry_run": dry_run}
    while scene.document_or_none() is None or scene.document()["part"] == 0:
        scene.call()
    scene.sendgrid.exports = [RequestRefused("404")]
    document = scene.run()
    compared = document["counts"]["compared"]
    assert 0 < compared < 15
    assert document["counts"]["queued"] == compared
    assert len(scene.changes()) == (0 if dry_run else compared)
    assert document["trouble"] == (
        f"SendGrid's export of contacts could not be read (404). {compared} contacts had been compared "
        "before, and the report says what differed. All others were left as they are. "
        "Start the resync again later"
    )


def test_large_account_is_compared_part_by_part_over_many_invocations(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "MAX_CONTACTS", 10)
    for number in range(25):
        scene.contact(f"p{number}@example.org", "none" if number % 5 == 0 else HIGH_VALUE)
    scene.ready()
    scene.left_s = 0.0
    document = scene.run()
    assert (document["parts"], document["part"]) == (3, 3)
    assert (document["counts"]["compared"], document["counts"]["overwritten"]) == (25, 5)
    assert len({change.email for change in scene.changes()}) == len(scene.changes()) == 5
    assert scene.calls > 3


def test_export_that_is_gone_meanwhile_stops_the_audit(scene: Scene) -> None:
    scene.contact("ada@example.org", "none")
    scene.request = {"export": "gone"}
    scene.ready()
    with pytest.raises(StopRun, match="no export 'gone'"):
        scene.run()
