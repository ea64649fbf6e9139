"""What an execution says of its run's end."""

import pytest

from lytics_sendgrid.workflow.run_end import goes_on_in, why_ended


@pytest.mark.parametrize(
    ("output", "following"),
    [({"goes_on_in": "arn:2"}, "arn:2"), ({"goes_on_in": 2}, None), ({"run": "r"}, None), ({}, None)],
)
def test_run_goes_on_in_the_execution_that_the_output_names(
    output: dict[str, object], following: str | None
) -> None:
    assert goes_on_in(output) == following


def test_cause_is_what_the_function_said_otherwise_what_the_status_means() -> None:
    assert why_ended("FAILED", "The list is gone.") == "The list is gone."
    assert why_ended("ABORTED", "").startswith("Somebody stopped this run.")
    assert why_ended("TIMED_OUT", "").startswith("This run took longer")
    assert why_ended("FAILED", "").startswith("Start the same input again")
