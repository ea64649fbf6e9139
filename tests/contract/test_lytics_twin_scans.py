"""The Lytics twin's paged scan of an audience: cursors, limits and faults."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.local.lytics_twin.clock import ManualClock
from tests.local.lytics_twin.twin import DEFAULT_TOKEN, LyticsTwin

Json = dict[str, Any]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def twin(clock: ManualClock) -> Iterator[LyticsTwin]:
    with LyticsTwin(clock=clock, cursor_age_s=60) as running:
        yield running


def get(twin: LyticsTwin, path: str, token: str = DEFAULT_TOKEN, **query: Any) -> requests.Response:
    return requests.get(twin.url + path, params=query, headers={"Authorization": token}, timeout=5)


def add_people(twin: LyticsTwin, count: int) -> str:
    audience = twin.add_audience("High Value Users")
    for number in range(count):
        twin.add_profile({"email": f"person.{number}@example.com", "visit_count": number}, [audience])
    return audience


def scan(twin: LyticsTwin, audience: str, **query: Any) -> list[Json]:
    """Read all pages of a scan."""
    pages: list[Json] = []
    start = ""
    while not pages or start:
        page = get(twin, f"/api/segment/{audience}/scan", start=start, **query).json()
        pages.append(page)
        start = page["_next"]
    return pages


def test_scan_pages_through_all_members_with_flat_rows(twin: LyticsTwin) -> None:
    audience = add_people(twin, 230)
    pages = scan(twin, audience, limit=100, fields="email,visit_count")
    assert [len(page["data"]) for page in pages] == [100, 100, 30]
    assert {page["total"] for page in pages} == {230}
    assert pages[0]["data"][7] == {"email": "person.7@example.com", "visit_count": 7}
    assert {row["email"] for page in pages for row in page["data"]} == twin.members(audience)


def test_scan_limit_is_ten_by_default_and_at_most_a_hundred(twin: LyticsTwin) -> None:
    audience = add_people(twin, 12)
    assert len(get(twin, f"/api/segment/{audience}/scan").json()["data"]) == 10
    assert get(twin, f"/api/segment/{audience}/scan", limit=101).status_code == 400


def test_scan_of_all_fields_includes_slugs(twin: LyticsTwin) -> None:
    row = get(twin, f"/api/segment/{add_people(twin, 1)}/scan").json()["data"][0]
    assert row["segments"] == ["high_value_users"]
    assert row["_created"].endswith("Z")


def test_cursor_returns_the_same_page_until_it_expires(twin: LyticsTwin, clock: ManualClock) -> None:
    audience = add_people(twin, 15)
    path = f"/api/segment/{audience}/scan"
    token = get(twin, path).json()["_next"]
    assert set("+/=") <= set(token)  # The cursor breaks clients that do not escape it.
    clock.advance(60)
    assert get(twin, path, start=token).json()["data"] == get(twin, path, start=token).json()["data"]
    clock.advance(1)
    stale = get(twin, path, start=token)
    assert (stale.status_code, stale.json()["message"]) == (400, "start token is not recent")


def test_cursor_of_another_audience_is_refused(twin: LyticsTwin) -> None:
    token = get(twin, f"/api/segment/{add_people(twin, 15)}/scan").json()["_next"]
    other = twin.add_audience("Other")
    assert get(twin, f"/api/segment/{other}/scan", start=token).status_code == 400


def test_member_who_exits_during_the_scan_is_still_returned(twin: LyticsTwin) -> None:
    audience = add_people(twin, 15)
    first = get(twin, f"/api/segment/{audience}/scan").json()
    twin.exit("person.14@example.com", audience)
    rest = get(twin, f"/api/segment/{audience}/scan", start=first["_next"]).json()
    assert "person.14@example.com" in {row["email"] for row in rest["data"]}
    assert "person.14@example.com" not in twin.members(audience)


def test_scan_faults_can_be_switched_on(twin: LyticsTwin) -> None:
    audience = add_people(twin, 30)
    path = f"/api/segment/{audience}/scan"
    twin.set_faults(scan_next_key="next")
    assert "_next" not in get(twin, path).json()
    assert get(twin, path).json()["next"]
    twin.set_faults(scan_next_key="_next", scan_total_offset=5)
    assert get(twin, path).json()["total"] == 35
    twin.set_faults(scan_total_offset=0, scan_no_email_rate=1)
    assert all("email" not in row for row in get(twin, path).json()["data"])
    twin.set_faults(scan_no_email_rate=0, scan_numbers_as_strings=True)
    assert get(twin, path).json()["data"][3]["visit_count"] == "3"
    twin.set_faults(scan_numbers_as_strings=False, scan_empty_page_every=2)
    assert [len(page["data"]) for page in scan(twin, audience)] == [10, 0, 10, 0, 10]
    twin.set_faults(scan_empty_page_every=0, scan_duplicate_rate=1)
    emails = [row["email"] for page in scan(twin, audience) for row in page["data"]]
    assert len(emails) > len(set(emails)) == 30
    twin.set_faults(scan_duplicate_rate=0, scan_repeat_cursor=True)
    second = get(twin, path).json()["_next"]
    assert get(twin, path, start=second).json()["_next"] == second


def test_unknown_fault_is_refused(twin: LyticsTwin) -> None:
    with pytest.raises(ValueError, match="unknown fault: scan_slowly"):
        twin.set_faults(scan_slowly=True)
    with pytest.raises(ValueError, match="api_429_rate must be a float"):
        twin.set_faults(api_429_rate="often")


def test_scan_of_some_buckets_returns_only_their_profiles(twin: LyticsTwin) -> None:
    audience = add_people(twin, 300)
    path = f"/api/segment/{audience}/scan"
    halves = [",".join(map(str, range(start, 100, 2))) for start in (0, 1)]
    answers = [get(twin, path, splits=half, limit=100).json() for half in halves]
    emails = [row["email"] for answer in answers for row in answer["data"]]
    assert sum(answer["total"] for answer in answers) == 300
    assert len(emails) == len(set(emails)) == 200
    rest = get(twin, path, splits=halves[0], limit=100, start=answers[0]["_next"]).json()
    assert len(rest["data"]) == answers[0]["total"] - 100
    twin.set_faults(scan_no_split_rate=0.2)
    fewer = [get(twin, path, splits=half).json()["total"] for half in halves]
    assert 150 < sum(fewer) < 300
    assert get(twin, path).json()["total"] == 300
    for wrong in ("100", "-1", "0,x"):
        assert get(twin, path, splits=wrong).status_code == 400
    twin.set_faults(scan_refuse_splits=True)
    assert get(twin, path, splits="0").status_code == 400
