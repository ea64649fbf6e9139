"""Tables are protected against loss, and logs are deleted after their retention."""

from typing import Any

import pytest

from tests.template.sources import Template


def _tables(template: Template) -> dict[str, dict[str, Any]]:
    return template.of_type("AWS::DynamoDB::Table")


def test_tables_survive_mistakes(template: Template) -> None:
    assert _tables(template).keys() == {"ContactsTable", "ExportsTable"}
    for table in _tables(template).values():
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
        assert table["Properties"]["DeletionProtectionEnabled"] == {"Ref": "Protect"}
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    assert template.parameters["Protect"]["Default"] == "true"


@pytest.mark.parametrize(("table", "keys"), [("ContactsTable", ["pk"]), ("ExportsTable", ["pk", "sk"])])
def test_tables_have_the_keys_that_the_code_uses(template: Template, table: str, keys: list[str]) -> None:
    properties = _tables(template)[table]["Properties"]
    assert [key["AttributeName"] for key in properties["KeySchema"]] == keys
    assert {attribute["AttributeType"] for attribute in properties["AttributeDefinitions"]} == {"S"}


def test_contacts_never_expire(template: Template) -> None:
    assert "TimeToLiveSpecification" not in _tables(template)["ContactsTable"]["Properties"]


def test_functions_state_machine_and_api_each_have_a_log_group(template: Template) -> None:
    used = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in template.functions.values()]
    machine = template.resources["ExportStateMachine"]["Properties"]["Logging"]["Destinations"]
    used += [destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0] for destination in machine]
    used += [
        template.resources["WebhookApi"]["Properties"]["AccessLogSetting"]["DestinationArn"]["Fn::GetAtt"][0]
    ]
    groups = template.of_type("AWS::Logs::LogGroup")
    assert sorted(used) == sorted(groups)
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_function_may_write_only_to_its_own_log_group(template: Template) -> None:
    for name, function in template.functions.items():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        writes = [s["Resource"] for s in template.statements(name) if "logs:PutLogEvents" in s["Action"]]
        assert writes == [{"Fn::GetAtt": [group, "Arn"]}]
        expected = {"Fn::Sub": f"/aws/lambda/{function['FunctionName']['Fn::Sub']}"}
        assert template.resources[group]["Properties"]["LogGroupName"] == expected


def test_state_machine_logs_without_execution_data(template: Template) -> None:
    logging = template.resources["ExportStateMachine"]["Properties"]["Logging"]
    assert logging["IncludeExecutionData"] is False


def test_default_secret_has_the_name_that_the_code_reads(template: Template) -> None:
    secret = template.resources["DefaultSecret"]["Properties"]
    assert secret["Name"] == {"Fn::Sub": "${AWS::StackName}/default"}
    assert secret["GenerateSecretString"] == {
        "SecretStringTemplate": '{"sendgrid_api_key": "", "lytics_api_token": ""}',
        "GenerateStringKey": "webhook_secrets",
        "PasswordLength": 40,
        "ExcludePunctuation": True,
    }
