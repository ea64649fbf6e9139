"""Every command of the README and docs that the local cloud can run, run there in the order of its page."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.documents import MANUAL, Command, code_blocks, commands, section, text
from tests.e2e.customer import Customer, Product, customer_of, sendgrid_key
from tests.e2e.docs_shell import Shell
from tests.newsletter import HIGH_VALUE

RUN: Final = (
    *("aws ", "curl ", "jq ", "make redrive ", "make rejected "),
    *("cat ", "export ", "output ", "output() ", "read ", "unset "),
    *("MACHINE=$(aws ", "MAPPING=$(aws ", "RUN=$(aws ", "SECRET=$(aws "),
)
"""How the commands begin that run on the local cloud, unless they are in `NOT_RUN`."""

NOT_RUN: Final = {
    "make demo": "test_demo.py runs it",
    "make test": "it runs this test",
    "make build": "the product fixture builds with the same `sam build`",
    "make bench": "takes minutes; tests/unit/test_bench.py tests it",
    "git pull": "needs the repository's remote",
    ".venv-sam/bin/sam deploy": "needs an AWS account",
    ".venv-sam/bin/sam delete": "needs an AWS account",
    "aws logs tail": "exists in AWS CLI v2 only; the test runs v1",
    "aws dynamodb update-table": "prepares the deletion of a table of the shared stack",
    "aws dynamodb delete-table": "deletes a table of the shared stack",
    "python -m tests.local.sendgrid_twin": "runs until Ctrl-C; tests/contract test the twin",
    "python -m tests.local.lytics_twin": "runs until Ctrl-C; tests/contract test the twin",
}
"""How the commands begin that do not run here, and why."""

PERSON: Final = "ada.abara@example.com"
REFUSED_INPUT: Final = {
    "export": "newsletter",
    "audiences": ["high_value_user"],
    "custom_fields": {"hourly": "hourly"},
    "list": "VIPs",
}
"""The input of the refused dry run that docs/deploy.md shows."""


def runnable(*documents: str) -> list[Command]:
    return [
        command
        for document in documents
        for command in commands(document)
        if not command.text.startswith(tuple(NOT_RUN))
    ]


@pytest.fixture(scope="module")
def customer(product: Product) -> Iterator[Customer]:
    """Return a customer with people, whose keys nobody has put into the default secret yet."""
    with customer_of(product) as made:
        made.lytics.populate(40, 3, seed=9)
        made.lytics.add_profile({"email": PERSON, "city": "Graz"}, [HIGH_VALUE])
        yield made
    product.deployment.purge()


@pytest.fixture(scope="module")
def guided(customer: Customer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Follow the deployment guide, post an event, and return what each command printed."""
    shell = Shell(customer.product.deployment, tmp_path_factory.mktemp("guide"))
    shell.stdin = "\n".join(keys(customer)) + "\n"
    printed = shell.run(runnable("docs/deploy.md", "docs/exports.md", "docs/delivery.md"))
    customer.product.wait_until_idle()
    return printed


def keys(customer: Customer) -> tuple[str, str]:
    return sendgrid_key(customer.name), customer.lytics.token


def test_every_command_is_run_or_has_a_reason_not_to() -> None:
    for document in MANUAL:
        for command in commands(document):
            known = command.text.startswith((*RUN, *NOT_RUN))
            assert known, f"{document}: add this command to RUN or NOT_RUN: {command.text}"


def test_every_reason_belongs_to_a_command() -> None:
    texts = [command.text for document in MANUAL for command in commands(document)]
    assert [start for start in (*RUN, *NOT_RUN) if not any(text.startswith(start) for text in texts)] == []


def test_readme_starts_an_export(customer: Customer, tmp_path: Path) -> None:
    sendgrid, lytics = keys(customer)
    shell = Shell(customer.product.deployment, tmp_path)
    shell.variables = {"SENDGRID_API_KEY": sendgrid, "LYTICS_API_TOKEN": lytics}
    (smallest,) = code_blocks(section("README.md", "The smallest input"), "json")
    (shell.folder / "input.json").write_text(smallest)
    *_, started = shell.run(runnable("README.md")).values()
    assert customer.end(json.loads(started)["executionArn"]).status == "SUCCEEDED"


def test_deployment_guide_ends_with_a_report(customer: Customer, guided: dict[str, str]) -> None:
    def of(start: str) -> str:
        (found,) = [output for command, output in guided.items() if command.startswith(start)]
        return found

    assert of("output() ").strip() == customer.product.deployment.outputs["StateMachineArn"]
    assert of('aws stepfunctions describe-execution --execution-arn "$RUN" --query \'[').startswith(
        "SUCCEEDED"
    )
    plan, report = (
        json.loads(output) for command, output in guided.items() if "--query output --output text" in command
    )
    assert {audience["name"] for audience in report["audiences"]} == {
        "High value users",
        "Newsletter readers",
    }
    assert report["live"]
    assert plan["people"]
    assert of("curl ").split()[-1] == "200"


@pytest.mark.usefixtures("guided")
def test_operators_commands_answer(customer: Customer, tmp_path: Path) -> None:
    refused = customer.start(REFUSED_INPUT)
    assert customer.end(refused).status == "FAILED"
    shell = Shell(customer.product.deployment, tmp_path)
    printed = shell.run(runnable("docs/operate.md", "docs/costs.md", "docs/development.md"))

    (inspected,) = [output for command, output in printed.items() if command.startswith("aws lambda invoke")]
    answer, _ = json.JSONDecoder().raw_decode(inspected)
    (example, *_) = code_blocks(text("docs/operate.md"), "json")
    assert answer["answer"] == json.loads(example)["answer"]
    assert answer.keys() == json.loads(example).keys()

    (cause,) = [output for command, output in printed.items() if "[error, cause]" in command]
    (shown,) = re.findall(
        r"^FAILED  (\w+)  (.*?)^```", text("docs/deploy.md"), flags=re.MULTILINE | re.DOTALL
    )
    assert cause.strip().split("\t", 1) == [shown[0], shown[1].strip()]
