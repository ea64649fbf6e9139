"""`make run` and `make env-vars` on the local cloud; a run can be stopped and started again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.customer import Customer
from tests.local.build import REPOSITORY
from tests.local.operator import environment_of
from tests.local.polling import poll
from tests.template.sources import Template


def operate(customer: Customer, command: str, **variables: str) -> tuple[int, str]:
    """Run an operator's command. Returns its exit status and what it printed."""
    finished = subprocess.run(
        [sys.executable, "-m", f"functions.operate.{command}"],
        cwd=REPOSITORY,
        env=environment_of(customer.product.deployment) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return finished.returncode, finished.stdout


def write_input(folder: Path, document: dict[str, Any]) -> str:
    file = folder / "input.json"
    file.write_text(json.dumps(document))
    return str(file)


def test_run_shows_progress_and_report_and_can_be_followed_again(customer: Customer, tmp_path: Path) -> None:
    customer.lytics.populate(30, 3, seed=3)
    report = tmp_path / "report.json"
    status, printed = operate(
        customer, "run", INPUT=write_input(tmp_path, customer.input(list=None)), REPORT=str(report)
    )
    assert status == 0, printed
    for text in (
        "  plan: ",
        "  backfill: ",
        "  settle: ",
        "  report: ",
        "The export is live",
    ):
        assert text in printed, printed
    execution, *lines = printed.splitlines()
    assert json.loads(report.read_text())["live"]
    status, again = operate(customer, "run", FOLLOW=execution)
    assert status == 0
    states = [line.partition("Z  ")[2] for line in lines if "Z  " in line and "settle" not in line]
    assert all(line in again for line in states)


def test_failed_run_prints_its_cause_and_exits_with_1(customer: Customer, tmp_path: Path) -> None:
    start = customer.input(audiences=["high_value_user"])
    status, printed = operate(customer, "run", INPUT=write_input(tmp_path, start), DRY="1")
    assert status == 1
    assert "\nFAILED  ExportRefused\nThe export cannot start, and nothing was changed." in printed
    assert "did you mean 'high_value_users'?" in printed


def test_run_of_an_unknown_stack_is_one_sentence(customer: Customer, tmp_path: Path) -> None:
    file = write_input(tmp_path, customer.input())
    status, printed = operate(customer, "run", INPUT=file, STACK="unknown")
    assert (status, printed.count("\n")) == (1, 1)
    assert printed.startswith("STACK=unknown: this account has no such stack in this region.")


def test_inspect_of_an_unknown_export_is_one_sentence(customer: Customer) -> None:
    status, printed = operate(customer, "inspect", EXPORT="unknown", EMAIL="ada.lukasik.1@example.com")
    assert (status, printed.count("\n")) == (1, 1)
    assert printed.startswith('"export" names no export that was started')


def test_second_run_is_refused_and_a_stopped_one_is_finished_by_the_next(customer: Customer) -> None:
    start = customer.input(list=None)
    customer.lytics.populate(300, 3, seed=4)
    client = customer.product.deployment.cloud.client("stepfunctions")
    with customer.product.paused("deliver"):
        execution = customer.start(start)
        poll(lambda: "WaitToSettle" in customer.states(execution), "settle", 60, interval_s=0.1)
        refused = customer.run(start)
        assert refused.status == "FAILED"
        assert f"'{execution.rpartition(':')[2]}'" in refused.error
        assert f"stop-execution --execution-arn {execution})" in refused.error
        client.stop_execution(executionArn=execution)
        assert customer.end(execution).status == "ABORTED"
    report = customer.succeed(start)
    assert all(audience["complete"] for audience in report["audiences"])
    assert report["created"]["fields"] == []
    customer.wait_until_equal(start)


def test_file_for_sam_local_invoke_has_the_templates_variables(customer: Customer, tmp_path: Path) -> None:
    file = tmp_path / "env.json"
    status, printed = operate(customer, "env_vars", FILE=str(file))
    template = Template()
    assert (status, printed) == (
        0,
        f"wrote the variables of {len(template.functions)} functions to {file}\n",
    )
    written = json.loads(file.read_text())
    shared = template.globals["Function"]["Environment"]["Variables"]
    assert {name: variables.keys() for name, variables in written.items()} == {
        name: shared.keys() | template.environment(name).keys() for name in template.functions
    }
    assert written["InspectFunction"]["EXPORTS_TABLE"] == customer.product.deployment.outputs["ExportsTable"]
    assert written["InspectFunction"]["SECRET_PREFIX"] == customer.product.deployment.stack
