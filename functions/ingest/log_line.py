"""One JSON log line for each delivery, with metrics in CloudWatch's embedded metric format.

Powertools' Logger and Metrics write the same, but take longer to import than ingest's own modules
together. The format (read 2026-11-23):
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from typing import Any, Final

from functions.ingest.export_cache import is_export_name
from functions.ingest.gateway import WebhookRequest, WebhookResponse

NAMESPACE: Final = "LyticsSendGrid"
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
METRICS: Final = {
    "accepted": "Accepted",
    "ignored": "Ignored",
    "rejected": "Rejected",
    "not_json": "NotJson",
}
_LEVELS: Final = {200: "INFO", 400: "WARNING", 401: "WARNING", 503: "ERROR"}


def log_line(request: WebhookRequest, response: WebhookResponse, service: str, now_ms: int) -> str:
    """Return a delivery's log line: counts, reasons and ids, but no address, field value or secret.

    Args:
        request: only its request id is logged, and its export if that can be the name of one.
        response: its status, message and counts are logged.
        service: the metrics' dimension.
        now_ms: the time, milliseconds since 1970.
    """
    metrics = [{"Name": name, "Unit": "Count"} for key, name in METRICS.items() if key in response.counts]
    line: dict[str, Any] = {
        "level": _LEVELS.get(response.status, "ERROR"),
        "message": "delivery",
        "timestamp_ms": now_ms,
        "service": service,
        "request_id": request.request_id,
        "export": request.export if is_export_name(request.export) else None,
        "status": response.status,
        "answer": response.message,
    }
    line |= {METRICS.get(key, key): value for key, value in response.counts.items()}
    if metrics:
        directive = {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": metrics}
        line["_aws"] = {"Timestamp": now_ms, "CloudWatchMetrics": [directive]}
    return _encode(line)
