"""The ground truth: profiles, audiences, memberships and events.

Every mutation returns and publishes an *occurrence*, the source of the events that jobs send. Occurrences of
one profile have strictly increasing times, even if thousands happen within a microsecond.
"""

import dataclasses
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.local.lytics_twin.clock import Clock

MAX_AUDIENCES = 500
"""The maximum number of audiences of an account (Lytics, "Platform Limits")."""


@dataclasses.dataclass(slots=True, eq=False)
class Profile:
    """One person. `announced` holds the audiences of all events that a job has received."""

    id: str
    fields: dict[str, Any]
    created_ns: int
    audiences: set[str] = dataclasses.field(default_factory=set)
    announced: set[str] = dataclasses.field(default_factory=set)
    last_ns: int = 0

    @property
    def email(self) -> str | None:
        """The e-mail in lower case: the ground truth's key of a person."""
        email = self.fields.get("email")
        return email.lower() if isinstance(email, str) else None


@dataclasses.dataclass(slots=True, eq=False)
class Audience:
    """One audience. Its members are in the order of entering."""

    id: str
    name: str
    slug: str
    kind: str
    table: str
    valid: bool
    created_ns: int
    updated_ns: int
    members: dict[str, Profile] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True, frozen=True)
class SegmentEvent:
    """An audience and its event: `enter`, `exit` or `change`."""

    audience: Audience
    event: str
    time_ns: int


@dataclasses.dataclass(slots=True, frozen=True)
class Occurrence:
    """The events of a profile at one moment, with its fields and memberships right after them.

    `emitted_ns` is at most a few nanoseconds after the event and before the profile's next event. It is the
    only time of a `change`, so a later value would hide the order of a person's events.
    """

    profile: Profile
    fields: dict[str, Any]
    memberships: tuple[str, ...]
    events: tuple[SegmentEvent, ...]
    changed: frozenset[str]
    emitted_ns: int


class Unknown(LookupError):
    """The profile or audience does not exist."""


class Account:
    """All data of one Lytics account. Thread-safe.

    Attributes:
        profiles_added: How many profiles were ever added. A deleted profile's id is never used again.
    """

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.profiles: dict[str, Profile] = {}
        self.profiles_added = 0
        self.audiences: dict[str, Audience] = {}
        self.publish: Callable[[list[Occurrence]], None] = lambda occurrences: None
        self._by_email: dict[str, list[Profile]] = {}
        self._earlier: dict[str, Profile] = {}
        self._clock = clock

    def add_audience(
        self,
        name: str,
        *,
        slug: str | None = None,
        audience_id: str | None = None,
        kind: str = "segment",
        table: str = "user",
        valid: bool = True,
    ) -> Audience:
        with self.lock:
            if len(self.audiences) >= MAX_AUDIENCES:
                raise ValueError(f"an account has at most {MAX_AUDIENCES} audiences")
            wanted = slug or re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
            if audience_id in self.audiences:
                raise ValueError(f"there is already an audience {audience_id}")
            identity = audience_id or f"{self._clock.wall_ns() + len(self.audiences):032x}"
            now = self._clock.wall_ns()
            audience = Audience(identity, name, self._free_slug(wanted), kind, table, valid, now, now)
            self.audiences[identity] = audience
            return audience

    def rename_audience(self, audience: str, *, name: str | None = None, slug: str | None = None) -> Audience:
        """Rename an audience. Its id stays; a slug that is taken gets a suffix."""
        with self.lock:
            renamed = self.audience(audience)
            renamed.name = name or renamed.name
            if slug and slug != renamed.slug:
                renamed.slug = self._free_slug(slug)
            renamed.updated_ns = self._clock.wall_ns()
            return renamed

    def delete_audience(self, audience: str) -> None:
        """Delete an audience without an event (whether Lytics sends exits is undocumented)."""
        with self.lock:
            deleted = self.audience(audience)
            for profile in deleted.members.values():
                profile.audiences.discard(deleted.id)
            del self.audiences[deleted.id]

    def audience(self, id_or_slug: str) -> Audience:
        """Find an audience by id or slug. Raises `Unknown`."""
        with self.lock:
            if id_or_slug in self.audiences:
                return self.audiences[id_or_slug]
            for audience in self.audiences.values():
                if audience.slug == id_or_slug:
                    return audience
        raise Unknown(f"no audience {id_or_slug}")

    def _free_slug(self, wanted: str) -> str:
        taken = {audience.slug for audience in self.audiences.values()}
        slug, number = wanted, 0
        while slug in taken:
            number += 1
            slug = f"{wanted}_{number}"
        return slug

    def add_profile(self, fields: Mapping[str, Any], audiences: Iterable[str] = ()) -> Profile:
        """Add a person as an existing member: no occurrence is published."""
        with self.lock:
            # Multiplied by an odd constant so that ids look like Lytics' ids: above 2**53, unordered.
            self.profiles_added += 1
            number = self.profiles_added * 0x9E3779B97F4A7C15 % 2**64
            profile = Profile(str(number), dict(fields), self._clock.wall_ns())
            self.profiles[profile.id] = profile
            self._index(profile)
            for name in audiences:
                audience = self.audience(name)
                audience.members[profile.id] = profile
                profile.audiences.add(audience.id)
            return profile

    def profile(self, id_or_email: str) -> Profile:
        """Find a person by id or e-mail in any case; the first if several share it. Raises `Unknown`.

        The e-mail of a profile that was merged finds the profile that it was merged into.
        """
        with self.lock:
            if id_or_email in self.profiles:
                return self.profiles[id_or_email]
            sharing = self._by_email.get(id_or_email.lower())
            if sharing:
                return sharing[0]
            if id_or_email.lower() in self._earlier:
                return self._earlier[id_or_email.lower()]
        raise Unknown("no such profile")

    def profile_with(self, field: str, value: str) -> Profile:
        """Find a person by another identifier. Raises `Unknown`."""
        with self.lock:
            for profile in self.profiles.values():
                if str(profile.fields.get(field) or "").lower() == value.lower():
                    return profile
        raise Unknown("no such profile")

    def delete_profile(self, profile: Profile) -> None:
        """Delete a person without an event (whether Lytics sends an exit is undocumented)."""
        with self.lock:
            for audience in profile.audiences:
                self.audiences[audience].members.pop(profile.id, None)
            self._unindex(profile)
            self.profiles.pop(profile.id, None)

    def merge(self, profile: Profile, into: Profile) -> None:
        """Merge a profile into another without an event, as when Lytics learns that both are one person."""
        with self.lock:
            audiences, email = [self.audiences[name] for name in profile.audiences], profile.email
            self.delete_profile(profile)
            for audience in audiences:
                self.enter(into, audience)
            if email is not None:
                self._earlier[email] = into

    def _index(self, profile: Profile) -> None:
        if profile.email is not None:
            self._by_email.setdefault(profile.email, []).append(profile)

    def _unindex(self, profile: Profile) -> None:
        if profile.email is not None:
            self._by_email[profile.email].remove(profile)

    def enter(self, profile: Profile, audience: Audience) -> Occurrence | None:
        """Let a person enter. None if they are a member already: Lytics sends nothing then."""
        with self.lock:
            if audience.id in profile.audiences:
                return None
            profile.audiences.add(audience.id)
            audience.members[profile.id] = profile
            return self.occur(profile, [(audience, "enter")])

    def exit(self, profile: Profile, audience: Audience) -> Occurrence | None:
        """Let a person exit. None if they are not a member."""
        with self.lock:
            if audience.id not in profile.audiences:
                return None
            profile.audiences.discard(audience.id)
            audience.members.pop(profile.id, None)
            return self.occur(profile, [(audience, "exit")])

    def change(self, profile: Profile, fields: Mapping[str, Any]) -> Occurrence | None:
        """Change fields (None removes one). None if nothing differs or the person is in no audience."""
        with self.lock:
            changed = {name for name, value in fields.items() if profile.fields.get(name) != value}
            if not changed:
                return None
            self._unindex(profile)
            for name in changed:
                if fields[name] is None:
                    profile.fields.pop(name, None)
                else:
                    profile.fields[name] = fields[name]
            self._index(profile)
            if not profile.audiences:
                return None
            where = [(self.audiences[audience], "change") for audience in sorted(profile.audiences)]
            return self.occur(profile, where, changed)

    def occur(
        self, profile: Profile, where: Iterable[tuple[Audience, str]], changed: Iterable[str] = ()
    ) -> Occurrence:
        """Stamp events with the profile's next free nanosecond."""
        time_ns = max(self._clock.wall_ns(), profile.last_ns + 1)
        profile.last_ns = time_ns + 1
        return Occurrence(
            profile=profile,
            fields=dict(profile.fields),
            memberships=tuple(sorted(profile.audiences)),
            events=tuple(SegmentEvent(audience, event, time_ns) for audience, event in where),
            changed=frozenset(changed),
            emitted_ns=time_ns + 1,
        )
