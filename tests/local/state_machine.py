"""Step Functions: fail where AWS fails and ministack's interpreter does not.

- A path without a value in `Parameters`, `ResultSelector` or `ItemSelector` fails the state
  (`States.ParameterPathFailure`). It is not null.
- A Choice rule's variable without a value fails the state (`States.Runtime`), except in `IsPresent`. Null is
a value.
- A Map's `MaxConcurrencyPath` is read.
- A function's answer of more than 256 KB fails its task (`States.DataLimitExceeded`).

Sources: <https://states-language.net/spec.html> and
<https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html> (read 2026-11-23).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

_MAX_STATE_BYTES = 256 * 1024


def replace(step_functions: Any) -> None:
    """Replace functions of ministack's `stepfunctions`."""
    step_functions._resolve_params_obj = _parameters(step_functions, step_functions._resolve_params_obj)
    step_functions._evaluate_rule = _rule(step_functions, step_functions._evaluate_rule)
    step_functions._call_lambda = _task(step_functions, step_functions._call_lambda)
    step_functions._run_map_items = _map(step_functions, step_functions._run_map_items)


def _parameters(step_functions: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve(template: Any, data: Any, ctx: Any = None) -> Any:
        # The original calls this again for each nested object, so this checks one level only.
        for key, value in template.items() if isinstance(template, dict) else ():
            if not (key.endswith(".$") and isinstance(value, str)):
                continue
            for path in _paths(step_functions, value):
                if not _leads_somewhere(step_functions, path, data, ctx):
                    raise step_functions._ExecutionError(
                        "States.ParameterPathFailure",
                        f"The JSONPath '{path}' specified for the field '{key}' could not be found "
                        "in the input",
                    )
        return original(template, data, ctx)

    return resolve


def _rule(step_functions: Any, original: Callable[..., bool]) -> Callable[..., bool]:
    def evaluate(rule: dict[str, Any], data: Any, ctx: Any = None) -> bool:
        variable = rule.get("Variable")
        if variable is not None:
            present = _leads_somewhere(step_functions, variable, data, ctx)
            if "IsPresent" in rule:
                return bool(present == rule["IsPresent"])
            if not present:
                raise step_functions._ExecutionError(
                    "States.Runtime",
                    f"Invalid path '{variable}': The choice state's condition path references "
                    "an invalid value.",
                )
        return original(rule, data, ctx)

    return evaluate


def _task(step_functions: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    def call(func_ref: str, event: Any) -> Any:
        answer = original(func_ref, event)
        if len(json.dumps(answer, ensure_ascii=False).encode()) > _MAX_STATE_BYTES:
            raise step_functions._ExecutionError(
                "States.DataLimitExceeded", f"{func_ref} returned more than {_MAX_STATE_BYTES} bytes"
            )
        return answer

    return call


def _map(step_functions: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    def run(state_def: dict[str, Any], raw_input: Any, execution: Any, ctx: Any) -> Any:
        path = state_def.get("MaxConcurrencyPath")
        if path is not None:
            most = step_functions._resolve_path_or_ctx(path, raw_input, ctx)
            if not isinstance(most, int) or most < 0:
                raise step_functions._ExecutionError("States.Runtime", f"'{path}' is not a whole number")
            state_def = {**state_def, "MaxConcurrency": most}
        return original(state_def, raw_input, execution, ctx)

    return run


def _paths(step_functions: Any, expression: str) -> Iterator[str]:
    if not expression.startswith("States."):
        yield expression
        return
    nodes = [step_functions._parse_intrinsic_call(expression, 0)[0]]
    while nodes:
        kind, *content = nodes.pop()
        if kind == "call":
            nodes += content[1]
        elif kind == "path":
            yield content[0]


def _leads_somewhere(step_functions: Any, path: str, data: Any, ctx: Any) -> bool:
    if path.startswith("$$"):
        if ctx is None:  # ministack does not pass it to this place
            return True
        path, data = path[1:], ctx
    for kind, value in step_functions._parse_jsonpath_tokens(path) or []:
        if kind == "wildcard":  # any number of values, even none
            return True
        known = isinstance(data, dict) and value in data
        if kind == "index":
            known = isinstance(data, list) and value < len(data)
        if not known:
            return False
        data = data[value]
    return True
