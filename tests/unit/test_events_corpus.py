"""Every body in `events/lytics` becomes what the table in `events/README.md` says."""

import json
from typing import Any

import pytest

from functions.ingest.body import read
from functions.ingest.gateway import webhook_request_from
from lytics_sendgrid.domain.change import Change
from lytics_sendgrid.domain.instants import parse_rfc3339_ns
from lytics_sendgrid.lenient_json import parse
from lytics_sendgrid.queues.changes import decode
from lytics_sendgrid.queues.imports import import_from
from tests.events_table import EVENTS, Situation, situations
from tests.newsletter import NEWSLETTER, UNMANAGED

NOW_NS = parse_rfc3339_ns("2026-11-23T00:00:00Z")
IDS = {audience.slug: audience.id for audience in NEWSLETTER.audiences} | {"webinar_guests": UNMANAGED}
MAPPED = NEWSLETTER.lytics_fields[1:]


def test_each_file_is_in_the_table_and_each_row_has_a_file() -> None:
    listed = [situation.file for situation in situations()]
    assert sorted(listed) == sorted(path.name for path in (EVENTS / "lytics").iterdir())
    assert len(listed) >= 30


@pytest.mark.parametrize("situation", situations(), ids=lambda situation: situation.file)
def test_body_becomes_what_the_table_says(situation: Situation) -> None:
    if situation.outcomes == (("400",),):
        with pytest.raises(ValueError, match="Unterminated"):
            parse(situation.body)
        return
    reading = read(parse(situation.body), NEWSLETTER, NOW_NS)
    expected = [outcome for outcome in situation.outcomes if outcome != ("nothing",)]
    changes = [(c.kind.value, c.email, c.audience, c.time_ns) for c in reading.changes]
    assert changes == [
        (word, rest[0], IDS[rest[1]], parse_rfc3339_ns(rest[2]))
        for word, *rest in expected
        if word in {"enter", "exit", "change"}
    ]
    assert [r.reason for r in reading.rejected] == [rest[0] for word, *rest in expected if word == "reject"]
    assert reading.ignored == {IDS[rest[0]]: 1 for word, *rest in expected if word == "ignore"}


@pytest.mark.parametrize("situation", situations(), ids=lambda situation: situation.file)
def test_a_persons_changes_carry_the_mapped_scalars_and_nothing_else(situation: Situation) -> None:
    if situation.outcomes == (("400",),):
        return
    document = parse(situation.body)
    people = {}
    for data in _profiles(document):
        fields = {name: data[name] for name in MAPPED if isinstance(data.get(name), str | int | float)}
        people[str(data["email"]).strip().lower(), json.dumps(fields, sort_keys=True)] = fields
    changes = read(document, NEWSLETTER, NOW_NS).changes
    if situation.file == "lone-surrogate.json":
        return
    assert {change.email for change in changes} == {
        _key(change)[0] for change in changes if _key(change) in people
    }
    assert all(_key(change) in people for change in changes if change.fields)


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    [situation] = [s for s in situations() if s.file == "lone-surrogate.json"]
    [change] = read(parse(situation.body), NEWSLETTER, NOW_NS).changes
    assert change.fields == {"first_name": "Anouk ?", "city": "Delft"}


@pytest.mark.parametrize("path", sorted((EVENTS / "apigw").glob("*.json")), ids=lambda path: path.name)
def test_proxy_events_hold_a_delivery(path: Any) -> None:
    delivery = webhook_request_from(json.loads(path.read_text()))
    assert delivery.export
    assert delivery.secrets
    assert delivery.text().startswith(("{", "["))


def test_the_event_for_deliver_holds_messages_of_changes() -> None:
    records = json.loads((EVENTS / "sqs" / "deliver.json").read_text())["Records"]
    changes = [change for record in records for change in decode(record["body"]).changes]
    assert [change.kind.value for change in changes] == ["enter", "exit", "change"]
    assert {change.audience for change in changes} == {audience.id for audience in NEWSLETTER.audiences}


def test_the_event_for_confirm_holds_an_import() -> None:
    [record] = json.loads((EVENTS / "sqs" / "confirm.json").read_text())["Records"]
    carried = import_from(record["body"]).contacts
    assert {one.export for one in carried.values()} == {"newsletter"}
    assert set(carried) == {"ottilie.brandt@example.com", "mariela.quispe@example.org"}


def test_the_start_event_names_the_audiences_and_fields_of_the_table() -> None:
    document = json.loads((EVENTS / "states" / "start-export.json").read_text())
    assert document["audiences"] == [audience.slug for audience in NEWSLETTER.audiences]
    named = {document["first_name_field"], document["last_name_field"], *document["custom_fields"]}
    assert named == set(MAPPED)


def _key(change: Change) -> tuple[str, str]:
    return change.email, json.dumps(dict(change.fields), sort_keys=True)


def _profiles(value: Any) -> list[dict[str, Any]]:
    """Find every object with an e-mail, wherever it is."""
    if isinstance(value, list):
        return [data for element in value for data in _profiles(element)]
    if not isinstance(value, dict):
        return []
    found = [data for element in value.values() for data in _profiles(element)]
    return [value, *found] if "email" in value else found
