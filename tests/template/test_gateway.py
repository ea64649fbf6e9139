"""API Gateway's own responses lose no event."""

import json
from typing import Any

from tests.template.sources import Template

# The response types whose status Lytics never retries (400, 404, 413), and the default type of other 4XX
# responses. https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
LOSES_EVENTS = {
    "BAD_REQUEST_BODY",
    "BAD_REQUEST_PARAMETERS",
    "RESOURCE_NOT_FOUND",
    "REQUEST_TOO_LARGE",
    "DEFAULT_4XX",
}
NEVER_RETRIED = {400, 404, 413}


def _api(template: Template) -> dict[str, Any]:
    properties: dict[str, Any] = template.resources["WebhookApi"]["Properties"]
    return properties


def test_every_answer_of_the_gateway_is_retried_by_lytics(template: Template) -> None:
    responses = _api(template)["GatewayResponses"]
    assert responses.keys() >= LOSES_EVENTS
    assert all(response["StatusCode"] not in NEVER_RETRIED for response in responses.values())


def test_answers_that_lost_events_become_503_without_retry_after(template: Template) -> None:
    responses = _api(template)["GatewayResponses"]
    assert all(responses[kind] == {"StatusCode": 503} for kind in LOSES_EVENTS)


def test_every_answer_that_became_503_is_counted_for_the_alarm(template: Template) -> None:
    pattern = template.resources["GatewayAnswers"]["Properties"]["FilterPattern"]
    became_503 = {
        k for k, response in _api(template)["GatewayResponses"].items() if response["StatusCode"] == 503
    }
    assert all(f'($.gatewayAnswer = "{kind}")' in pattern for kind in became_503)
    assert pattern.count("$.gatewayAnswer") == len(became_503)


def test_gateway_validates_no_request(template: Template) -> None:
    (webhook,) = template.functions["IngestFunction"]["Events"].values()
    assert webhook["Properties"] == {
        "RestApiId": {"Ref": "WebhookApi"},
        "Method": "POST",
        "Path": "/lytics/{export}",
        "Auth": {"InvokeRole": "NONE"},
    }
    assert {"Auth", "Models", "DefinitionBody", "DefinitionUri", "MethodSettings"}.isdisjoint(_api(template))


def test_access_log_is_json_without_headers_or_bodies(template: Template) -> None:
    setting = _api(template)["AccessLogSetting"]
    line = json.loads(setting["Format"])
    assert setting["DestinationArn"] == {"Fn::GetAtt": ["ApiLogs", "Arn"]}
    assert line["requestId"] == "$context.requestId"
    assert line["gatewayAnswer"] == "$context.error.responseType"
    assert all(value.startswith("$context.") for value in line.values())
    assert not any(
        word in value for value in line.values() for word in ("header", "body", "identity", "requestOverride")
    )
