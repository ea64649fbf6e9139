"""One JSON line for each delivery: what a person looks for, and metrics in CloudWatch's embedded format.

Powertools' Logger and Metrics would take longer to import than all else that ingest needs; this is their form.
The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
(read 2026-11-23).
"""

import json
from typing import Any, Final

from functions.ingest.export_cache import is_export_name
from functions.ingest.gateway import Answer, Delivery

NAMESPACE: Final = "LyticsSendGrid"
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_METRICS: Final = {"accepted": "Accepted", "ignored": "Ignored", "rejected": "Rejected"}
_LEVELS: Final = {200: "INFO", 400: "WARNING", 401: "WARNING", 503: "ERROR"}


def log_line(delivery: Delivery, answer: Answer, service: str, now_ms: int) -> str:
    """Write a delivery's line: counts, reasons and ids, never an address, a field's value or a secret.

    Args:
        delivery: only its export's name and request id are used; the name only where it is of the form of a name.
        answer: with its counts.
        service: the metrics' dimension.
        now_ms: our clock, milliseconds since 1970.
    """
    metrics = [{"Name": name, "Unit": "Count"} for key, name in _METRICS.items() if key in answer.counts]
    line: dict[str, Any] = {
        "level": _LEVELS.get(answer.status, "ERROR"),
        "message": "delivery",
        "timestamp_ms": now_ms,
        "service": service,
        "request_id": delivery.request_id,
        "export": delivery.export if is_export_name(delivery.export) else None,
        "status": answer.status,
        "answer": answer.word,
    }
    line |= {_METRICS.get(key, key): value for key, value in answer.counts.items()}
    if metrics:
        directive = {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": metrics}
        line["_aws"] = {"Timestamp": now_ms, "CloudWatchMetrics": [directive]}
    return _encode(line)
