"""REST APIs: fix differences between ministack's API Gateway and AWS.

- A function that fails or does not return a proxy response causes a 502 `Internal server error` without
details.
- A body that is too large for the function's 6 MB event is refused with `REQUEST_TOO_LARGE` (413).
- The id of a CloudFormation stack's API is known before the deployment.
- Gateway responses and binary media types of an imported OpenAPI document (which SAM creates) apply.
"""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.local.runtime_server import MAX_PAYLOAD_BYTES

type Handler = Callable[..., Awaitable[Any]]


def replace(api_gateway: Any, provisioners: Any) -> None:
    """Replace functions of ministack's `apigateway_v1` and CloudFormation's `provisioners`."""
    provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]["create"] = _creating(
        api_gateway, provisioners._apigw_rest_api_create
    )
    api_gateway._lambda_proxy_response = proxy_response
    api_gateway._import_rest_api = _importing(api_gateway)
    api_gateway._invoke_lambda_proxy_v1 = _limiting(api_gateway, api_gateway._invoke_lambda_proxy_v1)


def proxy_response(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    """Return an invocation's proxy response, or None and the message of the 502.

    Source:
        <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>
    (output format; read 2026-11-23).
    """
    refused = None, "Internal server error"
    response = result.get("body")
    if result.get("error") or result.get("throttle") or not isinstance(response, dict):
        return refused
    if not str(response.get("statusCode", "")).isdigit():
        return refused
    if not isinstance(response.get("body"), str | None):
        return refused
    if not all(isinstance(response.get(name), dict | None) for name in ("headers", "multiValueHeaders")):
        return refused
    return {**response, "statusCode": int(response["statusCode"]), "body": response.get("body") or ""}, None


def rest_api_id(stack_name: str, logical_id: str) -> str:
    """Return the id of a stack's REST API, derived from the names of the stack and the resource."""
    return hashlib.sha256(f"{stack_name}/{logical_id}".encode()).hexdigest()[:10]


def _creating(api_gateway: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        # ministack takes an API's id from this tag.
        tag = {"Key": "ms-custom-id", "Value": rest_api_id(stack_name, logical_id)}
        if tag["Value"] not in api_gateway._rest_apis:
            props = {**props, "Tags": [*props.get("Tags", []), tag]}
        return original(logical_id, props, stack_name)

    return create


def _importing(api_gateway: Any) -> Callable[..., str]:
    original = api_gateway._import_rest_api

    def import_rest_api(spec: dict[str, Any], base_data: dict[str, Any] | None = None) -> str:
        api_id: str = original(spec, base_data)
        for response_type, response in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
            status, _, body = api_gateway._put_gateway_response(api_id, response_type, response)
            if status >= 400:
                raise ValueError(f"gateway response {response_type}: {body!r}")
        media_types = spec.get("x-amazon-apigateway-binary-media-types")
        if media_types:
            api_gateway._rest_apis[api_id]["binaryMediaTypes"] = list(media_types)
        return api_id

    return import_rest_api


def _limiting(api_gateway: Any, original: Handler) -> Handler:
    async def invoke(*arguments: Any, **options: Any) -> Any:
        body: bytes = arguments[8] or b""
        # The event contains the body as a JSON string. The rest of the event is small compared with the
        # limit.
        as_event = (
            base64.b64encode(body)
            if options.get("binary_media_types")
            else json.dumps(body.decode(errors="replace"), ensure_ascii=False).encode()
        )
        if len(as_event) > MAX_PAYLOAD_BYTES:
            return api_gateway._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
        return await original(*arguments, **options)

    return invoke
