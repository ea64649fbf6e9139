"""``catalogue`` from its handler down, on moto's DynamoDB and both twins."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from functions.catalogue import app
from lytics_sendgrid.tables.console import ConsoleTable
from lytics_sendgrid.workflow.catalogue import Catalogue, catalogue_key
from tests.contract.export_tasks import Tasks, context, tasks_of
from tests.local.sendgrid_twin.options import Fault, FaultKind

EVENT = Path(__file__).resolve().parents[2] / "events" / "console" / "catalogue.json"


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tasks]:
    with tasks_of(monkeypatch) as deployed:
        monkeypatch.setenv("CONSOLE_TABLE", "console")
        boto3.client("dynamodb").create_table(
            TableName="console",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        deployed.lytics.populate(60, 3, seed=1)
        app._collaborators.cache_clear()
        yield deployed
        app._collaborators.cache_clear()


def catalogue(event: dict[str, Any] | None = None) -> Catalogue:
    asked = event or json.loads(EVENT.read_text())
    app.lambda_handler(asked, context())
    store = ConsoleTable(boto3.client("dynamodb"), "console")
    document = store.get(catalogue_key(asked["authorization"]), 0)
    assert document is not None
    return Catalogue.read(document)


def test_catalogue_has_what_both_accounts_hold(tasks: Tasks) -> None:
    tasks.sendgrid.add_list("Newsletter")
    tasks.sendgrid.add_field("visits", "Number")
    found = catalogue()
    assert found.done
    assert found.faults == {}
    sizes = {audience.name: len(audience.members) for audience in tasks.lytics.audiences()}
    assert {audience.name: audience.size for audience in found.audiences or ()} == sizes
    assert {"email": "string", "birthday": "date"}.items() <= {
        field.name: field.type for field in found.lytics_fields or ()
    }.items()
    assert [contact_list.name for contact_list in found.lists or ()] == ["Newsletter"]
    assert [(field.name, field.type) for field in found.sendgrid_fields or ()] == [("visits", "Number")]


def test_refused_token_is_a_fault_of_lytics_alone(tasks: Tasks) -> None:
    tasks.put_secret(lytics_api_token="expired")
    found = catalogue()
    assert list(found.faults) == ["lytics"]
    assert "401" in found.faults["lytics"] or "token" in found.faults["lytics"]
    assert found.sendgrid_fields == ()


def test_failing_sendgrid_leaves_lytics_answer(tasks: Tasks) -> None:
    tasks.sendgrid.set_faults(Fault(kind=FaultKind.SERVER_ERROR, on="GET /v3/marketing/lists", status=503))
    found = catalogue()
    assert list(found.faults) == ["sendgrid"]
    assert len(found.audiences or ()) == 3


def test_authorization_without_a_secret_is_a_fault_of_both(tasks: Tasks) -> None:
    found = catalogue({"authorization": "nobody"})
    assert found.done
    assert "stack/nobody" in found.faults["lytics"] == found.faults["sendgrid"]
