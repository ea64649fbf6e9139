"""The ground truth: profiles, audiences, who is in which, and what has happened to whom.

Every mutation returns, and publishes, the *occurrence* that Lytics would tell its jobs about. Occurrences of one
profile have strictly increasing times, also where thousands are made within a microsecond.
"""

import dataclasses
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.local.lytics_twin.clock import Clock

MAX_AUDIENCES = 500
"""Audiences an account may have (Lytics, "Platform Limits")."""


@dataclasses.dataclass(slots=True, eq=False)
class Profile:
    """One person as Lytics knows them; `announced` holds the audiences of events that a job was told."""

    id: str
    fields: dict[str, Any]
    created_ns: int
    audiences: set[str] = dataclasses.field(default_factory=set)
    announced: set[str] = dataclasses.field(default_factory=set)
    last_ns: int = 0

    @property
    def email(self) -> str | None:
        """The e-mail in lower case, the key by which the ground truth names people."""
        email = self.fields.get("email")
        return email.lower() if isinstance(email, str) else None


@dataclasses.dataclass(slots=True, eq=False)
class Audience:
    """One audience; the members keep the order in which they entered."""

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
    """One audience, and what happened there: `enter`, `exit` or `change`."""

    audience: Audience
    event: str
    time_ns: int


@dataclasses.dataclass(slots=True, frozen=True)
class Occurrence:
    """What happened to a profile at one moment, with its fields and memberships right after it.

    `emitted_ns` is at most a few nanoseconds later than the event and before the profile's next one: a `change`
    has no other time, so a later emission would make the order of a person's events unknowable.
    """

    profile: Profile
    fields: dict[str, Any]
    memberships: tuple[str, ...]
    events: tuple[SegmentEvent, ...]
    changed: frozenset[str]
    emitted_ns: int


class Unknown(LookupError):
    """No profile or audience has this name."""


class Account:
    """All data of one Lytics account; safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.profiles: dict[str, Profile] = {}
        self.audiences: dict[str, Audience] = {}
        self.publish: Callable[[list[Occurrence]], None] = lambda occurrences: None
        self._by_email: dict[str, list[Profile]] = {}
        self._clock = clock

    # -- audiences ------------------------------------------------------------------------------------------

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
            identity = audience_id or f"{self._clock.wall_ns() + len(self.audiences):032x}"
            now = self._clock.wall_ns()
            audience = Audience(identity, name, self._free_slug(wanted), kind, table, valid, now, now)
            self.audiences[identity] = audience
            return audience

    def rename_audience(self, audience: str, *, name: str | None = None, slug: str | None = None) -> Audience:
        """Give an audience another name or slug; its id stays, and a taken slug is silently suffixed."""
        with self.lock:
            found = self.audience(audience)
            found.name = name or found.name
            if slug and slug != found.slug:
                found.slug = self._free_slug(slug)
            found.updated_ns = self._clock.wall_ns()
            return found

    def audience(self, id_or_slug: str) -> Audience:
        """Find an audience by id or slug; raises `Unknown`."""
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

    # -- profiles -------------------------------------------------------------------------------------------

    def add_profile(self, fields: Mapping[str, Any], audiences: Iterable[str] = ()) -> Profile:
        """Add a person, a member from before anybody subscribed: no occurrence is published."""
        with self.lock:
            # Multiplied by an odd constant so that ids look like Lytics' own: above 2**53, in no order.
            number = (len(self.profiles) + 1) * 0x9E3779B97F4A7C15 % 2**64
            profile = Profile(str(number), dict(fields), self._clock.wall_ns())
            self.profiles[profile.id] = profile
            self._index(profile)
            for name in audiences:
                audience = self.audience(name)
                audience.members[profile.id] = profile
                profile.audiences.add(audience.id)
            return profile

    def profile(self, id_or_email: str) -> Profile:
        """Find a person by id or e-mail (any case); the first where several share it. Raises `Unknown`."""
        with self.lock:
            if id_or_email in self.profiles:
                return self.profiles[id_or_email]
            sharing = self._by_email.get(id_or_email.lower())
            if sharing:
                return sharing[0]
        raise Unknown("no such profile")

    def delete_profile(self, profile: Profile) -> None:
        """Forget a person. No event tells of it (whether Lytics sends an exit is undocumented)."""
        with self.lock:
            for audience in profile.audiences:
                self.audiences[audience].members.pop(profile.id, None)
            self._unindex(profile)
            self.profiles.pop(profile.id, None)

    def _index(self, profile: Profile) -> None:
        if profile.email is not None:
            self._by_email.setdefault(profile.email, []).append(profile)

    def _unindex(self, profile: Profile) -> None:
        if profile.email is not None:
            self._by_email[profile.email].remove(profile)

    # -- what happens -----------------------------------------------------------------------------------------

    def enter(self, profile: Profile, audience: Audience) -> Occurrence | None:
        """Let a person enter; None where they are in already, for then Lytics sends nothing."""
        with self.lock:
            if audience.id in profile.audiences:
                return None
            profile.audiences.add(audience.id)
            audience.members[profile.id] = profile
            return self.occur(profile, [(audience, "enter")])

    def exit(self, profile: Profile, audience: Audience) -> Occurrence | None:
        """Let a person exit; None where they are not in."""
        with self.lock:
            if audience.id not in profile.audiences:
                return None
            profile.audiences.discard(audience.id)
            audience.members.pop(profile.id, None)
            return self.occur(profile, [(audience, "exit")])

    def change(self, profile: Profile, fields: Mapping[str, Any]) -> Occurrence | None:
        """Change fields (None removes one); None where nothing differs or the person is in no audience."""
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
        """Stamp what happened with the next free moment of this profile."""
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
