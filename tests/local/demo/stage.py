"""The stage: the local cloud, the twins and the deployed stack, as one context."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.local.build import build_application
from tests.local.cloud import LocalCloud
from tests.local.demo.choices import Choices
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.sendgrid_twin.options import Options
from tests.local.sendgrid_twin.twin import SendGridTwin

STACK = "demo"
API_KEY = "SG.full"
# Minutes on AWS, seconds here; what they wait for is as much quicker.
DELAYS = {
    "DeliverBatchingWindowSeconds": "1",
    "ConfirmDelaySeconds": "1",
    "RefreshDelaySeconds": "3",
    "StopRetrySeconds": "10",
}
JOBS = Options(job_delay_s=0.3, job_jitter_s=0.7)
WAIT_SCALE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs.

    Attributes:
        cloud: the local cloud.
        outputs: of the stack.
        webhook_secret: what Lytics shows at the webhook.
        sendgrid: the twin, if it is one.
        lytics: the twin, if it is one.
        list_id: of the list that the input names, made in the SendGrid twin.
    """

    cloud: LocalCloud
    outputs: dict[str, str]
    webhook_secret: str
    sendgrid: SendGridTwin | None
    lytics: LyticsTwin | None
    list_id: str | None

    def webhook(self, export: str) -> str:
        """Return the URL at which events of an export are taken."""
        return f"{self.outputs['WebhookUrl']}/lytics/{export}"

    def start(self, name: str, start: dict[str, Any]) -> str:
        """Start the export; return the execution's ARN."""
        return self.cloud.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], name=name, input=json.dumps(start)
        )["executionArn"]

    def queued(self) -> int:
        """Return how many messages lie on the changes and imports queues: waiting, delayed or in flight."""
        sqs = self.cloud.client("sqs")
        names: Any = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        return sum(
            int(count)
            for queue in ("ChangesQueueUrl", "ImportsQueueUrl")
            for count in sqs.get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=names)[
                "Attributes"
            ].values()
        )


@contextmanager
def stage(choices: Choices, say: Callable[[str], None]) -> Iterator[Stage]:
    """Build, start and deploy everything; end all of it at the end.

    Args:
        choices: what is asked for.
        say: is told what comes next.
    """
    with ExitStack() as open_now:
        sendgrid = lytics = list_id = None
        if choices.sendgrid_url is None:
            sendgrid = open_now.enter_context(SendGridTwin(JOBS))
            if isinstance(wanted := choices.start.get("list"), str):
                list_id = sendgrid.add_list(wanted)
        if choices.lytics_url is None:
            lytics = open_now.enter_context(LyticsTwin(time_scale=WAIT_SCALE))
            say(f"making up {choices.people:,} people in Lytics")
            lytics.populate(choices.people, 3, seed=1)
        say("building the application (sam build)")
        template = build_application()
        say("starting the local cloud")
        cloud = open_now.enter_context(LocalCloud(wait_scale=WAIT_SCALE if choices.has_twins else 1.0))
        say("deploying the stack (CloudFormation)")
        outputs = cloud.deploy(
            template,
            STACK,
            {
                **(
                    DELAYS
                    if choices.has_twins
                    else {"DeliverBatchingWindowSeconds": "1", "ConfirmDelaySeconds": "5"}
                ),
                "SendGridUrl": sendgrid.url if sendgrid else str(choices.sendgrid_url),
                "LyticsUrl": lytics.url if lytics else str(choices.lytics_url),
                "WebhookBaseUrl": cloud.api_url(STACK, "WebhookApi", "v1"),
                "Protect": "false",
            },
        )
        webhook_secret = secrets.token_urlsafe(24)
        cloud.client("secretsmanager").put_secret_value(
            SecretId=outputs["SecretArn"],
            SecretString=json.dumps(
                {
                    "sendgrid_api_key": choices.sendgrid_api_key or API_KEY,
                    "lytics_api_token": choices.lytics_api_token or (lytics.token if lytics else ""),
                    "webhook_secrets": [webhook_secret],
                }
            ),
        )
        yield Stage(
            cloud=cloud,
            outputs=outputs,
            webhook_secret=webhook_secret,
            sendgrid=sendgrid,
            lytics=lytics,
            list_id=list_id,
        )
