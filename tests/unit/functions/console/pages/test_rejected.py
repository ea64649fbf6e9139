"""Rejected people: viewers see how many, operators who; every look leaves an audit line."""

import pytest

from lytics_sendgrid.domain.contact import UNKNOWN, Commit, Contact, Rejection
from tests.doubles.adapters import contacts_table
from tests.newsletter import HIGH_VALUE
from tests.unit.functions.console.pages.run_scene import scene_with_export
from tests.unit.functions.console.scene import VIEWER, Scene

PATH = "/exports/newsletter/rejected"
AT_MS = 1_795_000_000_000


def scene_with(*people: tuple[str, str]) -> Scene:
    scene = scene_with_export()
    contacts = [
        Commit(
            f"default#{email}",
            Contact(0, {HIGH_VALUE: 5}, rejection=Rejection(reason, "<b>not</b> valid", "0a", AT_MS)),
        )
        for email, reason in people
    ]
    contacts_table(scene.dynamodb).commit(contacts, {commit.key: UNKNOWN for commit in contacts})
    return scene


PEOPLE = (("ann@example.org", "address"), ("anna@example.org", "fields"), ("bob@example.com", "address"))


@pytest.mark.parametrize("visitor", [None, VIEWER])
def test_counts_by_reason_name_nobody(visitor: None) -> None:
    scene = scene_with(*PEOPLE)
    page = scene.get(PATH, as_=visitor) if visitor else scene.get(PATH)
    assert "SendGrid refuses the address 2" in page.text
    assert "example.org" not in page.html
    assert scene.audits.lines == []


def test_nobody_is_said_in_words() -> None:
    assert "SendGrid rejects nobody in this export." in scene_with().get(PATH).text


def test_viewer_has_no_search_and_no_file() -> None:
    scene = scene_with(*PEOPLE)
    page = scene.get(PATH, as_=VIEWER)
    assert "Only operators see the addresses." in page.text
    assert "rejected.csv" not in page.html
    assert scene.post(PATH, {"beginning": "ann"}, as_=VIEWER).status == 403
    assert scene.get(f"{PATH}.csv", as_=VIEWER).status == 403
    assert scene.audits.lines == []


def test_search_by_how_the_address_begins() -> None:
    scene = scene_with(*PEOPLE)
    page = scene.post(PATH, {"beginning": " ANN "})
    assert "ann@example.org" in page.text
    assert "anna@example.org" in page.text
    assert "bob@example.com" not in page.text
    assert "2 people" in page.text
    assert "&lt;b&gt;not&lt;/b&gt; valid" in page.html
    line = {"act": "rejected_listed", "subject": "operator-1", "export": "newsletter", "people": "2"}
    assert scene.audits.lines == [line]


def test_search_that_finds_nobody_says_so() -> None:
    page = scene_with(*PEOPLE).post(PATH, {"beginning": '"><script>'})
    assert "begins like this" in page.text
    assert 'value="&#34;&gt;&lt;script&gt;"' in page.html


def test_long_list_is_cut_and_says_so() -> None:
    people = [(f"p{n:03d}@example.org", "address") for n in range(201)]
    page = scene_with(*people).post(PATH, {})
    assert "200 people of more: type more of the address" in page.text
    assert "p200@example.org" not in page.text


def test_file_is_a_download_with_an_audit_line() -> None:
    scene = scene_with(*PEOPLE)
    page = scene.get(f"{PATH}.csv")
    assert page.headers["content-type"] == "text/csv; charset=utf-8"
    assert page.headers["content-disposition"] == 'attachment; filename="rejected-newsletter.csv"'
    assert page.headers["cache-control"] == "no-store"
    assert page.html.splitlines()[1].startswith("ann@example.org,address,2026-11-18T11:06:40Z,")
    assert page.html.splitlines()[-1] == "These are all rejected people of the export."
    line = {"act": "rejected_downloaded", "subject": "operator-1", "export": "newsletter", "people": "3"}
    assert scene.audits.lines == [line]


@pytest.mark.parametrize("path", ["/exports/x/rejected", "/exports/x/rejected.csv"])
def test_unknown_export_is_not_found(path: str) -> None:
    assert scene_with().get(path).status == 404
    assert scene_with().post("/exports/x/rejected", {}).status == 404
