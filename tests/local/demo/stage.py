"""The demo's environment: the local cloud, the twins and the deployed stack."""

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
from tests.local.sign_in import SignIn, sign_in_of
from tests.newsletter import NEWSLETTER

STACK = "demo"
API_KEY = "SG.full"
# Delays for real servers: they need more time than the twins.
DELAYS_OF_SERVERS = {
    "DeliverBatchingWindowSeconds": "1",
    "ConfirmDelaySeconds": "5",
    "VerifyDelaySeconds": "10",
    "ClearDelaySeconds": "10",
    # A delivery keeps a configuration for less than the clearing waits.
    "ConfigurationCacheSeconds": "1",
}
JOBS = Options(job_delay_s=0.3, job_jitter_s=0.7)
WAIT_SCALE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running parts of a demo.

    Attributes:
        deployment: The stack on the local cloud.
        webhook_secret: The secret that Lytics sends to the webhook.
        sendgrid: The SendGrid twin; None if SENDGRID_URL replaces it.
        lytics: The Lytics twin; None if LYTICS_URL replaces it.
        list_id: The id of the input's list in the SendGrid twin.
        sign_in: The console and its sign-in provider, if everything keeps running.
    """

    deployment: Deployment
    webhook_secret: str
    sendgrid: SendGridTwin | None
    lytics: LyticsTwin | None
    list_id: str | None
    sign_in: SignIn | None


@contextmanager
def stage(
    choices: Choices,
    show_step: Callable[[str], None],
    *,
    sendgrid_options: Options = JOBS,
    recorder: Recorder | None = None,
    delays: Mapping[str, str] = DELAYS,
) -> Iterator[Stage]:
    """Build, start and deploy everything. Stops everything at the end.

    Args:
        choices: The options.
        show_step: Called with each step.
        sendgrid_options: The options of the SendGrid twin.
        recorder: Called with each exchange of the SendGrid twin before its answer is sent.
        delays: The template's delay parameters, used if both sides are twins.
    """
    with ExitStack() as contexts:
        sendgrid = lytics = list_id = None
        if choices.sendgrid_url is None:
            sendgrid = contexts.enter_context(SendGridTwin(sendgrid_options, recorder=recorder))
            if isinstance(wanted := choices.start.get("list"), str):
                list_id = sendgrid.add_list(wanted)
        if choices.lytics_url is None:
            lytics = contexts.enter_context(LyticsTwin(time_scale=WAIT_SCALE))
            show_step(f"adding {choices.people:,} made-up people to Lytics")
            # The audience ids of `events/lytics`, so that these files can be posted to the webhook.
            for audience in NEWSLETTER.audiences:
                lytics.add_audience(audience.name, slug=audience.slug, audience_id=audience.id)
            lytics.populate(choices.people, 3, seed=1)
        show_step("building the application (sam build)")
        template = build_application()
        show_step("starting the local cloud")
        cloud = contexts.enter_context(LocalCloud(wait_scale=WAIT_SCALE if choices.has_twins else 1.0))
        sign_in = contexts.enter_context(sign_in_of(cloud, STACK)) if choices.keep else None
        show_step("deploying the stack (CloudFormation)")
        deployment = deploy(
            cloud,
            template,
            STACK,
            sendgrid_url=sendgrid.url if sendgrid else str(choices.sendgrid_url),
            lytics_url=lytics.url if lytics else str(choices.lytics_url),
            delays=delays if choices.has_twins else DELAYS_OF_SERVERS,
            console=sign_in.parameters if sign_in else None,
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
            sign_in=sign_in,
        )
