"""API Gateway's own responses lose no event."""

import json
from typing import Any

from functions.ingest.intake import RETRY_AFTER_S
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
# Types of answers that say that the gateway or the function behind it cannot take the event now. AWS gives no
# type for a throttled or crashed function: it answers 500 or 502, so the default of all 5XX is one of them.
TRY_LATER = {"THROTTLED", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "DEFAULT_5XX"}


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


def test_answers_of_a_busy_gateway_let_the_lytics_job_sleep(template: Template) -> None:
    responses = _api(template)["GatewayResponses"]
    sleep = {"Headers": {"Retry-After": f"'{RETRY_AFTER_S}'"}}
    for kind in TRY_LATER:
        assert responses[kind] == {"StatusCode": 503, "ResponseParameters": sleep}, kind
    assert {kind for kind, response in responses.items() if "ResponseParameters" in response} == TRY_LATER


def test_answers_to_strangers_are_neither_lost_nor_server_errors(template: Template) -> None:
    responses = _api(template)["GatewayResponses"]
    strangers = {kind for kind, response in responses.items() if response["StatusCode"] != 503}
    assert strangers == {"MISSING_AUTHENTICATION_TOKEN", "WAF_FILTERED"}
    assert all(responses[kind] == {"StatusCode": 403} for kind in strangers)


def test_every_answer_that_became_503_is_counted_for_the_alarm(template: Template) -> None:
    pattern = template.resources["GatewayAnswers"]["Properties"]["FilterPattern"]
    became_503 = {
        kind
        for kind, response in _api(template)["GatewayResponses"].items()
        if response == {"StatusCode": 503}
    }
    assert all(f'($.gatewayAnswer = "{kind}")' in pattern for kind in became_503)
    assert pattern.count("$.gatewayAnswer") == len(became_503)


def test_answers_that_lose_an_event_are_counted_under_any_name(template: Template) -> None:
    """A 413 that the gateway does not let itself override need not name a type.

    A 400 of ingest has a latency. The log has all values as texts, and "-" for one that is missing.
    """
    pattern = template.resources["GatewayAnswers"]["Properties"]["FilterPattern"]
    for lost in ('($.status = "413")', '($.status = "404")', '(($.status = "400") && ($.ingestMs = "-"))'):
        assert f"|| {lost}" in pattern
    assert len(pattern) <= 1024
    line = json.loads(_api(template)["AccessLogSetting"]["Format"])
    assert (line["status"], line["ingestMs"]) == ("$context.status", "$context.integrationLatency")


def test_gateway_validates_no_request(template: Template) -> None:
    (webhook,) = template.functions["IngestFunction"]["Events"].values()
    assert webhook["Properties"] == {
        "RestApiId": {"Ref": "WebhookApi"},
        "Method": "POST",
        "Path": "/lytics/{export}",
        "Auth": {"InvokeRole": "NONE"},
    }
    assert {"Auth", "Models", "DefinitionBody", "DefinitionUri"}.isdisjoint(_api(template))


def test_requests_are_throttled_by_parameters_and_nothing_else_is_set(template: Template) -> None:
    (setting,) = _api(template)["MethodSettings"]
    assert setting == {
        "ResourcePath": "/*",
        "HttpMethod": "*",
        "ThrottlingRateLimit": {"Ref": "WebhookRequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "WebhookRequestBurst"},
    }
    least, greatest = template.bounds("WebhookRequestsPerSecond") or (0, 0)
    assert (least, greatest) == (1, 10_000)  # at 0, the gateway would refuse everything


def test_firewall_is_associated_only_if_it_is_named(template: Template) -> None:
    association = template.resources["WebAclAssociation"]
    assert association["Condition"] == "HasWebAcl"
    assert association["Properties"]["WebACLArn"] == {"Ref": "WebAclArn"}
    assert template.parameters["WebAclArn"]["Default"] == ""


def test_concurrency_of_ingest_is_reserved_only_if_it_is_set(template: Template) -> None:
    reserved = template.functions["IngestFunction"]["ReservedConcurrentExecutions"]
    no_value = {"Ref": "AWS::NoValue"}
    assert reserved == {"Fn::If": ["ReservesIngest", {"Ref": "IngestReservedConcurrency"}, no_value]}
    assert template.parameters["IngestReservedConcurrency"]["Default"] == ""
    assert (template.bounds("IngestReservedConcurrency") or (0, 0))[0] == 1  # 0 would stop the function


def test_access_log_is_json_without_headers_or_bodies(template: Template) -> None:
    setting = _api(template)["AccessLogSetting"]
    line = json.loads(setting["Format"])
    assert setting["DestinationArn"] == {"Fn::GetAtt": ["ApiLogs", "Arn"]}
    assert line["requestId"] == "$context.requestId"
    assert line["gatewayAnswer"] == "$context.error.responseType"
    assert all(value.startswith("$context.") for value in line.values())
    # Who guesses secrets can only be found out by address. Nothing else of the sender is logged.
    assert line.pop("sourceIp") == "$context.identity.sourceIp"
    assert not any(
        word in value for value in line.values() for word in ("header", "body", "identity", "requestOverride")
    )


def test_access_log_has_the_status_that_ingest_itself_returned(template: Template) -> None:
    """`$context.integrationStatus` is the answer of Lambda, which is 200 for each invocation."""
    line = json.loads(_api(template)["AccessLogSetting"]["Format"])
    assert line["ingestStatus"] == "$context.integration.status"
