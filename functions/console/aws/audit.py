"""The audit trail in the function's log."""

from aws_lambda_powertools import Logger

logger = Logger()


class AuditLog:
    """One log line for each act."""

    def record(self, act: str, subject: str, **details: str) -> None:
        """Log an act. See ``Audit.record``."""
        logger.info("audit", act=act, subject=subject, details=details)
