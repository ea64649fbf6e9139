"""Every command of the README and docs that the local cloud can run, run there in the order of its page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.documents import MANUAL, Command, code_blocks, commands, section, text
from tests.e2e.customer import Customer, Product, customer_of, sendgrid_key
from tests.e2e.docs_shell import Shell
from tests.newsletter import EXAMPLE_PERSON, HIGH_VALUE

RUN: Final = (
    *(
        "aws ",
        "curl ",
        "echo ",
        "make env-vars ",
        "make inspect ",
        "make redrive",
        "make rejected",
        "make run ",
        "make sign-out-everybody",
        "python3 -c ",
    ),
    *("cat ", "export ", "output ", "output() ", "read ", "unset "),
    *("MAPPING=$(aws ", "RUN=$(aws ", "SECRET=$(aws ", "STATUS=RUNNING; while ", '[ "$RUN" = None ] || aws '),
)
"""How the commands begin that run on the local cloud, unless they are in `NOT_RUN`."""

NOT_RUN: Final = {
    "make demo": "test_demo.py runs it",
    "make console": "runs until Ctrl-C; test_demo.py runs it",
    "POOL=$(aws ": "the shared stack has no user pool; test_console_sign_in.py deploys one",
    "aws cognito-idp ": "the shared stack has no user pool; test_console_sign_in.py deploys one",
    "jq -nc '{client_secret": "the shared stack's client has no secret; test_sign_in.py has one",
    "aws apigateway create-": "needs a domain and its certificate",
    "make test": "it runs this test",
    "make build": "the product fixture builds with the same `sam build`",
    "make erase": "test_erase.py runs it; here it would erase the person of other examples",
    "make bench": "takes minutes; tests/unit/test_bench.py tests it",
    "git pull && make build && .venv-sam/bin/sam deploy": "needs the remote and an AWS account",
    "make build && .venv-sam/bin/sam deploy": "the product fixture runs the same `sam build`",
    ".venv-sam/bin/sam local invoke": "needs Docker; test_run.py compares its file with the template",
    ".venv-sam/bin/sam deploy": "needs an AWS account",
    ".venv-sam/bin/sam delete": "needs an AWS account",
    "aws lambda invoke": "resyncs the exports of all tests; test_watch.py invokes the function",
    "aws dynamodb update-table": "prepares the deletion of a table of the shared stack",
    "aws dynamodb delete-table": "deletes a table of the shared stack",
    "python -m tests.local.sendgrid_twin": "runs until Ctrl-C; tests/contract test the twin",
    "python -m tests.local.lytics_twin": "runs until Ctrl-C; tests/contract test the twin",
}
"""How the commands begin that do not run here, and why."""

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
        made.lytics.add_profile({"email": EXAMPLE_PERSON, "city": "Graz"}, [HIGH_VALUE])
        yield made


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
    *_, planned, reported = shell.run(runnable("README.md")).values()
    assert "Dry run: nothing was changed." in planned
    assert "SUCCEEDED  The export is live." in reported


def test_deployment_guide_ends_with_a_report(customer: Customer, guided: dict[str, str]) -> None:
    def of(start: str) -> str:
        (found,) = [output for command, output in guided.items() if f"{command}\n".startswith(start)]
        return found

    assert of("output() ").strip() == customer.product.deployment.outputs["StateMachineArn"]
    plan, report = of("make run INPUT=input.json DRY=1"), of("make run INPUT=input.json\n")
    assert "Dry run: nothing was changed." in plan
    assert "people: " in plan
    assert "SUCCEEDED  The export is live." in report
    names = {"High value users", "Newsletter readers"}
    assert all(f"    name: {name}\n" in report or f"  - name: {name}\n" in report for name in names)
    ended = of('aws stepfunctions describe-execution --execution-arn "$RUN" --query \'[')
    assert ended.startswith("SUCCEEDED\tNone\tNone\t{")
    assert of("curl ").split()[-1] == "200"


def keys_of(outline: str) -> list[str]:
    """Return the keys of the first level."""
    return re.findall(r"^(\w+):", outline, flags=re.MULTILINE)


@pytest.mark.usefixtures("guided")
def test_operators_commands_answer(customer: Customer, tmp_path: Path) -> None:
    refused = customer.start(REFUSED_INPUT)
    assert customer.end(refused).status == "FAILED"
    shell = Shell(customer.product.deployment, tmp_path)
    printed = shell.run(runnable("docs/operate.md", "docs/costs.md", "docs/development.md"))

    (inspected,) = [output for command, output in printed.items() if command.startswith("make inspect")]
    (example,) = re.findall(
        r"^make inspect .*?^```\n\n```\n(.*?)^```", text("docs/operate.md"), re.DOTALL | re.M
    )
    assert inspected.splitlines()[0] == example.splitlines()[0]
    assert keys_of(inspected) == keys_of(example)

    (cause,) = [output for command, output in printed.items() if "[error, cause]" in command]
    (shown,) = re.findall(
        r"^FAILED  (\w+)  (.*?)^```", text("docs/deploy.md"), flags=re.MULTILINE | re.DOTALL
    )
    assert cause.strip().split("\t", 1) == [shown[0], shown[1].strip()]
