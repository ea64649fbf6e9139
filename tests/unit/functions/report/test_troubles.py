"""What a run that fails because of some audiences says."""

from functions.report.troubles import AudienceTrouble, failure
from lytics_sendgrid.bounded_text import json_chars


def test_run_without_trouble_does_not_fail() -> None:
    assert failure([]) == ""


def test_failure_names_the_audiences_what_was_left_and_what_to_do() -> None:
    text = failure([AudienceTrouble("High Value Users", "it is gone. Start without it")])
    first, named, last = text.split("\n")
    assert first == "1 audience is in trouble:"
    assert named == "- 'High Value Users': it is gone. Start without it"
    assert last.startswith("Nobody was taken out of their segments")


def test_failed_dry_run_says_that_it_changed_nothing() -> None:
    text = failure([AudienceTrouble("High Value Users", "it is gone. Start without it")], dry_run=True)
    assert text.splitlines()[1] == "- 'High Value Users': it is gone. Start without it"
    assert "This dry run changed nothing" in text
    assert "was put in" not in text
    assert "kept in the exports table" not in text


def test_failure_of_many_audiences_stays_short() -> None:
    text = failure([AudienceTrouble(f"Audience {number}", "я" * 900) for number in range(200)])
    assert text.startswith("200 audiences are in trouble:")
    assert "more, which the report lists" in text
    assert json_chars(text) < 10_000
