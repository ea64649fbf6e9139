"""DynamoDB for tests of the tables' adapters: moto's, and the double."""

from collections.abc import Iterator
from typing import cast

import boto3
import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from tests.contract.moto_aws import aws
from tests.doubles.dynamodb import DynamoDb


@pytest.fixture
def moto_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Return moto's client, with all tables."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="exports",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        client.create_table(
            TableName="contacts",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "rejected_account", "AttributeType": "S"},
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "rejected",
                    "KeySchema": [
                        {"AttributeName": "rejected_account", "KeyType": "HASH"},
                        {"AttributeName": "pk", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        client.create_table(
            TableName="console",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture(params=["moto", "double"])
def client(request: pytest.FixtureRequest) -> DynamoDBClient:
    """Return moto's client, and the double."""
    if request.param == "double":
        return cast(DynamoDBClient, DynamoDb())
    client: DynamoDBClient = request.getfixturevalue("moto_client")
    return client
