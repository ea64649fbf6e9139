"""The audit trail in the function's log."""

from lytics_sendgrid.aws.audit_trail import audit_trail

trail = audit_trail()


class AuditLog:
    """One log line for each act, at every log level."""

    def record(self, act: str, subject: str, **details: str) -> None:
        """Log an act. See ``Audit.record``."""
        trail.info("audit", act=act, subject=subject, details=details)
