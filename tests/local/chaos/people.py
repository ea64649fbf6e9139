"""Select people by address, and change them so that they are sent again."""

import re

from tests.local.lytics_twin.twin import LyticsTwin


def touch(lytics: LyticsTwin, people: set[str]) -> None:
    """Cause an event for each person, so that the export sends them to SendGrid again."""
    audiences = [audience.id for audience in lytics.audiences()]
    for email in sorted(people):
        person = lytics.account.profile(email)
        # A change of a person who is in no audience causes no event.
        if not lytics.change(person.id, {"city": f"{person.fields.get('city', '')} again"}):
            lytics.enter(person.id, audiences[0])


def matching(lytics: LyticsTwin, pattern: str) -> set[str]:
    """Return the addresses of exported people that match a regular expression."""
    return {
        email
        for email, person in lytics.truth().items()
        if (person["audiences"] or person["announced"]) and re.search(pattern, email)
    }
