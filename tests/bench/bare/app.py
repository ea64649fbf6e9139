"""The smallest webhook function with boto3. The cold start of ingest is compared with it."""

import os
from typing import Any

import boto3

sqs = boto3.client("sqs")


def lambda_handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    sqs.send_message(QueueUrl=os.environ["CHANGES_QUEUE_URL"], MessageBody="{}")
    return {"statusCode": 200, "body": "{}"}
