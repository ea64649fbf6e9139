"""Why a run ended without success."""

from lytics_sendgrid.workflow.run_end import why_ended


def test_cause_is_what_the_function_said_otherwise_what_the_status_means() -> None:
    assert why_ended("FAILED", "The list is gone.") == "The list is gone."
    assert why_ended("ABORTED", "").startswith("Somebody stopped this run.")
    assert why_ended("TIMED_OUT", "").startswith("This run took longer")
    assert why_ended("FAILED", "").startswith("Start the same input again")
