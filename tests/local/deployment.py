"""The product's stack on a local cloud: deployed with delays of seconds, started and looked at from outside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.local.cloud import LocalCloud

# Minutes on AWS, seconds here; what they wait for is as much quicker.
DELAYS: Final = {
    "DeliverBatchingWindowSeconds": "1",
    "ConfirmDelaySeconds": "1",
    "RefreshDelaySeconds": "3",
    "StopRetrySeconds": "10",
}
# The queues whose messages are work that is not done.
_WORKING: Final = ("ChangesQueueUrl", "ImportsQueueUrl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployed stack.

    Attributes:
        cloud: the local cloud that it runs on.
        stack: its name.
        outputs: its outputs.
    """

    cloud: LocalCloud
    stack: str
    outputs: Mapping[str, str]

    def webhook(self, export: str) -> str:
        """Return the URL at which events of an export are taken."""
        return f"{self.outputs['WebhookUrl']}/lytics/{export}"

    def start(self, name: str, start: object) -> str:
        """Start the export; return the execution's ARN."""
        return self.cloud.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], name=name, input=json.dumps(start)
        )["executionArn"]

    def queued(self) -> int:
        """Return how many messages lie on the changes and imports queues: waiting, delayed or in flight.

        The imports are looked at twice: one look at each queue would miss a message that confirm turns into a change
        between the two. None can go to and fro so fast, for an import waits for a second or more.
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
        """Forget all changes and import jobs that lie on the queues."""
        for queue in _WORKING:
            self.cloud.client("sqs").purge_queue(QueueUrl=self.outputs[queue])

    def put_secret(
        self,
        authorization: str,
        *,
        sendgrid_api_key: str,
        lytics_api_token: str,
        webhook_secrets: list[str],
    ) -> None:
        """Write an authorization's secret, which is made if there is none yet."""
        secrets = self.cloud.client("secretsmanager")
        name = f"{self.stack}/{authorization}"
        value = json.dumps(
            {
                "sendgrid_api_key": sendgrid_api_key,
                "lytics_api_token": lytics_api_token,
                "webhook_secrets": webhook_secrets,
            }
        )
        try:
            secrets.put_secret_value(SecretId=name, SecretString=value)
        except secrets.exceptions.ResourceNotFoundException:
            secrets.create_secret(Name=name, SecretString=value)


def deploy(
    cloud: LocalCloud,
    template: Path,
    stack: str,
    *,
    sendgrid_url: str,
    lytics_url: str,
    delays: Mapping[str, str] = DELAYS,
) -> Deployment:
    """Deploy the product.

    Args:
        cloud: where to.
        template: as `build_application` returns it.
        stack: its name.
        sendgrid_url: of SendGrid or its twin.
        lytics_url: of Lytics or its twin.
        delays: parameters of the template.
    """
    parameters = {
        **delays,
        "SendGridUrl": sendgrid_url,
        "LyticsUrl": lytics_url,
        "WebhookBaseUrl": cloud.api_url(stack, "WebhookApi", "v1"),
        "Protect": "false",
    }
    return Deployment(cloud=cloud, stack=stack, outputs=cloud.deploy(template, stack, parameters))
