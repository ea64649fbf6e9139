"""Addresses of pages of both vendors. Neither documents them, so they may change."""

from urllib.parse import quote


def lytics_audience(audience: str) -> str:
    """Return the address of an audience in Lytics."""
    return f"https://app.lytics.com/audiences/{quote(audience, safe='')}"


def sendgrid_segment(segment: str) -> str:
    """Return the address of a segment in SendGrid."""
    return f"https://mc.sendgrid.com/contacts/segments/{quote(segment, safe='')}"
