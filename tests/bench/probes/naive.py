"""Deliver changes the plain way, for comparison: one GetItem and one conditional PutItem a contact.

It sends the same one PUT to SendGrid and keeps the same state as the product; only the ledger's calls differ.
"""

import json
import os
from functools import cache
from typing import Any

import boto3
import requests
from botocore.exceptions import ClientError


@cache
def _clients() -> tuple[Any, requests.Session]:
    return boto3.client("dynamodb"), requests.Session()


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Deliver a batch of messages of one audience."""
    dynamodb, session = _clients()
    rows, states = [], []
    for record in event["Records"]:
        message = json.loads(record["body"])
        columns, names = len(message["columns"]), message["fields"]
        for line in message["changes"]:
            key = f"default#{line[0]}"
            item = dynamodb.get_item(TableName="contacts", Key={"pk": {"S": key}}).get("Item")
            version = int(item["version"]["N"]) if item else 0
            fields = dict(zip(names, line[columns:], strict=False))
            custom = {
                "e1_T": message["audience"],
                "e2_T": fields["interest"],
                "e3_N": fields["lifetime_value"],
            }
            rows.append(
                {
                    "email": line[0],
                    "first_name": fields["first_name"],
                    "last_name": fields["last_name"],
                    "custom_fields": custom,
                }
            )
            state = {
                "memberships": {message["audience"]: message["time"]},
                "fields": [[message["time"], fields]],
            }
            states.append((key, version, json.dumps(state)))
    answer = session.put(
        f"{os.environ['SENDGRID_URL']}/v3/marketing/contacts",
        data=json.dumps({"contacts": rows}),
        headers={"Authorization": "Bearer SG.full", "Content-Type": "application/json"},
        timeout=30,
    )
    answer.raise_for_status()
    for key, version, text in states:
        _put(dynamodb, key, version, text)
    return {"batchItemFailures": []}


def _put(dynamodb: Any, key: str, version: int, text: str) -> None:
    try:
        dynamodb.put_item(
            TableName="contacts",
            Item={"pk": {"S": key}, "version": {"N": str(version + 1)}, "state": {"S": text}},
            ConditionExpression="attribute_not_exists(pk) OR version = :version",
            ExpressionAttributeValues={":version": {"N": str(version)}},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
