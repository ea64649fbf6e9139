"""Ask Lytics about single people: who now has an address, and which audiences that profile is in."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from lytics_sendgrid.domain.backoff import backoff_s
from lytics_sendgrid.domain.clock import Clock
from lytics_sendgrid.domain.configuration import Audience
from lytics_sendgrid.domain.email_address import normalise
from lytics_sendgrid.errors import LyticsSendGridError, RetryLater
from lytics_sendgrid.lytics.documents import LyticsPerson

MAX_UNANSWERED: Final = 20
"""Look-ups in a row without an answer, after which Lytics is not asked again."""
_TRIES: Final = 3
_FIRST_BACKOFF_S: Final = 1.0
_MAX_BACKOFF_S: Final = 30.0


class People(Protocol):
    """Lytics' profiles."""

    def person(self, email_field: str, email: str, fields: Sequence[str] = ()) -> LyticsPerson | None: ...  # noqa: D102


class LookUps:
    """Look-ups of one invocation."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._unanswered = 0

    def answers(
        self, email: str, audiences: Iterable[Audience], email_fields: Mapping[str, Sequence[str]]
    ) -> dict[str, bool | None]:
        """Return whether a person is in each audience: one look-up for all of them, by each e-mail field.

        A profile counts only if it now holds the address in the field by which Lytics found it: Lytics finds
        a person by an earlier address, too.

        Args:
            email: as the ledger writes it.
            audiences: to ask about.
            email_fields: audience id to the e-mail fields that show its members.

        Returns:
            Audience id to True: a member, False: not a member, None: unclear.
        """
        wanted = list(audiences)
        fields = dict.fromkeys(name for audience in wanted for name in email_fields[audience.id])
        found = {name: self._person(name, email) for name in fields}
        return {
            audience.id: _verdict(audience, email, {name: found[name] for name in email_fields[audience.id]})
            for audience in wanted
        }

    def _person(self, field: str, email: str) -> LyticsPerson | LyticsSendGridError | None:
        """Return the profile, None if there is none, or why that is unclear."""
        failure: LyticsSendGridError = RetryLater("Stopped asking Lytics: it has not answered for a while")
        for number in range(1, _TRIES + 1):
            if self._unanswered >= MAX_UNANSWERED:
                return failure
            try:
                person = self._people.person(field, email, [field])
            except RetryLater as error:
                failure = error
                self._unanswered += 1
                pause_s = backoff_s(number, _FIRST_BACKOFF_S, _MAX_BACKOFF_S, self._clock.random())
                if number < _TRIES:
                    self._clock.sleep(min(_MAX_BACKOFF_S, max(pause_s, error.retry_after_s or 0.0)))
            except LyticsSendGridError as error:
                # The token may lack the right to read profiles. Nobody leaves because of that.
                self._unanswered += 1
                return error
            else:
                self._unanswered = 0
                return person
        return failure


def _verdict(
    audience: Audience, email: str, found: Mapping[str, LyticsPerson | LyticsSendGridError | None]
) -> bool | None:
    if any(isinstance(person, LyticsSendGridError) for person in found.values()):
        return None
    return any(
        isinstance(person, LyticsPerson)
        and person.is_in(audience.id, audience.slug)
        and normalise(person.fields.get(field)) == email
        for field, person in found.items()
    )
