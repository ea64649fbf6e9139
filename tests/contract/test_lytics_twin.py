"""The Lytics twin's answers: tokens, segments, schema, profiles, faults."""

import email.utils
import subprocess
import sys
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


@pytest.mark.parametrize("path", ["/api/segment", "/v2/segment"])
@pytest.mark.parametrize("token", ["wrong", "Bearer lytics-token"])
def test_rejected_token_is_answered_in_the_v1_format(twin: LyticsTwin, path: str, token: str) -> None:
    answer = get(twin, path, token=token)
    assert answer.status_code == 401
    assert answer.json() == {"data": None, "message": "Not authorized", "status": 401}


def test_expired_token_is_rejected(twin: LyticsTwin) -> None:
    assert get(twin, "/v2/segment").status_code == 200
    twin.token = "another"
    assert get(twin, "/v2/segment").status_code == 401


def test_every_answer_has_the_date_of_the_twins_clock(twin: LyticsTwin, clock: ManualClock) -> None:
    clock.advance(3600)
    for answer in (get(twin, "/v2/segment"), get(twin, "/api/none"), get(twin, "/v2/segment", token="wrong")):
        date = email.utils.parsedate_to_datetime(answer.headers["Date"])
        assert date.timestamp() == clock.wall_ns() // 1_000_000_000


def test_v2_errors_have_a_code_and_a_request_id(twin: LyticsTwin) -> None:
    answer = get(twin, "/v2/segment/unknown")
    assert answer.status_code == 404
    assert answer.json()["errors"] == [
        {"code": "NOTFOUND-003", "message": "Segment not found", "level": "warn"}
    ]
    assert answer.json()["request_id"]


def test_v1_errors_have_a_message(twin: LyticsTwin) -> None:
    answer = get(twin, "/api/segment/unknown")
    assert (answer.status_code, answer.json()) == (
        404,
        {"data": None, "message": "Segment not found", "status": 404},
    )


def test_wrong_method_is_405_and_unknown_path_404(twin: LyticsTwin) -> None:
    headers = {"Authorization": DEFAULT_TOKEN}
    assert requests.delete(twin.url + "/v2/segment", headers=headers, timeout=5).status_code == 405
    assert requests.delete(twin.url + "/v2/nothing", headers=headers, timeout=5).status_code == 404


@pytest.mark.parametrize("path", ["/api/segment", "/v2/segment"])
def test_segment_is_found_by_id_and_by_slug(twin: LyticsTwin, path: str) -> None:
    audience = add_people(twin, 3)
    by_id = get(twin, f"{path}/{audience}", sizes="true").json()["data"]
    by_slug = get(twin, f"{path}/high_value_users", sizes="true").json()["data"]
    assert by_id == by_slug
    assert (by_id["id"], by_id["slug_name"], by_id["name"]) == (
        audience,
        "high_value_users",
        "High Value Users",
    )
    assert (by_id["kind"], by_id["table"], by_id["size"]) == ("segment", "user", 3)
    assert len(audience) == 32
    assert int(audience, 16) >= 0


def test_size_is_omitted_unless_requested(twin: LyticsTwin) -> None:
    audience = add_people(twin, 1)
    assert "size" not in get(twin, f"/v2/segment/{audience}").json()["data"]


def test_renamed_audience_keeps_its_id_and_taken_slug_gets_a_suffix(twin: LyticsTwin) -> None:
    audience = add_people(twin, 0)
    other = twin.add_audience("Newsletter Readers")
    assert twin.rename_audience(other, name="Best Users", slug="high_value_users") == "high_value_users_1"
    assert get(twin, "/v2/segment/newsletter_readers").status_code == 404
    renamed = get(twin, "/v2/segment/high_value_users_1").json()["data"]
    assert (renamed["id"], renamed["name"]) == (other, "Best Users")
    assert get(twin, "/v2/segment/high_value_users").json()["data"]["id"] == audience


def test_list_filters_by_kind_table_and_validity(twin: LyticsTwin) -> None:
    segment = twin.add_audience("A segment")
    aspect = twin.add_audience("An aspect", kind="aspect")
    content = twin.add_audience("Pages", table="content")
    broken = twin.add_audience("Broken", valid=False)

    def listed(**query: str) -> set[str]:
        return {segment["id"] for segment in get(twin, "/v2/segment", **query).json()["data"]}

    assert listed() == {segment, aspect, content}
    assert listed(kind="segment", table="user") == {segment}
    assert listed(table="content") == {content}
    assert listed(valid="all") == {segment, aspect, content, broken}
    assert listed(valid="false") == {broken}


def test_sizes_of_several_ids_in_one_request(twin: LyticsTwin) -> None:
    audience = add_people(twin, 2)
    empty = twin.add_audience("Empty")
    sizes = get(twin, "/api/segment/sizes", ids=f"{audience},{empty},unknown").json()["data"]
    assert {segment["id"]: segment["size"] for segment in sizes} == {audience: 2, empty: 0}


def test_rate_limit_answer_has_no_retry_after(twin: LyticsTwin) -> None:
    twin.set_faults(api_429_rate=1, api_paths="/scan")
    answer = get(twin, f"/api/segment/{add_people(twin, 1)}/scan")
    assert answer.status_code == 429
    assert not [name for name in answer.headers if "retry" in name.lower() or "ratelimit" in name.lower()]
    assert get(twin, "/v2/segment").status_code == 200


def test_answers_can_be_broken_in_each_way(twin: LyticsTwin) -> None:
    twin.fail_next(500, 503)
    assert [get(twin, "/v2/segment").status_code for _ in range(3)] == [500, 503, 200]
    twin.set_faults(api_html_rate=1)
    assert get(twin, "/v2/segment").headers["Content-Type"] == "text/html"
    twin.set_faults(api_html_rate=0, api_truncate_rate=1)
    with pytest.raises(requests.JSONDecodeError):
        get(twin, "/v2/segment").json()
    twin.set_faults(api_truncate_rate=0, api_drop_rate=1)
    with pytest.raises(requests.ConnectionError):
        get(twin, "/v2/segment")
    twin.set_faults(api_drop_rate=0, api_slow_s=30)
    with pytest.raises(requests.ReadTimeout):
        requests.get(twin.url + "/v2/segment", headers={"Authorization": DEFAULT_TOKEN}, timeout=0.1)


def test_schema_lists_fields_with_types(twin: LyticsTwin) -> None:
    fields = {field["id"]: field for field in get(twin, "/v2/schema/user/field").json()["data"]}
    assert {
        name: fields[name]["type"] for name in ("email", "lifetime_value", "visit_count", "birthday")
    } == {
        "email": "string",
        "lifetime_value": "number",
        "visit_count": "int",
        "birthday": "date",
    }
    assert fields["email"]["is_identifier"]
    scalars = {field["id"] for field in get(twin, "/v2/schema/user/field", filter="scalar").json()["data"]}
    assert fields.keys() - scalars == {"interests", "hourly", "segment_events"}


def test_schema_of_v1_lists_columns(twin: LyticsTwin) -> None:
    table = get(twin, "/api/schema/user").json()["data"]
    assert "email" in table["by_fields"]
    assert {column["as"]: column["type"] for column in table["columns"]}["hourly"] == "map[string]int"


def test_profile_lookup_includes_memberships(twin: LyticsTwin) -> None:
    audience = add_people(twin, 1)
    answer = get(
        twin, "/api/entity/user/email/person.0%40example.com", segments="true", allsegments="true"
    ).json()
    assert answer["message"] == "success"
    assert answer["data"]["segments"] == ["high_value_users", "all"]
    assert answer["data"]["segments_all"] == [audience]


def test_missing_profile_has_status_200(twin: LyticsTwin) -> None:
    answer = get(twin, "/api/entity/user/email/nobody%40example.com", segments="true")
    assert answer.status_code == 200
    assert (answer.json()["message"], answer.json()["data"]) == (
        "Not Found",
        {"segments": ["not_found", "all"]},
    )


def test_twin_runs_in_its_own_process_with_control_endpoints() -> None:
    command = [sys.executable, "-m", "tests.local.lytics_twin", "--people", "50", "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            state = requests.get(url + "/_twin/state", timeout=5).json()
            assert state["people"] == 50
            counts = requests.post(url + "/_twin/events", json={"count": 20, "seed": 1}, timeout=5).json()[
                "result"
            ]
            assert sum(counts.values()) == 20
            truth = requests.get(url + "/_twin/truth", timeout=5).json()
            members = requests.get(url + "/_twin/members/high_value_users", timeout=5).json()
            audience = state["audiences"][0]["id"]
            assert set(members) == {name for name, entry in truth.items() if audience in entry["audiences"]}
            requests.get(f"{url}/v2/segment/{audience}", headers={"Authorization": DEFAULT_TOKEN}, timeout=5)
            counted = requests.get(url + "/_twin/requests", timeout=5).json()
            assert counted == {"GET /v2/segment/{segment}": 1}
            refused = requests.post(url + "/_twin/faults", json={"shuffles": True}, timeout=5)
            assert (refused.status_code, refused.json()["message"]) == (400, "unknown fault: shuffles")
            assert requests.post(url + "/_twin/drain", json={"timeout_s": 5}, timeout=10).json() == {
                "result": True
            }
        finally:
            process.terminate()
    assert process.returncode == 0
