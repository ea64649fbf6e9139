"""The stage: the local cloud, the twins and the deployed stack, as one context."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.local.build import build_application
from tests.local.cloud import LocalCloud
from tests.local.demo.choices import Choices
from tests.local.deployment import DELAYS, Deployment, deploy
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.sendgrid_twin.options import Options
from tests.local.sendgrid_twin.record import Recorder
from tests.local.sendgrid_twin.twin import SendGridTwin
from tests.newsletter import NEWSLETTER

STACK = "demo"
API_KEY = "SG.full"
# Other servers work as slowly as they do.
PATIENT = {"DeliverBatchingWindowSeconds": "1", "ConfirmDelaySeconds": "5"}
JOBS = Options(job_delay_s=0.3, job_jitter_s=0.7)
WAIT_SCALE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs.

    Attributes:
        deployment: the stack on its cloud.
        webhook_secret: what Lytics shows at the webhook.
        sendgrid: the twin, if it is one.
        lytics: the twin, if it is one.
        list_id: of the list that the input names, made in the SendGrid twin.
    """

    deployment: Deployment
    webhook_secret: str
    sendgrid: SendGridTwin | None
    lytics: LyticsTwin | None
    list_id: str | None


@contextmanager
def stage(
    choices: Choices,
    say: Callable[[str], None],
    *,
    sendgrid_options: Options = JOBS,
    recorder: Recorder | None = None,
    delays: Mapping[str, str] = DELAYS,
) -> Iterator[Stage]:
    """Build, start and deploy everything; end all of it at the end.

    Args:
        choices: what is asked for.
        say: is told what comes next.
        sendgrid_options: of the SendGrid twin.
        recorder: is called with each exchange of the SendGrid twin before its answer is sent.
        delays: parameters of the template, where both sides are twins.
    """
    with ExitStack() as open_now:
        sendgrid = lytics = list_id = None
        if choices.sendgrid_url is None:
            sendgrid = open_now.enter_context(SendGridTwin(sendgrid_options, recorder=recorder))
            if isinstance(wanted := choices.start.get("list"), str):
                list_id = sendgrid.add_list(wanted)
        if choices.lytics_url is None:
            lytics = open_now.enter_context(LyticsTwin(time_scale=WAIT_SCALE))
            say(f"making up {choices.people:,} people in Lytics")
            # The ids that the bodies in `events/lytics` have, so that these can be posted to the webhook.
            for audience in NEWSLETTER.audiences:
                lytics.add_audience(audience.name, slug=audience.slug, audience_id=audience.id)
            lytics.populate(choices.people, 3, seed=1)
        say("building the application (sam build)")
        template = build_application()
        say("starting the local cloud")
        cloud = open_now.enter_context(LocalCloud(wait_scale=WAIT_SCALE if choices.has_twins else 1.0))
        say("deploying the stack (CloudFormation)")
        deployment = deploy(
            cloud,
            template,
            STACK,
            sendgrid_url=sendgrid.url if sendgrid else str(choices.sendgrid_url),
            lytics_url=lytics.url if lytics else str(choices.lytics_url),
            delays=delays if choices.has_twins else PATIENT,
        )
        webhook_secret = secrets.token_urlsafe(24)
        deployment.put_secret(
            choices.start.get("authorization", "default"),
            sendgrid_api_key=choices.sendgrid_api_key or API_KEY,
            lytics_api_token=choices.lytics_api_token or (lytics.token if lytics else ""),
            webhook_secrets=[webhook_secret],
        )
        yield Stage(
            deployment=deployment,
            webhook_secret=webhook_secret,
            sendgrid=sendgrid,
            lytics=lytics,
            list_id=list_id,
        )
