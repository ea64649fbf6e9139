"""Whether a key is about to expire. Neither vendor tells, so a person writes the day into the secret."""

from datetime import date
from typing import Final

WARNED_DAYS: Final = 14


def expiry_trouble(text: str, secret: str, today: date) -> str:
    """Return what is wrong with the day on which Lytics' token expires; empty if nothing is.

    Args:
        text: ``lytics_token_expires`` of the secret; empty: the token never expires, or nobody knows.
        secret: the secret's name.
        today: in UTC.
    """
    if not text:
        return ""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return (
            f"the secret '{secret}' has a \"lytics_token_expires\" that is no day: write it as "
            '"2027-01-31", or remove it if the token never expires'
        )
    left = (day - today).days
    if left > WARNED_DAYS:
        return ""
    when = "has expired" if left <= 0 else "expires tomorrow" if left == 1 else f"expires in {left} days"
    return (
        f"lytics_api_token in the secret '{secret}' {when}, on {day}: create a new token in Lytics and put "
        'it into the secret, with its "lytics_token_expires"'
    )
