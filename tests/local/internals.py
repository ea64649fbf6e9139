"""The internals of ministack that we replace or call, and a check that they exist.

ministack may change them at any time. The check makes an incompatible upgrade fail at start-up, not in a
test.
"""

import inspect
from collections.abc import Mapping
from typing import Any

VERSION = "1.5.33"

# Module -> function -> signature in the format of `inspect.signature`.
FUNCTIONS = {
    "ministack.services.lambda_svc": {
        # Replaced.
        "_poll_loop": "()",
        "_execute_function_warm": "(func: dict, event: dict, request_id: str) -> dict",
        # Called.
        "_apply_filter_criteria": "(records: list[dict], esm: dict) -> list[dict]",
        "_dispatch_esm_batch": "(esm_id: str, fn, *args) -> None",
        "_execute_function": "(func: dict, event: dict) -> dict",
        "_get_func_record_for_qualifier": (
            "(name: str, qualifier: str | None) -> tuple[dict | None, dict | None]"
        ),
        "_iter_all_esms": "()",
        "_resolve_layer_zip": "(attachment: str | dict) -> bytes | None",
        "_sqs_esm_concurrency": "(esm: dict, func_rec: dict, config: dict, queue: dict | None = None) -> int",
        "_sqs_message_attributes_to_camel_case": "(attrs: dict) -> dict",
        "_sqs_queue_name_from_arn_spec": "(spec) -> str | None",
        "_xray_trace_id_for_invocation": (
            "(config: dict, inbound_trace_header: str | None = None) -> str | None"
        ),
    },
    "ministack.services.sqs": {
        # Replaced.
        "_act_send_message": "(data: dict, qurl: str) -> dict",
        # Called.
        "_Err": "(code: str, message: str, status: int = 400)",
        "_collect_msgs": "(q: dict, max_n: int, vis_timeout: int) -> list",
        "_delete_messages_for_esm": "(queue_url: str, receipt_handles: set[str]) -> None",
        "_dlq_sweep": "(q: dict) -> None",
        "_ensure_msg_fields": "(m: dict) -> None",
        "_expire_retained": "(q: dict) -> None",
        "_queue_url": "(name: str) -> str",
    },
    "ministack.services.apigateway_v1": {
        # Replaced.
        "_import_rest_api": "(spec, base_data=None)",
        "_invoke_lambda_proxy_v1": (
            "(integration, api_id, stage_name, stage, resource, request_path, method, headers, body, "
            "query_params, path_params, *, owner_account_id=None, owner_region=None, "
            "binary_media_types=None, "
            "authorizer_context=None, caller_identity=None)"
        ),
        "_lambda_proxy_response": "(result)",
        # Called.
        "_gw_error": "(response_type, message)",
        "_put_gateway_response": "(api_id, response_type, data)",
    },
    "ministack.services.stepfunctions": {
        # Replaced.
        "_call_lambda": "(func_ref, event)",
        "_evaluate_rule": "(rule, data, ctx=None)",
        "_resolve_params_obj": "(template, data, ctx=None)",
        "_run_map_items": "(state_def, raw_input, execution, ctx)",
        # Called.
        "_ExecutionError": "(error, cause)",
        "_parse_intrinsic_call": "(s, pos)",
        "_parse_jsonpath_tokens": "(path)",
        "_resolve_path_or_ctx": "(path, data, ctx)",
    },
    "ministack.services.cloudformation.provisioners": {
        # Replaced, in the table of handlers.
        "_apigw_rest_api_create": "(logical_id, props, stack_name)",
    },
}
VARIABLES = {
    "ministack.services.lambda_svc": ("_esm_inflight", "_esm_wake", "_request_account_id", "_request_region"),
    "ministack.services.sqs": ("_HANDLERS", "_queues", "_queues_lock"),
    "ministack.services.apigateway_v1": ("_rest_apis",),
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS",),
}


class ChangedInternals(RuntimeError):
    """The installed ministack differs from the one that this package was written for."""


def verify(installed: str, modules: Mapping[str, Any]) -> None:
    """Check the version, the functions' signatures and the variables.

    Args:
        installed: The version of ministack.
        modules: The imported modules by name, at least those of `FUNCTIONS`.

    Raises:
        ChangedInternals: ministack differs. Names every difference.
    """
    faults = []
    if installed != VERSION:
        faults.append(f"version {installed} is installed, {VERSION} is expected")
    for module, functions in FUNCTIONS.items():
        for name, expected in functions.items():
            function = getattr(modules[module], name, None)
            if function is None:
                faults.append(f"{module}.{name} is gone")
            elif (actual := str(inspect.signature(function))) != expected:
                faults.append(f"{module}.{name}: expected {expected}, actual {actual}")
    for module, variables in VARIABLES.items():
        faults += [f"{module}.{name} is gone" for name in variables if not hasattr(modules[module], name)]
    if faults:
        raise ChangedInternals("ministack is not as expected:\n  " + "\n  ".join(faults))
