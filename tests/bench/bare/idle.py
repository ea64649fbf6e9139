"""A handler that does nothing: it shows what Lambda's runtime client takes."""

from typing import Any


def lambda_handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    return {"statusCode": 200, "body": "{}"}
