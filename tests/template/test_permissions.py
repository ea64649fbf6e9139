"""Each function has the permissions that its code and settings need, and no others."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.code_actions import actions_of
from tests.template.sources import Statement, Template

QUEUES = {
    "CHANGES_QUEUE_URL": "ChangesQueue",
    "REJECTS_QUEUE_URL": "RejectsQueue",
    "IMPORTS_QUEUE_URL": "ImportsQueue",
}
TABLES = {"CONTACTS_TABLE": "ContactsTable", "EXPORTS_TABLE": "ExportsTable"}
SECRETS = {
    "Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    "${AWS::StackName}/*"
}
# IAM defines no resource type for these actions, so they require "*".
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


def test_no_permission_has_a_star_but_log_delivery_and_the_secrets(template: Template) -> None:
    statements = list(_all_statements(template.resources))
    assert len(statements) > len(template.functions)
    for statement in statements:
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"])
        if statement["Resource"] == "*":
            assert set(statement["Action"]) == LOG_DELIVERY
        elif statement["Resource"] != SECRETS:
            assert "*" not in str(statement["Resource"])


def test_each_permission_of_a_function_is_on_one_resource(template: Template) -> None:
    for name in template.functions:
        assert all(isinstance(statement["Resource"], dict) for statement in template.statements(name))


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
    for name in template.functions:
        knows = template.environment(name).get(variable) == {"Ref": queue}
        assert knows == template.allows(name, "sqs:SendMessage", queue), name


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
        assert (variable in template.environment(name)) == bool(needed), name


def test_secret_prefix_is_known_only_to_readers_of_secrets(template: Template) -> None:
    for name in template.functions:
        may_read = any(
            statement == {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": SECRETS}
            for statement in template.statements(name)
        )
        assert ("SECRET_PREFIX" in template.environment(name)) == may_read, name


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


def test_no_environment_variable_holds_a_secret(template: Template) -> None:
    names = {name for function in template.functions for name in template.environment(function)}
    assert not any(
        word in name for name in names - {"SECRET_PREFIX"} for word in ("KEY", "TOKEN", "SECRET", "PASSWORD")
    )
