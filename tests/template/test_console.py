"""The console's resources: behind one condition, without a circle, and shut to strangers."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from functions.console.aws.monitoring import ALARMS, MAX_ALARMS
from functions.console.signin.roles import lists_from
from tests.template.sources import Template

CONDITIONS = {"HasConsole", "HasCognito", "HasOidc", "InvitesConsoleUser"}
FUNCTION = "function:${AWS::StackName}-console/invocations"


def _api(template: Template) -> dict[str, Any]:
    properties: dict[str, Any] = template.resources["ConsoleApi"]["Properties"]
    return properties


def _references(value: Any) -> Iterator[str]:
    """Yield the logical ids that a value refers to."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "Ref":
                yield inner
            elif name == "Fn::GetAtt":
                yield inner[0]
            elif name == "Fn::Sub":
                text = inner[0] if isinstance(inner, list) else inner
                yield from re.findall(r"\$\{(\w+)(?:\.\w+)?\}", text)
            if name != "Ref":
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_without_sign_in_the_stack_has_nothing_of_the_console(template: Template) -> None:
    assert template.parameters["ConsoleSignIn"]["Default"] == "none"
    conditional = {
        name for name, resource in template.resources.items() if resource.get("Condition") in CONDITIONS
    }
    named = {name for name in template.resources if name.startswith(("Console", "Catalogue"))}
    assert conditional == named
    assert len(named) > 15
    outputs = {name for name, output in template.outputs.items() if output.get("Condition") == "HasConsole"}
    assert outputs == {name for name in template.outputs if name.startswith("Console")}


def test_rest_of_the_stack_refers_to_nothing_of_the_console(template: Template) -> None:
    named = {name for name in template.resources if name.startswith(("Console", "Catalogue"))}
    for name, resource in template.resources.items():
        if name not in named and name != "KmsKeyPolicy":
            assert not named & set(_references(resource)), name


def test_api_names_the_function_by_text_so_there_is_no_circle(template: Template) -> None:
    body = _api(template)["DefinitionBody"]
    refers = set(_references(body))
    assert "ConsoleFunction" not in refers
    assert "ConsoleUserPoolClient" not in refers
    permission = template.resources["ConsoleInvocation"]["Properties"]
    assert permission["FunctionName"] == {"Ref": "ConsoleFunction"}
    assert permission["SourceArn"]["Fn::Sub"].endswith("${ConsoleApi}/console/*")
    assert template.functions["ConsoleFunction"]["FunctionName"] == {"Fn::Sub": "${AWS::StackName}-console"}


def test_api_lists_get_and_post_of_every_path_and_nothing_else(template: Template) -> None:
    paths = _api(template)["DefinitionBody"]["paths"]
    assert paths.keys() == {"/", "/{proxy+}"}
    for methods in paths.values():
        assert methods.keys() == {"get", "post"}
        for method in methods.values():
            integration = method["x-amazon-apigateway-integration"]
            assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST")
            assert integration["uri"]["Fn::Sub"].endswith(FUNCTION)


def test_strangers_cost_little(template: Template) -> None:
    (setting,) = _api(template)["MethodSettings"]
    assert (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == (50, 200)


def test_log_of_the_gateway_has_no_query_and_no_header(template: Template) -> None:
    """The query of the provider's answer has the code."""
    line = json.loads(_api(template)["AccessLogSetting"]["Format"])
    assert line["path"] == "$context.path"
    assert line.pop("sourceIp") == "$context.identity.sourceIp"
    assert not any(
        word in value for value in line.values() for word in ("query", "header", "body", "identity")
    )


def test_answers_of_the_gateway_are_short_pages_in_words(template: Template) -> None:
    answers = _api(template)["GatewayResponses"]
    assert answers.keys() == {
        *("THROTTLED", "REQUEST_TOO_LARGE", "INTEGRATION_TIMEOUT", "DEFAULT_4XX", "DEFAULT_5XX")
    }
    for answer in answers.values():
        html, json_too = (
            answer["ResponseTemplates"]["text/html"],
            answer["ResponseTemplates"]["application/json"],
        )
        assert html == json_too
        assert re.search(r'<html lang="en">.*<main><h1>[^<]+</h1><p>[^<]+</p></main></html>$', html)
        headers = answer["ResponseParameters"]["Headers"]
        assert headers["Content-Type"] == "'text/html; charset=utf-8'"
        assert headers["Cache-Control"] == "'no-store'"


def test_function_answers_before_the_gateway_gives_up(template: Template) -> None:
    assert template.functions["ConsoleFunction"]["Timeout"] < 29


def test_user_pool_lets_nobody_sign_up(template: Template) -> None:
    pool = template.resources["ConsoleUserPool"]["Properties"]
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])
    changes = pool["UserAttributeUpdateSettings"]["AttributesRequireVerificationBeforeUpdate"]
    assert changes == ["email"]


def test_client_of_the_user_pool_is_public_and_narrow(template: Template) -> None:
    client = template.resources["ConsoleUserPoolClient"]["Properties"]
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["AllowedOAuthScopes"] == ["openid", "email"]
    base = template.environment("ConsoleFunction")["CONSOLE_BASE_URL"]
    assert client["CallbackURLs"] == [{"Fn::Sub": ["${Url}/sign-in/answer", {"Url": base}]}]
    assert client["LogoutURLs"] == [{"Fn::Sub": ["${Url}/signed-out", {"Url": base}]}]
    assert template.outputs["ConsoleUrl"]["Value"] == base


def test_domain_of_the_user_pool_comes_from_the_stacks_id(template: Template) -> None:
    domain = template.resources["ConsoleUserPoolDomain"]["Properties"]
    assert domain["Domain"] == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    assert domain["ManagedLoginVersion"] == 1


def test_invited_user_has_a_verified_address_and_is_an_operator(template: Template) -> None:
    user = template.resources["ConsoleUserPoolUser"]
    assert user["Condition"] == "InvitesConsoleUser"
    attributes = {a["Name"]: a["Value"] for a in user["Properties"]["UserAttributes"]}
    assert attributes == {"email": {"Ref": "ConsoleUser"}, "email_verified": "true"}
    operators = template.environment("ConsoleFunction")["CONSOLE_OPERATORS"]
    assert operators == {"Fn::Join": [",", [{"Ref": "ConsoleOperators"}, {"Ref": "ConsoleUser"}]]}


def test_client_secret_lies_where_no_other_function_reads(template: Template) -> None:
    name = template.resources["ConsoleSecret"]["Properties"]["Name"]["Fn::Sub"]
    assert name == "${AWS::StackName}-console"
    credentials = template.environment("ConsoleFunction")["CONSOLE_CLIENT_CREDENTIALS"]
    assert credentials == {"Fn::If": ["HasOidc", {"Fn::Sub": name}, "none"]}


def test_health_asks_for_every_alarm_of_the_stack(template: Template) -> None:
    names = {
        resource["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for resource in template.resources.values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert names == set(ALARMS)
    assert len(ALARMS) == len(names) <= MAX_ALARMS


@pytest.mark.parametrize(
    ("text", "operators", "viewers"),
    [
        ("olga@example.com", True, True),
        ("olga@example.com,group:Marketing Ops, group:0f3c", True, True),
        ("@example.com", False, True),
        ("olga@example.com,@example.com", False, True),
        ("group:", False, False),
        ("olga", False, False),
        ("olga@example.com,", False, False),
        ("a@b@c", False, False),
        ("a b@example.com", False, False),
    ],
)
def test_lists_take_what_the_code_understands(
    template: Template, text: str, *, operators: bool, viewers: bool
) -> None:
    for name, is_taken in (("ConsoleOperators", operators), ("ConsoleViewers", viewers)):
        assert bool(re.fullmatch(template.parameters[name]["AllowedPattern"], text)) is is_taken, name
    if viewers:
        lists = lists_from("", text)
        assert lists.viewers.addresses | lists.viewers.domains | lists.viewers.groups


@pytest.mark.parametrize(
    ("issuer", "is_taken"),
    [
        ("", True),
        ("https://login.microsoftonline.com/0f3c/v2.0", True),
        ("https://example.eu.auth0.com/", True),
        ("http://127.0.0.1:9000", True),
        ("http://login.example.com", False),
        ("https://login.example.com?x=1", False),
        ("https://login.example.com#x", False),
        ("https://user@login.example.com", False),
        ("login.example.com", False),
    ],
)
def test_issuer_is_https_or_on_this_machine(template: Template, issuer: str, *, is_taken: bool) -> None:
    pattern = template.parameters["ConsoleIssuer"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, issuer)) is is_taken
