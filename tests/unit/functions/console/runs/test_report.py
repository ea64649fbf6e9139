"""A report, as its page shows it."""

from typing import Any

from functions.console.runs.report import report_view
from tests.unit.functions.report.test_reporting import PASTE

AUDIENCE = {
    "id": "5f1c",
    "name": "Buyers",
    "lytics": 100,
    "segment": "Buyers",
    "segment_id": "s/1",
    "sendgrid": 90,
    "sendgrid_counted_at": "2026-11-23T08:00:00Z",
    "scanned": 100,
    "without_email": 3,
    "bad_email": 2,
    "queued": 95,
    "complete": True,
    "mismatch": "",
}
REPORT: dict[str, Any] = {
    "run": "r",
    "live": True,
    "started_at": "2026-11-23T09:00:00Z",
    "finished_at": "2026-11-23T09:05:00Z",
    "audiences": [AUDIENCE],
    "people": {"accepted": 90, "unchanged": 3, "rejected": {"address": 2, "odd": 1}},
    "import_jobs": {"confirmed": 90},
    "sendgrid_contacts": 1_000,
    "notes": ["segments lag", "Wait!"],
}


def test_each_side_of_an_audience_is_shown_with_its_links() -> None:
    (row,) = report_view(REPORT).audiences
    assert (row.lytics, row.sent, row.sendgrid, row.without_address) == (100, 95, 90, 5)
    assert row.lytics_url == "https://app.lytics.com/audiences/5f1c"
    assert row.sendgrid_url == "https://mc.sendgrid.com/contacts/segments/s%2F1"
    assert (row.trouble, row.drift, row.counted_at) == ("", None, "2026-11-23T08:00:00Z")


def test_audience_that_was_not_read_and_has_no_segment() -> None:
    bare = {"id": "5f1c", "name": "Buyers", "lytics": None, "segment_id": None, "sendgrid": None}
    (row,) = report_view(REPORT | {"audiences": [bare | {"sendgrid_counted_at": None}]}).audiences
    assert (row.lytics, row.sent, row.sendgrid, row.sendgrid_url) == (None, None, None, None)


def test_trouble_is_what_is_worst() -> None:
    def trouble(**more: str) -> str:
        return report_view(REPORT | {"audiences": [AUDIENCE | more]}).audiences[0].trouble

    assert trouble(trouble="it is gone", mismatch="too few") == "it is gone"
    assert trouble(mismatch="too few", segment_error="bad query") == "too few"
    assert trouble(misfit="too few") == "too few"  # as in older reports
    assert trouble(segment_error="bad query") == "bad query"


def test_people_are_counted_by_outcome() -> None:
    found = report_view(REPORT)
    assert (found.accepted, found.unchanged, found.confirmed, found.contacts) == (90, 3, 90, 1_000)
    assert found.rejected == (("SendGrid refuses the address", 2), ("odd", 1))
    assert (found.live, found.stopped, found.failure, found.drift) == (True, False, "", None)


def test_report_of_a_stop_counts_nobody() -> None:
    found = report_view(REPORT | {"people": None, "stopped": {"job": "paused"}, "live": False})
    assert (found.accepted, found.rejected, found.stopped) == (None, (), True)


def test_what_to_enter_in_lytics_is_listed() -> None:
    paste = PASTE | {
        "audiences": [{"id": "1" * 32, "name": "First"}, {"id": "2" * 32}],
        "do_not_retry": ["400"],
    }
    shown = dict(report_view(REPORT | {"activation": {"paste": paste}, "live": False}).paste)
    assert shown["Webhook URL"] == "https://hooks.example.com"
    assert shown["Header X-Lytics-Secret"] == "in the secret stack/default"
    assert shown["Audiences"] == f"First, {'2' * 32}"
    assert (shown["Existing users"], shown["CloudEvents"], shown["Do not retry"]) == ("no", "no", "400")
    assert shown["Requests in batches"] == "of 100, every 1 s"
    assert report_view(REPORT | {"activation": {"paste": None}}).paste == ()
    other = dict(
        report_view(
            REPORT | {"activation": {"paste": PASTE | {"cloudevents": True, "existing_users": True}}}
        ).paste
    )
    assert (other["Existing users"], other["CloudEvents"], other["Do not retry"]) == ("yes", "yes", "nothing")
