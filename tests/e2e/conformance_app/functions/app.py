"""The functions of the conformance tests: each handler does what its event says."""

import json
import os
import time
from typing import Any

import boto3


class PaymentRefused(Exception):
    pass


def batch(event: dict[str, Any], context: Any) -> Any:
    """Report the batch's size and times to a queue, then answer as the first such message says."""
    begun = time.time()
    bodies = [json.loads(record["body"]) for record in event["Records"]]
    command: dict[str, Any] = next(
        (body for body in bodies if "answer" in body or "sleep_s" in body or "fail" in body), {}
    )
    time.sleep(command.get("sleep_s", 0))
    report = {
        "function": context.function_name,
        "records": len(event["Records"]),
        "payload_bytes": len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()),
        "sent": min(int(record["attributes"]["SentTimestamp"]) for record in event["Records"]) / 1000,
        "receives": max(int(record["attributes"]["ApproximateReceiveCount"]) for record in event["Records"]),
        "begun": begun,
        "ended": time.time(),
    }
    boto3.client("sqs").send_message(QueueUrl=os.environ["REPORTS_URL"], MessageBody=json.dumps(report))
    if command.get("fail"):
        raise PaymentRefused(command["fail"])
    if command.get("answer") == "fail odd":
        odd = [record["messageId"] for record in event["Records"] if json.loads(record["body"])["n"] % 2]
        return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in odd]}
    return command.get("answer")


def act(event: dict[str, Any], context: Any) -> Any:
    """Raise, sleep, exit, or return what the runtime provides."""
    match event.get("do"):
        case "raise":
            raise PaymentRefused(event.get("why", "no money"))
        case "sleep":
            time.sleep(event["seconds"])
        case "exit":
            os._exit(event["code"])
    return {
        "pid": os.getpid(),
        "request_id": context.aws_request_id,
        "environment": {name: os.environ.get(name) for name in event.get("variables", [])},
    }


def proxy(event: dict[str, Any], context: Any) -> Any:
    """Answer an API request with its event, or fail as its path says."""
    match event["pathParameters"]["what"]:
        case "crash":
            raise PaymentRefused("secret detail")
        case "hang":
            time.sleep(60)
        case "nonsense":
            return {"status": "not a proxy response"}
        case "meet":
            _wait_for_others(int(event["headers"]["x-others"]))
    return {"statusCode": 202, "headers": {"X-Seen": "yes"}, "body": json.dumps(event)}


def _wait_for_others(count: int) -> None:
    """Return once `count` invocations wait here at the same time. The timeout ends an unsuccessful wait."""
    sqs: Any = boto3.client("sqs")
    sqs.send_message(QueueUrl=os.environ["MEETING_URL"], MessageBody="here")
    name = "ApproximateNumberOfMessages"
    while True:
        answer = sqs.get_queue_attributes(QueueUrl=os.environ["MEETING_URL"], AttributeNames=[name])
        if int(answer["Attributes"][name]) >= count:
            return
        time.sleep(0.02)
