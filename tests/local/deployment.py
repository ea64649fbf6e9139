"""The product's stack on a local cloud, deployed with delays of seconds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lytics_sendgrid.aws.secret import keys_secret, webhook_secret
from tests.local.cloud import LocalCloud

# Minutes on AWS, seconds here: the twins are as much faster.
DELAYS: Final = {
    "DeliverBatchingWindowSeconds": "1",
    "ConfirmDelaySeconds": "1",
    "RefreshDelaySeconds": "3",
    "StopRetrySeconds": "10",
    "VerifyDelaySeconds": "5",
    "ClearDelaySeconds": "5",
    "ConfigurationCacheSeconds": "1",
}
# The queues of unfinished work.
_WORK_QUEUES: Final = ("ChangesQueueUrl", "ImportsQueueUrl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployed stack.

    Attributes:
        cloud: The local cloud that runs the stack.
        stack: its name.
        outputs: The stack's outputs.
    """

    cloud: LocalCloud
    stack: str
    outputs: Mapping[str, str]

    def webhook(self, export: str) -> str:
        """Return the webhook URL of an export."""
        return f"{self.outputs['WebhookUrl']}/lytics/{export}"

    def start(self, name: str, start: object) -> str:
        """Start an export. Returns the ARN of the execution."""
        return self.cloud.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], name=name, input=json.dumps(start)
        )["executionArn"]

    def queued(self) -> int:
        """Return the number of messages on the changes and imports queues: visible, delayed or in flight.

        Counts the imports twice: otherwise it would miss a message that confirm turns into a change between
        the two counts. A message cannot go back and forth in that time, since an import waits for at least a
        second.
        """
        before = self._queued("ImportsQueueUrl")
        changes = self._queued("ChangesQueueUrl")
        return changes + max(before, self._queued("ImportsQueueUrl"))

    def _queued(self, output: str) -> int:
        names: Any = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        answer = self.cloud.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs[output], AttributeNames=names
        )
        return sum(map(int, answer["Attributes"].values()))

    def purge(self) -> None:
        """Delete all messages on the changes and imports queues."""
        for queue in _WORK_QUEUES:
            self.cloud.client("sqs").purge_queue(QueueUrl=self.outputs[queue])

    def put_secret(
        self,
        authorization: str,
        *,
        sendgrid_api_key: str,
        lytics_api_token: str,
        webhook_secrets: list[str],
    ) -> None:
        """Create or update both secrets of an authorization."""
        keys = {"sendgrid_api_key": sendgrid_api_key, "lytics_api_token": lytics_api_token}
        self._put(keys_secret(self.stack, authorization), keys)
        self._put(webhook_secret(self.stack, authorization), {"webhook_secrets": webhook_secrets})

    def _put(self, name: str, document: object) -> None:
        secrets = self.cloud.client("secretsmanager")
        try:
            secrets.put_secret_value(SecretId=name, SecretString=json.dumps(document))
        except secrets.exceptions.ResourceNotFoundException:
            secrets.create_secret(Name=name, SecretString=json.dumps(document))


def deploy(
    cloud: LocalCloud,
    template: Path,
    stack: str,
    *,
    sendgrid_url: str,
    lytics_url: str,
    delays: Mapping[str, str] = DELAYS,
    console: Mapping[str, str] | None = None,
) -> Deployment:
    """Deploy the product.

    Args:
        cloud: The local cloud.
        template: The template from `build_application`.
        stack: The stack's name.
        sendgrid_url: The URL of SendGrid or its twin.
        lytics_url: The URL of Lytics or its twin.
        delays: The delay parameters of the template.
        console: The parameters that turn the console on, if any: `tests.local.sign_in`.
    """
    parameters = {
        **delays,
        "SendGridUrl": sendgrid_url,
        "LyticsUrl": lytics_url,
        "WebhookBaseUrl": cloud.api_url(stack, "WebhookApi", "v1"),
        "Protect": "false",
        # The emulator has a clock, too, and would resync in the middle of a test.
        "ResyncSchedule": "",
        **(console or {}),
    }
    return Deployment(cloud=cloud, stack=stack, outputs=cloud.deploy(template, stack, parameters))
