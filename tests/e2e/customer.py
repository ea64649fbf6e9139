"""A customer of the deployed product: a SendGrid account, a Lytics account, and their authorization."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import requests

from lytics_sendgrid.domain.contact import Contact
from tests.contract.openapi import OpenApi, Watch
from tests.e2e.switchboards import Switchboards
from tests.local.build import REPOSITORY
from tests.local.demo.audit import Audit, audit, expectation, ledger
from tests.local.demo.watch import Ended, ended, states_entered
from tests.local.deployment import Deployment
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.polling import poll
from tests.local.sendgrid_twin.options import DEFAULT_KEYS, Capability, Options
from tests.local.sendgrid_twin.twin import SendGridTwin
from tests.local.sign_in import SignIn
from tests.newsletter import NEWSLETTER

START_EXPORT: Final = REPOSITORY / "events" / "states" / "start-export.json"
PUT_CONTACTS: Final = "PUT /v3/marketing/contacts"
QUICK: Final = Options(
    job_delay_s=0.1, job_jitter_s=0.3, job_report_lag_s=0.1, field_delay_s=0.3, segment_validation_s=0.1
)
LYTICS_TIME_SCALE: Final = 0.05
_RUN_S: Final = 60.0
_EQUAL_S: Final = 40.0
_names = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Product:
    """The deployed product, the two URLs that serve all accounts, and the console's sign-in."""

    deployment: Deployment
    switchboards: Switchboards
    openapi: OpenApi | None
    sign_in: SignIn

    def wait_until_idle(self) -> None:
        """Wait until no change or import is queued or in flight."""
        poll(lambda: self.deployment.queued() == 0, "empty queues", timeout_s=_EQUAL_S, interval_s=0.1)

    def invoke(self, output: str, question: object) -> tuple[str | None, Any]:
        """Invoke a function. Returns the kind of its error, if any, and its answer."""
        answer = self.deployment.cloud.client("lambda").invoke(
            FunctionName=self.deployment.outputs[output], Payload=json.dumps(question)
        )
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    def rejects(self) -> list[dict[str, Any]]:
        """Receive and delete all messages of the rejects queue."""
        return self.take("RejectsQueueUrl")

    def take(self, output: str) -> list[dict[str, Any]]:
        """Receive and delete all messages of a queue, named by its stack output."""
        sqs, url = self.deployment.cloud.client("sqs"), self.deployment.outputs[output]
        bodies: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    @contextmanager
    def time_limit(self, function: str, seconds: int) -> Iterator[None]:
        """Change the timeout of a function, named by its verb."""
        functions, name = self.deployment.cloud.client("lambda"), f"{self.deployment.stack}-{function}"
        before = functions.get_function_configuration(FunctionName=name)["Timeout"]
        functions.update_function_configuration(FunctionName=name, Timeout=seconds)
        try:
            yield
        finally:
            functions.update_function_configuration(FunctionName=name, Timeout=before)

    @contextmanager
    def variable(self, function: str, name: str, value: Callable[[str], str]) -> Iterator[None]:
        """Change an environment variable of a function, named by its verb."""
        functions, full_name = self.deployment.cloud.client("lambda"), f"{self.deployment.stack}-{function}"
        before = functions.get_function_configuration(FunctionName=full_name)["Environment"]["Variables"]
        changed = before | {name: value(before[name])}
        functions.update_function_configuration(FunctionName=full_name, Environment={"Variables": changed})
        try:
            yield
        finally:
            functions.update_function_configuration(FunctionName=full_name, Environment={"Variables": before})

    @contextmanager
    def paused(self, function: str) -> Iterator[None]:
        """Pause a function's event source, so that messages accumulate."""
        functions, name = self.deployment.cloud.client("lambda"), f"{self.deployment.stack}-{function}"
        mapping = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"][0]["UUID"]
        functions.update_event_source_mapping(UUID=mapping, Enabled=False)
        try:
            yield
        finally:
            functions.update_event_source_mapping(UUID=mapping, Enabled=True)

    def logged(self, function: str, event: str) -> list[dict[str, Any]]:
        """Return the log lines of one event of a function, named by its verb."""
        lines = self.deployment.cloud.function_log(f"{self.deployment.stack}-{function}").splitlines()
        documents = [json.loads(line) for line in lines if line.startswith("{")]
        return [document for document in documents if document.get("message") == event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer. Customers share nothing but the deployment.

    Attributes:
        name: The name of its authorization, and so of its account in the contacts table.
        product: The deployment.
        sendgrid: The SendGrid account.
        lytics: The Lytics account.
        webhook_secret: The secret that Lytics sends to the webhook.
        watch: Checks all requests to SendGrid against the OpenAPI files; None without these files.
    """

    name: str
    product: Product
    sendgrid: SendGridTwin
    lytics: LyticsTwin
    webhook_secret: str
    watch: Watch | None
    _runs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def input(self, **changes: Any) -> dict[str, Any]:
        """Return the input `start-export.json` for this customer, with changes."""
        start: dict[str, Any] = json.loads(START_EXPORT.read_text())
        return start | {"export": self.name, "authorization": self.name} | changes

    def put_secret(self, **changes: Any) -> None:
        """Write both secrets of the authorization."""
        values: dict[str, Any] = {
            "sendgrid_api_key": sendgrid_key(self.name),
            "lytics_api_token": self.lytics.token,
            "webhook_secrets": [self.webhook_secret],
        }
        self.product.deployment.put_secret(self.name, **values | changes)

    def start(self, start: object) -> str:
        """Start an execution. Returns its ARN."""
        return self.product.deployment.start(f"{self.name}-{next(self._runs)}", start)

    def end(self, execution: str) -> Ended:
        """Wait for the end of an execution."""
        client = self.product.deployment.cloud.client("stepfunctions")
        return poll(lambda: ended(client, execution), "the end of the execution", _RUN_S, interval_s=0.1)

    def run(self, start: object) -> Ended:
        """Start an execution and wait for its end."""
        return self.end(self.start(start))

    def succeed(self, start: object) -> dict[str, Any]:
        """Run an execution that must succeed. Returns its output."""
        finished = self.run(start)
        assert finished.status == "SUCCEEDED", finished.error
        return finished.output

    def states(self, execution: str) -> list[str]:
        """Return the names of the states that an execution has entered."""
        return states_entered(self.product.deployment.cloud.client("stepfunctions"), execution)

    def post(
        self, body: bytes | str, *, secret: str | None = None, export: str | None = None
    ) -> requests.Response:
        """Post to the webhook as Lytics does. An empty secret sends no header."""
        secret = self.webhook_secret if secret is None else secret
        return requests.post(
            self.product.deployment.webhook(export or self.name),
            data=body.encode() if isinstance(body, str) else body,
            headers={"Content-Type": "application/json"} | ({"X-Lytics-Secret": secret} if secret else {}),
            timeout=60,
        )

    def contact(self, email: str) -> dict[str, Any] | None:
        """Return a contact of SendGrid; None if it does not exist."""
        return next((contact for contact in self.sendgrid.contacts() if contact["email"] == email), None)

    def audit(self, start: Mapping[str, Any], list_id: str | None = None) -> Audit:
        """Compare Lytics, the contacts table and SendGrid, person by person."""
        expected = expectation(start, self.lytics, list_id)
        return audit(expected, self.lytics, self.ledger(), self.sendgrid)

    def ledger(self) -> dict[str, Contact]:
        """Return the customer's contacts in the contacts table, by e-mail."""
        deployment = self.product.deployment
        return ledger(deployment.cloud, deployment.outputs["ContactsTable"], self.name)

    def wait_until_equal(self, start: Mapping[str, Any], list_id: str | None = None) -> None:
        """Wait until SendGrid and the contacts table match Lytics."""
        audits: list[Audit] = []

        def is_equal() -> bool:
            audits[:] = [self.audit(start, list_id)]
            return audits[0].ok

        try:
            poll(is_equal, "SendGrid to match Lytics", _EQUAL_S, interval_s=0.2)
        except TimeoutError:
            raise AssertionError("\n".join(audits[0].differences[:20])) from None

    def delete_field(self, name: str) -> None:
        """Delete a custom field and its values in SendGrid, as a user could."""
        listed = self._request("GET", "field_definitions").json()["custom_fields"]
        (field_id,) = [field["id"] for field in listed if field["name"] == name]
        self._request("DELETE", f"field_definitions/{field_id}")

    def delete_list(self, list_id: str) -> None:
        """Delete a list in SendGrid, as a user could. The contacts stay."""
        self._request("DELETE", f"lists/{list_id}")

    def delete_segment(self, name: str) -> None:
        """Delete a segment in SendGrid, as a user could."""
        self._request("DELETE", f"segments/2.0/{self._segment_id(name)}")

    def change_segment(self, name: str, changes: Mapping[str, str]) -> None:
        """Change a segment's name or query in SendGrid, as a user could."""
        self._request("PATCH", f"segments/2.0/{self._segment_id(name)}", changes)

    def _segment_id(self, name: str) -> str:
        listed = self._request("GET", "segments/2.0").json()["results"]
        (segment_id,) = [segment["id"] for segment in listed if segment["name"] == name]
        return str(segment_id)

    def rename_list(self, list_id: str, name: str) -> None:
        """Rename a list in SendGrid, as a user could."""
        self._request("PATCH", f"lists/{list_id}", {"name": name})

    def delete_contact(self, email: str) -> None:
        """Delete a contact in SendGrid, as a user could."""
        contact = self.contact(email)
        assert contact is not None
        self._request("DELETE", f"contacts?ids={contact['id']}")

    def overwrite(self, email: str, field: str, value: str) -> None:
        """Set a contact's custom field in SendGrid, as a user or another product could."""
        listed = self._request("GET", "field_definitions").json()["custom_fields"]
        (field_id,) = [known["id"] for known in listed if known["name"] == field]
        row = {"email": email, "custom_fields": {field_id: value}}
        self._request("PUT", "contacts", {"contacts": [row]})

    def _request(self, method: str, path: str, body: object = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {sendgrid_key(self.name)}"}
        url = f"{self.sendgrid.url}/v3/marketing/{path}"
        answer = requests.request(method, url, headers=headers, json=body, timeout=10)
        assert answer.ok, answer.text
        return answer

    def writes(self) -> dict[str, int]:
        """Count the write requests to SendGrid."""
        return {
            endpoint: count
            for endpoint, count in self.sendgrid.requests().items()
            if not endpoint.startswith("GET ") and "/search" not in endpoint
        }

    def subscriptions(self) -> dict[str, int]:
        """Count the write requests to Lytics."""
        return {name: n for name, n in self.lytics.requests().items() if not name.startswith("GET ")}


def sendgrid_key(customer: str, capability: Capability = Capability.FULL) -> str:
    """Return a customer's SendGrid key."""
    return f"SG.{customer}.{capability.value}"


@contextmanager
def customer_of(product: Product, options: Options = QUICK) -> Iterator[Customer]:
    """Create a customer with an account on each side and the three audiences of `events/`, without people.

    The queues are purged after it. With OpenAPI files, all its requests to SendGrid must conform to them.
    """
    name = f"customer-{next(_names)}"
    watch = None if product.openapi is None else Watch(product.openapi)
    keys = {sendgrid_key(name, capability): capability for capability in DEFAULT_KEYS.values()}
    with (
        SendGridTwin(options, keys=keys, recorder=watch) as sendgrid,
        LyticsTwin(token=f"lytics-{name}", time_scale=LYTICS_TIME_SCALE) as lytics,
    ):
        # The twins stay registered after the test: late requests must not reach another customer's account.
        product.switchboards.sendgrid |= dict.fromkeys(keys, sendgrid)
        product.switchboards.lytics[lytics.token] = lytics
        for audience in NEWSLETTER.audiences:
            lytics.add_audience(audience.name, slug=audience.slug, audience_id=audience.id)
        customer = Customer(
            name=name,
            product=product,
            sendgrid=sendgrid,
            lytics=lytics,
            webhook_secret=f"secret-of-{name}",
            watch=watch,
        )
        customer.put_secret()
        yield customer
    product.deployment.purge()
    assert watch is None or watch.problems == []
