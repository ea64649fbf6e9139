"""People with bad addresses, and those whom a passing fault has hit."""

import re

from tests.local.lytics_twin.twin import LyticsTwin


def touch(lytics: LyticsTwin, people: set[str]) -> None:
    """Let something happen to each of some people, so that SendGrid is asked once more to take them."""
    audiences = [audience.id for audience in lytics.audiences()]
    for email in sorted(people):
        person = lytics.account.profile(email)
        # Nobody is told of a change of somebody who is in no audience.
        if not lytics.change(person.id, {"city": f"{person.fields.get('city', '')} again"}):
            lytics.enter(person.id, audiences[0])


def matching(lytics: LyticsTwin, pattern: str) -> set[str]:
    """Return who of the exported people has an address like that."""
    return {
        email
        for email, person in lytics.truth().items()
        if (person["audiences"] or person["announced"]) and re.search(pattern, email)
    }
