"""The state machine's definition is consistent. Neither `sam validate` nor cfn-lint checks this."""

from typing import Any

from functions.settle.settling import MAX_WAIT_S, ROUNDS_PER_EXECUTION
from lytics_sendgrid import errors
from lytics_sendgrid.domain.execution import GOES_ON_IN
from tests.template.sources import REPOSITORY, StateMachine, Template, ends, reachable, targets

# Errors of Step Functions and Lambda themselves: https://docs.aws.amazon.com/step-functions/latest/dg/
# concepts-error-handling.html. Every other name must be one of our classes.
RESERVED_PREFIXES = ("States.", "Lambda.", "StepFunctions.", "Sandbox.", "Runtime.")


def _error_names(state: dict[str, Any]) -> set[str]:
    handlers = [*state.get("Retry", []), *state.get("Catch", [])]
    return {name for handler in handlers for name in handler["ErrorEquals"]}


def _function(task: dict[str, Any], template: Template) -> dict[str, Any] | None:
    named = (
        task.get("Parameters", {}).get("FunctionName", task["Resource"]).removeprefix("${").removesuffix("}")
    )
    return template.functions[template.tasks[named]] if named in template.tasks else None


def test_no_two_states_share_a_name(machine: StateMachine) -> None:
    names = [name for name, _ in machine.states()]
    assert len(names) == len(set(names))


def test_every_named_state_exists(machine: StateMachine) -> None:
    for scope in machine.scopes():
        assert scope["StartAt"] in scope["States"]
        for name, state in scope["States"].items():
            assert targets(state) <= scope["States"].keys(), name


def test_every_state_can_be_reached(machine: StateMachine) -> None:
    for scope in machine.scopes():
        assert reachable(scope, scope["StartAt"]) == scope["States"].keys()


def test_every_path_ends(machine: StateMachine) -> None:
    for scope in machine.scopes():
        for name, state in scope["States"].items():
            assert bool(targets(state)) or ends(state), f"{name} leads nowhere"
            assert not (state.get("End") and "Next" in state), f"{name} ends and goes on"
            assert any(ends(scope["States"][later]) for later in reachable(scope, name)), f"{name} never ends"


def test_every_choice_has_a_default(machine: StateMachine) -> None:
    choices = {name: state for name, state in machine.states() if state["Type"] == "Choice"}
    assert all("Default" in state for state in choices.values())


def test_every_task_has_a_timeout_retries_and_catches_everything(machine: StateMachine) -> None:
    assert machine.tasks
    for name, task in machine.tasks.items():
        assert "TimeoutSeconds" in task, name
        assert task.get("Retry"), name
        assert task.get("Catch"), name
        assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_task_times_out_later_than_its_function(machine: StateMachine, template: Template) -> None:
    for name, task in machine.tasks.items():
        function = _function(task, template)
        if function is not None:
            assert task["TimeoutSeconds"] >= function["Timeout"], name


def test_every_crash_of_a_function_is_retried(machine: StateMachine, template: Template) -> None:
    deaths = {
        "Sandbox.Timedout",
        "Runtime.ExitError",
        "Runtime.OutOfMemory",
        "Lambda.Unknown",
        "States.Timeout",
    }
    for name, task in machine.tasks.items():
        if _function(task, template) is not None:
            assert any(deaths <= set(retry["ErrorEquals"]) for retry in task["Retry"]), name


def test_failed_import_is_retried_for_longer_than_an_update_takes(
    machine: StateMachine, template: Template
) -> None:
    """CloudFormation changes a function's code and its layers in two calls: meanwhile they may not match."""
    for name, task in machine.tasks.items():
        if _function(task, template) is not None:
            (retry,) = (r for r in task["Retry"] if "Runtime.ImportModuleError" in r["ErrorEquals"])
            waits_s = [
                min(retry["IntervalSeconds"] * retry["BackoffRate"] ** n, retry["MaxDelaySeconds"])
                for n in range(retry["MaxAttempts"])
            ]
            # The jitter takes half of them on average.
            assert sum(waits_s) / 2 > 120, name


def test_new_execution_is_started_by_the_only_arn_that_is_allowed(machine: StateMachine) -> None:
    """The ARN in the context may be that of a version or an alias. The role has no permission for those."""
    (task,) = (task for task in machine.tasks.values() if "startExecution" in task["Resource"])
    assert task["Parameters"]["StateMachineArn"] == "${StateMachineArn}"
    assert "$$.StateMachine" not in machine.text


def test_output_of_a_continued_run_names_the_next_execution(machine: StateMachine) -> None:
    """`plan` follows a run through its executions by that key: the run's place stays taken."""
    state = machine.tasks["ContinueInNewExecution"]
    assert state["ResultSelector"] == {f"{GOES_ON_IN}.$": "$.ExecutionArn"}
    assert "ResultPath" not in state
    assert machine.definition["States"][state["Next"]]["Type"] == "Succeed"


def test_timeout_of_a_run_fits_10_million_people_and_can_fire(machine: StateMachine) -> None:
    """The longest backfill is one audience that Lytics cannot scan in parts: one request after another.

    A long settle continues in another execution.
    """
    pages, page_s = 10_000_000 // 100, 2.0
    scan_s = pages * page_s
    settle_s = ROUNDS_PER_EXECUTION * (MAX_WAIT_S + machine.tasks["Settle"]["TimeoutSeconds"])
    year_s = 365 * 86_400
    assert (scan_s + settle_s) * 1.5 < machine.definition["TimeoutSeconds"] < year_s / 12


def test_every_custom_error_name_is_a_class(machine: StateMachine) -> None:
    for name, state in machine.states():
        for error in _error_names(state):
            if not error.startswith(RESERVED_PREFIXES):
                raised = getattr(errors, error, None)
                assert isinstance(raised, type), f"{name} names the unknown error {error}"
                assert issubclass(raised, errors.LyticsSendGridError)


def test_errors_that_a_person_must_fix_are_not_retried(machine: StateMachine) -> None:
    stops = {
        c.__name__ for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.StopRun)
    }
    for name, task in machine.tasks.items():
        retried = {
            error
            for retry in task["Retry"]
            if retry.get("MaxAttempts", 3) > 0
            for error in retry["ErrorEquals"]
        }
        assert retried.isdisjoint(stops), name
        if "States.ALL" in retried:
            never = {
                e for retry in task["Retry"] if retry.get("MaxAttempts") == 0 for e in retry["ErrorEquals"]
            }
            assert stops <= never, name


def test_every_final_catch_ends_in_fail(machine: StateMachine) -> None:
    for scope in machine.scopes():
        for name, state in scope["States"].items():
            for catch in state.get("Catch", []):
                if catch["ErrorEquals"] == ["States.ALL"]:
                    lasts = [scope["States"][later] for later in reachable(scope, catch["Next"])]
                    kinds = {last["Type"] for last in lasts if ends(last)}
                    assert kinds == {"Fail"}, f"{name} catches an error and can still end well"


def test_every_fail_says_why(machine: StateMachine) -> None:
    fails = {name: state for name, state in machine.states() if state["Type"] == "Fail"}
    assert fails
    for name, state in fails.items():
        assert {"Cause", "CausePath"} & state.keys(), name
        assert {"Error", "ErrorPath"} & state.keys(), name


def test_template_fills_in_every_substitution_and_no_other(machine: StateMachine, template: Template) -> None:
    filled_in = template.resources["ExportStateMachine"]["Properties"]["DefinitionSubstitutions"]
    assert machine.substitutions() == filled_in.keys()
    name = template.resources["ExportStateMachine"]["Properties"]["Name"]["Fn::Sub"]
    own_arn = f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:{name}"
    others = {"Partition": {"Ref": "AWS::Partition"}, "StateMachineArn": {"Fn::Sub": own_arn}}
    assert filled_in == others | {
        f"{function}Arn": {"Fn::GetAtt": [function, "Arn"]} for function in template.tasks.values()
    }


def test_no_arn_names_a_partition_of_aws(machine: StateMachine) -> None:
    """ARNs in China and GovCloud start with another partition. Patterns in the template allow them."""
    template = (REPOSITORY / "template.yaml").read_text()
    assert "arn:aws:" not in machine.text + template


def test_every_state_uses_jsonpath(machine: StateMachine) -> None:
    languages = {state.get("QueryLanguage", "JSONPath") for _, state in machine.states()}
    assert languages == {"JSONPath"}
    assert machine.definition.get("QueryLanguage", "JSONPath") == "JSONPath"
