"""The log lines that say who did what. They are written whatever the parameter ``LogLevel`` is."""

from aws_lambda_powertools import Logger


def audit_trail() -> Logger:
    """Return the logger for these lines: that of the function, at the level INFO."""
    Logger()  # has the handler and the form; the level of a child is its own
    return Logger(child=True, level="INFO")
