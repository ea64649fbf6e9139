"""SQS: refuse delays of more than 15 minutes, as AWS does. ministack accepts any delay."""

from typing import Any

_MAX_DELAY_S = 900


def replace(sqs: Any) -> None:
    """Replace functions of ministack's `sqs`."""
    original = sqs._act_send_message

    def send_message(data: dict[str, Any], qurl: str) -> Any:
        delay_s = data.get("DelaySeconds")
        if delay_s is not None and not 0 <= int(delay_s) <= _MAX_DELAY_S:
            raise sqs._Err(
                "InvalidParameterValue",
                f"Value {delay_s} for parameter DelaySeconds is invalid. "
                f"Reason: DelaySeconds must be >= 0 and <= {_MAX_DELAY_S}.",
            )
        return original(data, qurl)

    sqs._act_send_message = send_message  # SendMessageBatch calls this one
    sqs._HANDLERS["SendMessage"] = send_message
