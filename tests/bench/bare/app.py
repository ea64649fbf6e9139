"""The least that a webhook's function with boto3 can be: what ingest's cold start is measured beside."""

import os
from typing import Any

import boto3

sqs = boto3.client("sqs")


def lambda_handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    sqs.send_message(QueueUrl=os.environ["CHANGES_QUEUE_URL"], MessageBody="{}")
    return {"statusCode": 200, "body": "{}"}
