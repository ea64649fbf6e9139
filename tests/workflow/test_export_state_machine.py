"""The state machine, run by the local cloud with scripted tasks."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lytics_sendgrid import errors
from tests.local.cloud import LocalCloud
from tests.local.polling import poll

TEMPLATE = Path(__file__).parent / "scripted_tasks" / "template.yaml"
SETTLED: dict[str, Any] = {"settled": True, "wait_s": 2, "elsewhere": False, "round": 1}
UNSETTLED = SETTLED | {"settled": False}
RUNNING: dict[str, Any] = {"running": True}
CLEARED: dict[str, Any] = {"done": True, "finish": False}

type Step = dict[str, Any]


class Machine:
    """The deployed state machine."""

    def __init__(self, cloud: LocalCloud, arn: str) -> None:
        self._machines = cloud.client("stepfunctions")
        self._arn = arn

    def start(self, run: str, execution_input: Any) -> Any:
        """Run an execution to its end and return its description."""
        started = self._machines.start_execution(
            stateMachineArn=self._arn, name=run, input=json.dumps(execution_input)
        )
        return self.ended(started["executionArn"])

    def ended(self, arn: str) -> Any:
        """Wait for an execution's end and return its description."""

        def ended() -> Any:
            execution = self._machines.describe_execution(executionArn=arn)
            return None if execution["status"] == "RUNNING" else execution

        return poll(ended, "the end of the execution", timeout_s=60)

    def states(self, arn: str) -> list[str]:
        """Return the states that an execution has entered, in order, without those inside Backfill."""
        events = self._machines.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in events
            if "stateEnteredEventDetails" in event
        ]

    def run(
        self,
        audiences: Sequence[Sequence[Step]] = ([{"done": True}],),
        *,
        backfill: bool = True,
        dry_run: bool = False,
        state: Mapping[str, Any] | None = None,
        **script: list[Step],
    ) -> Any:
        """Run an export with scripted tasks.

        Args:
            audiences: the scripts of their backfills.
            backfill: scan the audiences.
            dry_run: end after the plan.
            state: more keys of the state.
            script: what each task answers, call by call.
        """
        scripted = {"activate": [RUNNING], "clear": [CLEARED], "settle": [SETTLED], **script}
        document = {
            "export": "newsletter",
            "authorization": "default",
            "backfill": backfill,
            "dry_run": dry_run,
            "scans": [
                {"id": str(n), "script": {"backfill": list(steps)}} for n, steps in enumerate(audiences)
            ],
            "scans_at_once": 2,
            "script": scripted,
            **(state or {}),
        }
        return self.start(f"run-{uuid.uuid4().hex}", document)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with LocalCloud(wait_scale=0.005) as cloud:
        yield Machine(cloud, cloud.deploy(TEMPLATE, "workflow")["MachineArn"])


def reported(execution: Any) -> dict[str, Any]:
    """Return the state that ``report`` received."""
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    state: dict[str, Any] = json.loads(execution["output"])["state"]
    return state


def test_run_passes_every_task_once_and_ends_with_the_report(machine: Machine) -> None:
    execution = machine.run([[{"done": True}]] * 4, report=[{"people": 3}])
    state = reported(execution)
    assert json.loads(execution["output"])["people"] == 3
    assert [state[task]["calls"] for task in ("provision", "activation", "settle")] == [1, 1, 1]
    assert [
        name for name in machine.states(execution["executionArn"]) if not name.startswith(("Is", "Has", "By"))
    ] == [
        "Plan",
        "Provision",
        "Activate",
        "Clear",
        "Backfill",
        "Settle",
        "Report",
        "Reported",
    ]


def test_resync_provisions_and_activates_nothing(machine: Machine) -> None:
    for dry_run in (False, True):
        execution = machine.run(state={"action": "resync"}, dry_run=dry_run, sweep=[{"done": True}])
        assert not {"provision", "activation"} & reported(execution).keys()
        entered = machine.states(execution["executionArn"])
        assert {"Backfill", "Settle", "Report"} <= set(entered)


def test_stop_scans_nothing_and_its_dry_run_ends_with_the_plan(machine: Machine) -> None:
    execution = machine.run(state={"action": "stop"}, backfill=False)
    assert not {"provision", "activation"} & reported(execution).keys()
    assert "Backfill" not in machine.states(execution["executionArn"])
    planned = machine.run(state={"action": "stop"}, dry_run=True)
    assert machine.states(planned["executionArn"])[-1] == "Planned"


def test_skipped_run_ends_with_the_reason(machine: Machine) -> None:
    execution = machine.run(plan=[{"skipped": "another run is under way"}])
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["skipped"] == "another run is under way"
    assert machine.states(execution["executionArn"])[-1] == "Skipped"


def test_run_is_the_executions_name(machine: Machine) -> None:
    execution = machine.run()
    assert reported(execution)["run"] == execution["name"]


def test_dry_run_ends_with_the_plan(machine: Machine) -> None:
    execution = machine.run(dry_run=True, plan=[{"plan": {"people": 3}}])
    assert json.loads(execution["output"])["plan"] == {"people": 3}
    assert machine.states(execution["executionArn"])[-1] == "Planned"


def test_refusal_fails_at_once_with_its_name_and_message(machine: Machine) -> None:
    message = 'The export cannot start. 2 faults:\n- "list": no such list\n- Ümläute "quoted" \\ too'
    execution = machine.run(plan=[{"error": "ExportRefused", "message": message}, {}])
    assert (execution["status"], execution["error"]) == ("FAILED", "ExportRefused")
    assert execution["cause"] == message


@pytest.mark.parametrize("task", ["provision", "activate", "clear", "settle", "report"])
def test_failed_task_ends_the_run_with_its_message(machine: Machine, task: str) -> None:
    script: dict[str, Any] = {task: [{"error": "KeyRefused", "message": f"what to do about {task}"}]}
    execution = machine.run(**script)
    assert (execution["error"], execution["cause"]) == ("KeyRefused", f"what to do about {task}")


@pytest.mark.parametrize("task", ["deactivate", "finish"])
def test_failed_task_of_a_stop_ends_the_run_with_its_message(machine: Machine, task: str) -> None:
    script: dict[str, Any] = {task: [{"error": "KeyRefused", "message": f"what to do about {task}"}]}
    script |= {"clear": [{"done": True, "finish": True}]}
    execution = machine.run(backfill=False, state={"action": "stop"}, **script)
    assert (execution["error"], execution["cause"]) == ("KeyRefused", f"what to do about {task}")


def test_failed_scan_ends_the_run_with_its_message(machine: Machine) -> None:
    stuck: list[Step] = [{"done": False}, {"error": "ScanStuck", "message": "start the export again"}]
    execution = machine.run([[{"done": True}], stuck])
    assert (execution["status"], execution["error"]) == ("FAILED", "ScanStuck")
    assert execution["cause"] == "start the export again"


def test_run_with_an_audience_in_trouble_fails_after_its_report(machine: Machine) -> None:
    execution = machine.run(report=[{"failure": "1 audience is in trouble: …"}])
    assert (execution["status"], execution["error"]) == ("FAILED", "AudiencesInTrouble")
    assert execution["cause"] == "1 audience is in trouble: …"
    assert machine.states(execution["executionArn"])[-2:] == ["HasTrouble", "AudiencesInTrouble"]


@pytest.mark.parametrize(
    "error",
    [
        "RetryLater",
        *(error.__name__ for error in errors.RetryLater.__subclasses__()),
        "Lambda.TooManyRequestsException",
        "Runtime.ImportModuleError",
    ],
)
def test_temporary_error_is_retried(machine: Machine, error: str) -> None:
    script = [{"error": error, "message": "busy"}, {"error": error, "message": "busy"}, {}]
    assert reported(machine.run(provision=script))["provision"]["calls"] == 3


def test_crashed_function_is_retried(machine: Machine) -> None:
    # Its counter dies with it, so every retry crashes and the run fails.
    execution = machine.run(provision=[{"crash": True}])
    assert (execution["status"], execution["error"]) == ("FAILED", "Runtime.ExitError")
    assert "exit status 3" in execution["cause"]


def test_activation_is_repeated_until_the_job_runs(machine: Machine) -> None:
    script: list[Step] = [{"running": False, "waited": 1}, {"running": False, "waited": 2}, RUNNING]
    assert reported(machine.run(activate=script))["activation"]["calls"] == 3


def test_scan_is_repeated_until_it_is_done(machine: Machine) -> None:
    execution = machine.run([[{"done": False}] * 3 + [{"done": True}], [{"done": True}]])
    assert "progress" not in reported(execution)


def test_run_without_backfill_scans_nothing(machine: Machine) -> None:
    execution = machine.run(backfill=False)
    assert reported(execution)["settle"]["calls"] == 1
    assert "Backfill" not in machine.states(execution["executionArn"])


def test_clearing_is_repeated_waits_and_is_finished_after_settling(machine: Machine) -> None:
    script: list[Step] = [{"done": False, "wait_s": 400}, {"done": False}, {"done": True, "finish": True}]
    execution = machine.run(clear=script, finish=[{"cleared": 1}])
    state, states = reported(execution), machine.states(execution["executionArn"])
    assert (state["clearing"]["calls"], state["finished"]["cleared"]) == (3, 1)
    assert [name for name in states if "lear" in name or name in {"Backfill", "Settle", "Finish"}] == [
        "Clear",
        "IsCleared",
        "WaitToClear",
        "Clear",
        "IsCleared",
        "Clear",
        "IsCleared",
        "Backfill",
        "Settle",
        "HasCleared",
        "Finish",
    ]


def test_stop_deactivates_and_clears_and_scans_nothing(machine: Machine) -> None:
    execution = machine.run(backfill=False, state={"action": "stop"}, clear=[{"done": True, "finish": True}])
    tasks = [
        name for name in machine.states(execution["executionArn"]) if not name.startswith(("Is", "Has", "By"))
    ]
    assert tasks == ["Plan", "Deactivate", "Clear", "Settle", "Finish", "Report", "Reported"]
    assert reported(execution)["deactivation"]["calls"] == 1


@pytest.mark.parametrize("action", ["start", "stop"])
def test_dry_run_of_a_start_or_a_stop_ends_with_the_plan(machine: Machine, action: str) -> None:
    execution = machine.run(dry_run=True, state={"action": action})
    assert machine.states(execution["executionArn"])[-1] == "Planned"


def test_settle_is_repeated_until_it_is_done(machine: Machine) -> None:
    assert reported(machine.run(settle=[UNSETTLED] * 4 + [SETTLED]))["settle"]["calls"] == 5


def test_long_run_continues_in_a_new_execution_with_its_state(machine: Machine) -> None:
    first = machine.run(
        settle=[UNSETTLED, UNSETTLED | {"elsewhere": True, "round": 1000}, UNSETTLED, SETTLED]
    )
    second = machine.ended(json.loads(first["output"])["goes_on_in"])
    state = reported(second)
    assert (first["status"], state["run"], state["settle"]["calls"]) == ("SUCCEEDED", first["name"], 4)
    assert machine.states(second["executionArn"])[:3] == ["IsResumed", "Resume", "Settle"]
    assert len(second["name"]) <= 80


@pytest.mark.parametrize(
    "document", [[], "high_value_users", 7, {"resumed": True}, {"resumed": True, "state": 1}]
)
def test_malformed_input_reaches_plan(machine: Machine, document: Any) -> None:
    execution = machine.start(f"run-{uuid.uuid4().hex}", document)
    assert machine.states(execution["executionArn"])[:2] == ["IsResumed", "Plan"]
    assert execution["status"] == "FAILED"


RESYNC: dict[str, Any] = {"action": "resync"}
SWEPT: dict[str, Any] = {"done": True}


def test_start_is_not_swept(machine: Machine) -> None:
    assert "sweep" not in reported(machine.run(state={"action": "start", "again": False}))


@pytest.mark.parametrize("state", [RESYNC, {"action": "start", "again": True}])
def test_resync_and_second_start_are_swept(machine: Machine, state: dict[str, Any]) -> None:
    assert reported(machine.run(state=state, sweep=[SWEPT]))["sweep"]["calls"] == 1


def test_sweep_is_repeated_and_waits_until_it_is_done(machine: Machine) -> None:
    script: list[Step] = [
        {"done": False},
        {"done": False, "wait_s": 400},
        {"done": False, "wait_s": 0},
        SWEPT,
    ]
    execution = machine.run(state=RESYNC, sweep=script)
    assert reported(execution)["sweep"]["calls"] == 4
    assert machine.states(execution["executionArn"]).count("WaitToSweep") == 1


def test_sweep_has_its_audiences_scanned_a_second_time(machine: Machine) -> None:
    scans = [{"id": f"again-{n}", "script": {"backfill": [{"done": False}, SWEPT]}} for n in range(2)]
    script: list[Step] = [{"done": False, "second_scan": scans}, SWEPT | {"second_scan": []}]
    execution = machine.run(state=RESYNC, sweep=script)
    states = machine.states(execution["executionArn"])
    assert reported(execution)["sweep"]["calls"] == 2
    assert [name for name in states if name in {"Sweep", "SecondScan"}] == ["Sweep", "SecondScan", "Sweep"]


def test_failed_sweep_and_failed_second_scan_end_the_run(machine: Machine) -> None:
    failing: list[Step] = [{"error": "KeyRefused", "message": "enter the token again"}]
    execution = machine.run(state=RESYNC, sweep=failing)
    assert (execution["error"], execution["cause"]) == ("KeyRefused", "enter the token again")
    scan = {"id": "again", "script": {"backfill": failing}}
    execution = machine.run(state=RESYNC, sweep=[{"done": False, "second_scan": [scan]}])
    assert (execution["error"], execution["cause"]) == ("KeyRefused", "enter the token again")


def test_resync_is_audited_only_on_request(machine: Machine) -> None:
    execution = machine.run(state=RESYNC | {"options": {"audit": False}}, sweep=[SWEPT])
    assert "audit" not in reported(execution)
    script: list[Step] = [{"done": False}, {"done": False, "wait_s": 30}, SWEPT]
    execution = machine.run(state=RESYNC | {"options": {"audit": True}}, sweep=[SWEPT], audit=script)
    assert reported(execution)["audit"]["calls"] == 3
    assert machine.states(execution["executionArn"]).count("WaitToAudit") == 1
