"""Each function has the permissions that its code and settings need, and no others."""

import fnmatch
from collections.abc import Iterator
from typing import Any

import pytest

from lytics_sendgrid.aws.secret import keys_secret, webhook_secret
from tests.template.code_actions import actions_of, client_actions_of
from tests.template.sources import Statement, Template

QUEUES = {
    "CHANGES_QUEUE_URL": "ChangesQueue",
    "REJECTS_QUEUE_URL": "RejectsQueue",
    "IMPORTS_QUEUE_URL": "ImportsQueue",
}
TABLES = {"CONTACTS_TABLE": "ContactsTable", "EXPORTS_TABLE": "ExportsTable", "CONSOLE_TABLE": "ConsoleTable"}
_SECRET = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}"
SECRETS = {"Fn::Sub": f"{_SECRET}/*"}
CLIENT_SECRET = {"Fn::Sub": f"{_SECRET}-console-??????"}
WEBHOOK_SECRETS = {"Fn::Sub": f"{_SECRET}/*/webhook-??????"}
EXECUTIONS = {
    "Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:"
    "${AWS::StackName}-export:*"
}
# AWS compares cloudwatch:DescribeAlarms with alarm:*, whatever names are asked for: no narrower one works.
ALARMS = {"Fn::Sub": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"}
# IAM defines no resource type for these actions, so they require "*".
METRICS = {"cloudwatch:GetMetricData"}
LOG_DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}


def _all_statements(value: Any) -> Iterator[Statement]:
    if isinstance(value, dict):
        if "Effect" in value and "Principal" not in value:
            yield value
        for inner in value.values():
            yield from _all_statements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _all_statements(inner)


def test_no_permission_has_a_star_but_logs_secrets_and_executions(template: Template) -> None:
    statements = list(_all_statements(template.resources))
    assert len(statements) > len(template.functions)
    for statement in statements:
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"])
        if statement["Resource"] == "*":
            assert set(statement["Action"]) in (LOG_DELIVERY, METRICS)
        elif statement["Resource"] not in (SECRETS, WEBHOOK_SECRETS, EXECUTIONS, ALARMS):
            assert "*" not in str(statement["Resource"])


def test_each_permission_of_a_function_is_on_one_resource(template: Template) -> None:
    for name in template.functions:
        statements = template.statements(name)
        assert all(isinstance(s["Resource"], dict) for s in statements if set(s["Action"]) != METRICS)


def test_every_function_has_a_role_of_its_own_without_managed_policies(template: Template) -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in template.functions.values()]
    assert len(set(roles)) == len(template.functions)
    assert not any("ManagedPolicyArns" in template.resources[role]["Properties"] for role in roles)
    # SAM adds managed policies for event sources to a role that it creates itself.
    assert not any("Policies" in function for function in template.functions.values())


@pytest.mark.parametrize(("variable", "queue"), QUEUES.items())
def test_function_knows_a_queue_only_if_it_may_send_to_it(
    template: Template, variable: str, queue: str
) -> None:
    for name in template.functions.keys() - {"ReportFunction", "ConsoleFunction"}:
        knows = template.environment(name).get(variable) == {"Ref": queue}
        assert knows == template.allows(name, "sqs:SendMessage", queue), name


def test_console_counts_messages_and_touches_none(template: Template) -> None:
    actions = {
        (action, str(statement["Resource"]))
        for statement in template.statements("ConsoleFunction")
        for action in statement["Action"]
        if action.startswith(("sqs:", "cloudwatch:"))
    }
    assert {action for action, _ in actions} == METRICS | {
        "sqs:GetQueueAttributes",
        "cloudwatch:DescribeAlarms",
    }
    assert len([action for action, _ in actions if action == "sqs:GetQueueAttributes"]) == 5


def test_console_may_describe_alarms_as_aws_checks_it(template: Template) -> None:
    statements = template.statements("ConsoleFunction")
    (resource,) = [s["Resource"] for s in statements if s["Action"] == ["cloudwatch:DescribeAlarms"]]
    assert resource == ALARMS


def test_report_counts_what_was_given_up_and_reads_nothing_of_it(template: Template) -> None:
    actions = {
        (action, statement["Resource"]["Fn::GetAtt"][0])
        for statement in template.statements("ReportFunction")
        for action in statement["Action"]
        if action.startswith("sqs:")
    }
    queues = {"ChangesDeadLetterQueue", "ImportsDeadLetterQueue", "RejectsQueue"}
    assert actions == {("sqs:GetQueueAttributes", queue) for queue in queues}
    known = {value["Ref"] for value in template.environment("ReportFunction").values()}
    assert queues <= known
    assert not known & {"ChangesQueue", "ImportsQueue"}


@pytest.mark.parametrize("variable", TABLES)
def test_function_has_exactly_the_table_actions_that_its_code_calls(
    template: Template, variable: str
) -> None:
    table = TABLES[variable]
    for name in template.functions:
        allowed = [
            s["Action"] for s in template.statements(name) if s["Resource"] == {"Fn::GetAtt": [table, "Arn"]}
        ]
        needed = actions_of(name.removesuffix("Function").lower(), table)
        assert {action for actions in allowed for action in actions} == needed, name
        of_index = actions_of(name.removesuffix("Function").lower(), f"{table}/index/rejected")
        assert (variable in template.environment(name)) == bool(needed | of_index), name


def test_function_may_query_the_index_of_rejected_only_if_its_code_does(template: Template) -> None:
    index = {"Fn::Sub": "${ContactsTable.Arn}/index/rejected"}
    for name in template.functions:
        allowed = {
            action for s in template.statements(name) if s["Resource"] == index for action in s["Action"]
        }
        needed = actions_of(name.removesuffix("Function").lower(), "ContactsTable/index/rejected")
        assert allowed == needed, name


def test_secret_prefix_is_known_only_to_readers_of_secrets(template: Template) -> None:
    for name in template.functions:
        may_read = any(
            statement["Action"] == ["secretsmanager:GetSecretValue"]
            and statement["Resource"] != CLIENT_SECRET
            for statement in template.statements(name)
        )
        assert ("SECRET_PREFIX" in template.environment(name)) == may_read, name


def test_functions_that_face_the_internet_read_no_keys(template: Template) -> None:
    """Ingest reads what Lytics must send, the console its own client secret."""
    for name in template.functions:
        readable = [s["Resource"] for s in template.statements(name) if "secretsmanager" in str(s["Action"])]
        special = {"IngestFunction": [WEBHOOK_SECRETS], "ConsoleFunction": [CLIENT_SECRET]}
        expected = [SECRETS] if "SECRET_PREFIX" in template.environment(name) else []
        assert readable == special.get(name, expected), name


@pytest.mark.parametrize(
    ("secret", "is_read"),
    [
        (f"{webhook_secret('stack', 'default')}-AbCdEf", True),
        (f"{webhook_secret('stack', 'eu-2')}-AbCdEf", True),
        (f"{keys_secret('stack', 'default')}-AbCdEf", False),
        (f"{keys_secret('stack', 'webhook')}-AbCdEf", False),
        (f"{keys_secret('stack', 'webhook-AbCdEf')}-AbCdEf", False),
        (f"{webhook_secret('stack-2', 'default')}-AbCdEf", False),
    ],
)
def test_pattern_of_webhook_secrets_matches_no_keys(secret: str, is_read: bool) -> None:
    pattern = WEBHOOK_SECRETS["Fn::Sub"].rpartition(":secret:")[2].replace("${AWS::StackName}", "stack")
    assert fnmatch.fnmatchcase(secret, pattern) is is_read


def test_every_function_may_use_a_key_of_your_own(template: Template) -> None:
    policy = template.resources["KmsKeyPolicy"]
    assert policy["Condition"] == "HasKmsKey"
    roles = {name: {"Ref": f["Role"]["Fn::GetAtt"][0]} for name, f in template.functions.items()}
    with_console = [
        {"Fn::If": ["HasConsole", role, {"Ref": "AWS::NoValue"}]}
        if template.resources[name].get("Condition") == "HasConsole"
        else role
        for name, role in roles.items()
    ]
    assert policy["Properties"]["Roles"] == with_console
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"Ref": "KmsKeyArn"}
    assert statement["Action"] == [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ]


def test_only_deliver_writes_contacts(template: Template) -> None:
    writers = {
        name
        for name in template.functions
        if any(
            "ContactsTable" in str(statement["Resource"])
            and any(
                word in action
                for action in statement["Action"]
                for word in ("Put", "Update", "Insert", "Delete")
            )
            for statement in template.statements(name)
        )
    }
    assert writers == {"DeliverFunction"}


def test_function_may_read_the_queue_that_feeds_it(template: Template) -> None:
    for name in template.functions:
        queue = template.source_queue(name)
        if queue is not None:
            for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
                assert template.allows(name, action, queue)


def test_the_state_machine_may_invoke_exactly_its_tasks(template: Template) -> None:
    properties = template.resources["ExportStateMachine"]["Properties"]
    (invoke,) = [s for s in _all_statements(properties) if s["Action"] == ["lambda:InvokeFunction"]]
    assert invoke["Resource"] == [{"Fn::GetAtt": [function, "Arn"]} for function in template.tasks.values()]


def test_only_nightly_and_the_console_start_runs(template: Template) -> None:
    starts = {
        name: s["Resource"]
        for name in template.functions
        for s in template.statements(name)
        if "states:StartExecution" in s["Action"]
    }
    assert starts == {name: {"Ref": "ExportStateMachine"} for name in ("NightlyFunction", "ConsoleFunction")}
    for name in starts:
        assert template.environment(name)["STATE_MACHINE_ARN"] == {"Ref": "ExportStateMachine"}


def test_each_rule_may_invoke_its_function(template: Template) -> None:
    permissions = [
        p["Properties"]
        for name, p in template.of_type("AWS::Lambda::Permission").items()
        if name != "ConsoleInvocation"
    ]
    rules = template.of_type("AWS::Events::Rule")
    assert len(rules) == len(permissions)
    for name, rule in rules.items():
        (target,) = rule["Properties"]["Targets"]
        (allowed,) = [p for p in permissions if p["SourceArn"] == {"Fn::GetAtt": [name, "Arn"]}]
        assert allowed["FunctionName"] == {"Ref": target["Arn"]["Fn::GetAtt"][0]}
        assert (allowed["Principal"], allowed["Action"]) == ("events.amazonaws.com", "lambda:InvokeFunction")


def test_only_plan_watch_and_the_console_ask_for_executions(template: Template) -> None:
    asking = {
        "PlanFunction": ["states:DescribeExecution"],
        "WatchFunction": ["states:DescribeExecution"],
        "ConsoleFunction": [
            "states:DescribeExecution",
            "states:GetExecutionHistory",
            "states:StopExecution",
        ],
    }
    for name in template.functions:
        asked = [s["Action"] for s in template.statements(name) if s["Resource"] == EXECUTIONS]
        assert asked == ([asking[name]] if name in asking else []), name


def test_the_console_deletes_only_sessions_and_attempts(template: Template) -> None:
    (deletes,) = [s for s in template.statements("ConsoleFunction") if "dynamodb:DeleteItem" in s["Action"]]
    assert deletes["Action"] == ["dynamodb:DeleteItem"]
    keys = {"dynamodb:LeadingKeys": ["session#*", "attempt#*"]}
    assert deletes["Condition"] == {"ForAllValues:StringLike": keys}


def test_the_console_invokes_only_inspect_and_the_catalogue(template: Template) -> None:
    invoked = {
        name: [
            s["Resource"]["Fn::GetAtt"][0]
            for s in template.statements(name)
            if "lambda:InvokeFunction" in s["Action"]
        ]
        for name in template.functions
    }
    assert invoked.pop("ConsoleFunction") == ["InspectFunction", "CatalogueFunction"]
    assert not any(invoked.values())


def test_no_environment_variable_holds_a_secret(template: Template) -> None:
    names = {name for function in template.functions for name in template.environment(function)}
    assert not any(
        word in name for name in names - {"SECRET_PREFIX"} for word in ("KEY", "TOKEN", "SECRET", "PASSWORD")
    )


def test_console_has_exactly_the_other_actions_that_its_code_calls(template: Template) -> None:
    allowed = {action for s in template.statements("ConsoleFunction") for action in s["Action"]}
    others = {action for action in allowed if not action.startswith(("dynamodb:", "logs:"))}
    assert others == client_actions_of("functions.console", "lytics_sendgrid.aws.executions")
