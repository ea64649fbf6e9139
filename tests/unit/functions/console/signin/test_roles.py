"""Roles: what each person may do."""

import pytest

from functions.console.context import Role
from functions.console.signin.roles import Identity, lists_from

OPERATORS = "Olga@Example.com, group:Marketing Ops,group:0f3c"
VIEWERS = "@viewers.example.com,victor@example.com"


def identity(email: str | None = None, *groups: str) -> Identity:
    return Identity("s", email, frozenset(groups))


@pytest.mark.parametrize(
    ("somebody", "role"),
    [
        (identity("olga@example.com"), Role.OPERATOR),
        (identity("OLGA@EXAMPLE.COM"), Role.OPERATOR),
        (identity(None, "Marketing Ops"), Role.OPERATOR),
        (identity("nobody@example.com", "other", "0f3c"), Role.OPERATOR),
        (identity("victor@example.com"), Role.VIEWER),
        (identity("anybody@viewers.example.com"), Role.VIEWER),
        (identity("anybody@VIEWERS.example.com"), Role.VIEWER),
        (identity("olga@viewers.example.com", "0f3c"), Role.OPERATOR),
        (identity("olga@other.example.com"), None),
        (identity("anybody@sub.viewers.example.com"), None),
        (identity("anybody@evilviewers.example.com"), None),
        (identity("x@evil.com@viewers.example.com"), None),
        (identity("viewers.example.com"), None),
        (identity("o\u212aa@example.com"), None),
        (identity("any@v\u0131ewers.example.com"), None),
        (identity(None), None),
        (identity(None, "marketing ops"), None),
        (identity(None, "olga@example.com"), None),
        (identity("group:0f3c"), None),
    ],
)
def test_role_comes_from_the_lists(somebody: Identity, role: Role | None) -> None:
    assert lists_from(OPERATORS, VIEWERS).role_of(somebody) is role


def test_letter_that_only_lower_makes_ascii_is_another_address() -> None:
    assert lists_from("k@example.com", "").role_of(identity("\u212a@example.com")) is None


def test_domain_makes_nobody_an_operator() -> None:
    lists = lists_from("@example.com", ",")
    assert lists.role_of(identity("olga@example.com")) is None


@pytest.mark.parametrize("text", ["", ",", " , ", "group:", "@", "olga"])
def test_empty_list_lets_nobody_in(text: str) -> None:
    lists = lists_from(text, text)
    for somebody in (
        identity("olga@example.com", "", "olga"),
        identity("olga@"),
        identity("@"),
        identity(""),
    ):
        assert lists.role_of(somebody) is None
    assert not lists.uses_groups


def test_lists_that_name_a_group_use_groups() -> None:
    assert lists_from("group:a", "").uses_groups
    assert lists_from("", "group:a").uses_groups
