"""Everybody is signed out, by a command."""

from functions.operate.sign_out_everybody import main


def test_missing_stack_is_reported() -> None:
    said: list[str] = []
    assert main({}, said.append) == 1
    assert "STACK=" in said[0]
