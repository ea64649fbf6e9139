"""The template and the state machine, parsed for the tests in this folder."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
WHOLE_NUMBER = re.compile(r"(?:Empty, or a|A) whole number from (\d+) to (\d+)\.")
"""The constraint of a parameter for whole numbers. CloudFormation's type Number takes decimals, too."""

type Resource = dict[str, Any]
type Statement = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short form as the long form: `!Ref Name` as `{"Ref": "Name"}`."""


def _long_form(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in {"Ref", "Condition"} else f"Fn::{tag}"
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    value = loader.construct_scalar(node)  # type: ignore[arg-type]
    return {name: value.split(".", 1) if tag == "GetAtt" else value}


_Loader.add_multi_constructor("!", _long_form)


class Template:
    """template.yaml as SAM reads it."""

    def __init__(self) -> None:
        text = (REPOSITORY / "template.yaml").read_text()
        document: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506 - derived from SafeLoader
        self.parameters: dict[str, dict[str, Any]] = document["Parameters"]
        self.globals: dict[str, Any] = document["Globals"]
        self.resources: dict[str, Resource] = document["Resources"]
        self.outputs: dict[str, dict[str, Any]] = document["Outputs"]

    def of_type(self, *types: str) -> dict[str, Resource]:
        """Return the resources of any of the types, by logical id."""
        return {name: resource for name, resource in self.resources.items() if resource["Type"] in types}

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The functions' properties by logical id."""
        found = self.of_type("AWS::Serverless::Function")
        return {name: resource["Properties"] for name, resource in found.items()}

    @property
    def queues(self) -> dict[str, dict[str, Any]]:
        """The queues' properties by logical id."""
        return {name: resource["Properties"] for name, resource in self.of_type("AWS::SQS::Queue").items()}

    @property
    def tasks(self) -> dict[str, str]:
        """Logical ids of the functions that the state machine invokes, by their names in its definition."""
        filled_in = self.resources["ExportStateMachine"]["Properties"]["DefinitionSubstitutions"]
        return {name: value["Fn::GetAtt"][0] for name, value in filled_in.items() if "Fn::GetAtt" in value}

    def environment(self, function: str) -> dict[str, Any]:
        """Return a function's own environment variables, without the global ones."""
        variables: dict[str, Any] = self.functions[function]["Environment"]["Variables"]
        return variables

    def statements(self, function: str) -> list[Statement]:
        """Return the policy statements of a function's role."""
        role = self.resources[self.functions[function]["Role"]["Fn::GetAtt"][0]]["Properties"]
        return [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]

    def allows(self, function: str, action: str, resource: str) -> bool:
        """Return whether a function's role allows an action on a resource of the template."""
        target = {"Fn::GetAtt": [resource, "Arn"]}
        return any(action in s["Action"] and s["Resource"] == target for s in self.statements(function))

    def source_queue(self, function: str) -> str | None:
        """Return the logical id of the queue that feeds a function, if any."""
        return next((event["Queue"]["Fn::GetAtt"][0] for event in self.queue_events(function)), None)

    def queue_events(self, function: str) -> list[dict[str, Any]]:
        """Return the properties of a function's SQS events."""
        events = self.functions[function].get("Events", {}).values()
        return [event["Properties"] for event in events if event["Type"] == "SQS"]

    def bounds(self, parameter: str) -> tuple[int, int] | None:
        """Return the least and the greatest value of a parameter; None if it is not a bounded number."""
        properties = self.parameters[parameter]
        if "MinValue" in properties:
            return int(properties["MinValue"]), int(properties["MaxValue"])
        named = WHOLE_NUMBER.fullmatch(properties.get("ConstraintDescription", ""))
        return (int(named[1]), int(named[2])) if named else None

    def greatest(self, value: Any) -> int:
        """Return a number of the template; for a parameter, its maximum."""
        if not isinstance(value, dict):
            return int(value)
        bounds = self.bounds(value["Ref"])
        assert bounds, value
        return bounds[1]


class StateMachine:
    """functions/export.asl.json.

    Its scopes: the machine itself, each Map's states, each Parallel's branch.
    """

    def __init__(self) -> None:
        self.text = (REPOSITORY / "functions" / "export.asl.json").read_text()
        self.definition: dict[str, Any] = json.loads(self.text)

    def scopes(self) -> Iterator[dict[str, Any]]:
        """Yield every scope."""
        waiting = [self.definition]
        while waiting:
            scope = waiting.pop()
            yield scope
            for state in scope["States"].values():
                waiting += [state[key] for key in ("ItemProcessor", "Iterator") if key in state]
                waiting += state.get("Branches", [])

    def states(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each state of every scope, with its name."""
        for scope in self.scopes():
            yield from scope["States"].items()

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """The states of type Task, by name."""
        return {name: state for name, state in self.states() if state["Type"] == "Task"}

    def substitutions(self) -> set[str]:
        """Return the names of the `${…}` substitutions."""
        return set(re.findall(r"\$\{(\w+)\}", self.text))


def targets(state: dict[str, Any]) -> set[str]:
    """Return the names of the states that can follow a state."""
    branches = [state, *state.get("Choices", []), *state.get("Catch", [])]
    found = {branch["Next"] for branch in branches if "Next" in branch}
    return found | ({state["Default"]} if "Default" in state else set())


def reachable(scope: dict[str, Any], start: str) -> set[str]:
    """Return the states of a scope that are reachable from one state, including that state."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += targets(scope["States"][name])
    return found


def ends(state: dict[str, Any]) -> bool:
    """Return whether a state can be the last one."""
    return state.get("End") is True or state["Type"] in {"Succeed", "Fail"}
