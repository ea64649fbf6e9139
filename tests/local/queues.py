"""SQS: a delay of more than 15 minutes is refused, as on AWS; ministack takes any."""

from typing import Any

_MAX_DELAY_S = 900


def replace(sqs: Any) -> None:
    """Put our version into ministack's `sqs`."""
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

    sqs._act_send_message = send_message  # what SendMessageBatch calls
    sqs._HANDLERS["SendMessage"] = send_message
