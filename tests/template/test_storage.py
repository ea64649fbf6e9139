"""Tables are protected against loss, and logs are deleted after their retention."""

import re
from typing import Any

import pytest

from lytics_sendgrid.aws.secret import keys_secret, webhook_secret
from lytics_sendgrid.tables.rejected import INDEX
from tests.template.sources import Template

OWN_KEY = {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}


def _tables(template: Template) -> dict[str, dict[str, Any]]:
    return template.of_type("AWS::DynamoDB::Table")


def test_tables_survive_mistakes(template: Template) -> None:
    assert _tables(template).keys() == {"ContactsTable", "ExportsTable", "ConsoleTable"}
    for name, table in _tables(template).items():
        kept = "Delete" if name == "ConsoleTable" else "Retain"  # all in it expires
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == kept
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["Properties"]["SSESpecification"] == {
            "SSEEnabled": True,
            "SSEType": "KMS",
            "KMSMasterKeyId": OWN_KEY,
        }
        protected = None if name == "ConsoleTable" else {"Ref": "Protect"}
        assert table["Properties"].get("DeletionProtectionEnabled") == protected
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    assert template.parameters["Protect"]["Default"] == "true"


@pytest.mark.parametrize(
    ("table", "keys"), [("ContactsTable", ["pk"]), ("ExportsTable", ["pk", "sk"]), ("ConsoleTable", ["pk"])]
)
def test_tables_have_the_keys_that_the_code_uses(template: Template, table: str, keys: list[str]) -> None:
    properties = _tables(template)[table]["Properties"]
    assert [key["AttributeName"] for key in properties["KeySchema"]] == keys
    assert {attribute["AttributeType"] for attribute in properties["AttributeDefinitions"]} == {"S"}


def test_index_of_rejected_contacts_has_keys_that_only_they_have(template: Template) -> None:
    properties = _tables(template)["ContactsTable"]["Properties"]
    (index,) = properties["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["Projection"]) == (INDEX, {"ProjectionType": "ALL"})
    assert {key["AttributeName"]: key["KeyType"] for key in index["KeySchema"]} == {
        "rejected_account": "HASH",
        "pk": "RANGE",
    }
    assert {attribute["AttributeName"] for attribute in properties["AttributeDefinitions"]} == {
        "pk",
        "rejected_account",
    }


def test_contacts_never_expire(template: Template) -> None:
    assert "TimeToLiveSpecification" not in _tables(template)["ContactsTable"]["Properties"]


def test_functions_state_machine_and_api_each_have_a_log_group(template: Template) -> None:
    used = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in template.functions.values()]
    machine = template.resources["ExportStateMachine"]["Properties"]["Logging"]["Destinations"]
    used += [destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0] for destination in machine]
    used += [
        api["Properties"]["AccessLogSetting"]["DestinationArn"]["Fn::GetAtt"][0]
        for api in template.of_type("AWS::Serverless::Api").values()
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


def test_default_secrets_have_the_names_that_the_code_reads(template: Template) -> None:
    names = {
        name: secret["Properties"]["Name"]["Fn::Sub"].replace("${AWS::StackName}", "stack")
        for name, secret in template.of_type("AWS::SecretsManager::Secret").items()
    }
    assert names == {
        "DefaultSecret": keys_secret("stack", "default"),
        "DefaultWebhookSecret": webhook_secret("stack", "default"),
        "ConsoleSecret": "stack-console",  # no authorization
    }


def test_an_update_never_writes_the_default_secrets_again(template: Template) -> None:
    """If one of these bytes changes, CloudFormation writes the value again, without the customer's keys."""
    keys, webhook = (
        template.resources[name]["Properties"] for name in ("DefaultSecret", "DefaultWebhookSecret")
    )
    assert keys["SecretString"] == '{"sendgrid_api_key": "", "lytics_api_token": ""}'
    assert "GenerateSecretString" not in keys
    assert webhook["GenerateSecretString"] == {
        "SecretStringTemplate": "{}",
        "GenerateStringKey": "webhook_secrets",
        "PasswordLength": 40,
        "ExcludePunctuation": True,
    }
    assert "SecretString" not in webhook


def test_a_key_of_your_own_encrypts_secrets_and_queues_too(template: Template) -> None:
    for secret in template.of_type("AWS::SecretsManager::Secret").values():
        assert secret["Properties"]["KmsKeyId"] == OWN_KEY
    for queue in template.queues.values():
        assert queue["KmsMasterKeyId"] == OWN_KEY
        no_value = {"Ref": "AWS::NoValue"}  # SQS takes one kind of encryption only
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", no_value, True]}
    assert template.parameters["KmsKeyArn"]["Default"] == ""


@pytest.mark.parametrize(
    ("key", "is_valid"),
    [
        ("arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
        ("arn:aws:kms:eu-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab", True),
        ("arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
        # IAM does not allow the use of a key by the ARN of an alias.
        ("arn:aws:kms:eu-west-1:123456789012:alias/mine", False),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", False),
    ],
)
def test_own_key_is_the_arn_of_a_key(template: Template, key: str, is_valid: bool) -> None:
    pattern = template.parameters["KmsKeyArn"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, key)) is is_valid


def test_the_log_setting_of_the_account_comes_before_the_stage(template: Template) -> None:
    """A stage that logs is refused before the account has a role. A property's reference orders creation."""
    stage = template.resources["WebhookApi"]["Properties"]["AccessLogSetting"]["DestinationArn"]
    assert stage == {"Fn::GetAtt": ["ApiLogs", "Arn"]}
    logs = template.resources["ApiLogs"]
    after = {"Fn::If": ["SetsApiLogRole", {"Ref": "ApiLogSetting"}, "nothing"]}
    assert logs["Properties"]["Tags"] == [{"Key": "made-after", "Value": after}]
    assert "Metadata" not in logs
