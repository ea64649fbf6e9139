"""Lytics in a world of minutes: people who come and go, change address, merge, vanish; scans that lag.

Its answers are up to ``LAG`` old; a tenth of the worlds has scans that lag up to four times as long.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

LAG: Final = 10
PAGE: Final = 2
CAPITALS: Final = "ace"
"""Addresses that Lytics has with capitals."""
POOLS: Final = {1: "abcdef", 2: "uvwabc"}
"""The addresses that may stand in each export's e-mail field."""
NO_EMAILS: Final[Mapping[int, str | None]] = {1: None, 2: None}


@dataclass
class Profile:
    """A profile: the address in each e-mail field, all its addresses so far, its audiences."""

    split: int | None
    alive: bool = True
    healthy: bool = True
    emails: dict[int, str | None] = field(default_factory=dict)
    identifiers: set[tuple[int, str]] = field(default_factory=set)
    audiences: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Shown:
    """A profile as it was at some time."""

    emails: Mapping[int, str | None]
    audiences: frozenset[str]
    split: int | None
    identifiers: frozenset[tuple[int, str]]
    healthy: bool


@dataclass(frozen=True, slots=True)
class Bias:
    """What favors schedules that need a rule.

    Attributes:
        identifying: e-mail fields identify people; None: by chance.
        parts: scans are read in parts; None: by chance.
        skips: how often a scan skips a row.
        mute: how often the rows of a scan have no address.
        empty: how often a scan shows an audience as empty, as while Lytics builds it again.
        counts_empty: Lytics' own count of such an audience is zero, too.
        gone: how often Lytics answers a scan with 404, as for an audience that somebody deleted.
        capitals: how often look-ups find nobody whose address has capitals, where they find people.
        unhealthy: how many profiles scans leave out, and look-ups show.
        look_ups: people who are kept for look-ups. 1,000 in the product.
        sample: people who are looked up after a second scan. 200 in the product.
        calibration: people that look-ups must find before they are believed. 20 in the product.
        guard_from: so few may always leave. 50 in the product.
        dies: how often a run dies at a step.
        operates: how often a person or the schedule starts, stops or resyncs an export.
        overlaps: two runs of an export may go on at the same time.
        keeps: how often a removed audience is kept.
    """

    identifying: bool | None = None
    parts: bool | None = None
    skips: float = 0.04
    mute: float = 0.0
    empty: float = 0.0
    counts_empty: bool = False
    gone: float = 0.0
    capitals: float = 0.2
    unhealthy: float = 0.0
    look_ups: int = 2
    sample: int = 2
    calibration: int = 20
    guard_from: int = 50
    dies: float = 0.01
    operates: float = 0.05
    overlaps: bool = False
    keeps: float = 0.1


class Lytics:
    """The profiles, and every earlier state of them.

    Attributes:
        now: minutes.
        faults: look-ups may fail.
        noise: scans skip rows and begin again.
        begins_again: the next page of a scan is refused, so that it begins again.
        identifying: e-mail fields identify people: no two share an address, and look-ups work.
        capitals: look-ups find nobody whose address has capitals.
        gone: audiences whose last scan was answered with 404.
    """

    def __init__(self, chance: random.Random, bias: Bias) -> None:
        self.chance = chance
        self.bias = bias
        self.begins_again = False
        self._emptied: set[str] = set()
        self.gone: set[str] = set()
        self.now = 1_000
        self.faults = self.noise = True
        self.identifying = chance.random() < 0.65
        if bias.identifying is not None:
            self.identifying = bias.identifying
        self.capitals = self.identifying and chance.random() < bias.capitals
        self.scan_lag = 40 if chance.random() < 0.1 else LAG
        self.profiles: list[Profile] = []
        self._times: list[int] = []
        self._states: list[list[Shown]] = []
        for _ in range(chance.randrange(2, 5)):
            self.new_profile()
        self.snap()

    def new_profile(self) -> Profile:
        profile = Profile(self.chance.choice((0, 1, 0, 1, None)))
        profile.healthy = not self._happens(self.bias.unhealthy)
        self.profiles.append(profile)
        for export in (1, 2):
            self._set_email(profile, export)
        return profile

    def _set_email(self, profile: Profile, export: int) -> None:
        profile.emails[export] = self._free(export)
        if email := profile.emails[export]:
            profile.identifiers.add((export, email))

    def _free(self, export: int) -> str | None:
        taken: set[str] = set()
        if self.identifying:
            taken = {
                email
                for profile in self.profiles
                if profile.alive
                for name, email in profile.identifiers
                if name == export
            }
        return self.chance.choice([*(email for email in POOLS[export] if email not in taken), None])

    def snap(self) -> None:
        """Remember the present state."""
        state = [
            Shown(dict(p.emails), frozenset(p.audiences), p.split, frozenset(p.identifiers), p.healthy)
            for p in self.profiles
            if p.alive
        ]
        if self._times and self._times[-1] == self.now:
            self._states[-1] = state
        else:
            self._times.append(self.now)
            self._states.append(state)

    def at(self, minute: int) -> list[Shown]:
        return self._states[max(0, bisect_right(self._times, minute) - 1)]

    def moments(self, since: int) -> set[int]:
        """Return every minute from ``since`` at which something was different."""
        return {since, self.now} | {minute for minute in self._times if minute > since}

    def mutate(self) -> tuple[str, Profile, str]:
        """Change something; return what, whose, and the audience that was entered or left."""
        if self._times[-1] == self.now:
            self.now += 1
        chance = self.chance
        alive = [profile for profile in self.profiles if profile.alive]
        if not alive or (chance.random() < 0.08 and len(self.profiles) < 6):
            alive.append(self.new_profile())
        profile, act = chance.choice(alive), chance.random()
        what, audience = "", ""
        if act < 0.68:
            audience = chance.choice("AB")
            what = "exit" if audience in profile.audiences else "enter"
            profile.audiences ^= {audience}
        elif act < 0.84:
            self._change_address(profile, chance.choice((1, 1, 2)))
        elif act < 0.92:
            profile.alive = False
        else:
            self._merge(profile, chance.choice(alive))
        self.snap()
        return what, profile, audience

    def _change_address(self, profile: Profile, export: int) -> None:
        old = profile.emails[export]
        self._set_email(profile, export)
        if self.chance.random() < 0.3 and old is not None and old != profile.emails[export]:
            profile.identifiers.discard((export, old))

    def _merge(self, profile: Profile, other: Profile) -> None:
        if other is profile:
            return
        other.alive = False
        profile.identifiers |= other.identifiers
        if self.chance.random() < 0.5:
            profile.audiences |= other.audiences
        for export in (1, 2):
            if profile.emails[export] is None:
                profile.emails[export] = other.emails[export]

    def look_up(self, export: int, email: str) -> Shown | str | None:
        """Return the profile that Lytics finds by an address, also an earlier one; or "unclear"."""
        if self.faults and self.chance.random() < 0.05:
            return "unclear"
        if self.capitals and email in CAPITALS:
            return None
        state = self.at(self.now - self.chance.randrange(LAG + 1))
        found = [profile for profile in state if (export, email) in profile.identifiers]
        return self.chance.choice(found) if found else None

    def pages(self, audience: str, *, partitioned: bool, compared: bool = True) -> Iterator[dict[str, Any]]:
        """Yield the pages of a scan as events: rows, a new beginning, and at the end how complete it was.

        Args:
            audience: to scan.
            partitioned: read it in parts.
            compared: compare the parts with the whole, and read it whole if they are less.
        """
        parts: list[int | None] = [0, 1] if partitioned else [None]
        totals: dict[int, int] = {}
        number = offset = scanned = restarts = 0
        is_mute = self.noise and self._happens(self.bias.mute)
        is_gone = self.noise and self._happens(self.bias.gone)
        is_empty = is_gone or (self.noise and self._happens(self.bias.empty))
        (self._emptied.add if is_empty else self._emptied.discard)(audience)
        (self.gone.add if is_gone else self.gone.discard)(audience)
        while number < len(parts):
            rows = [] if is_empty else self._rows(audience, parts[number])
            totals[number] = min(len(rows), totals.get(number, 99))
            page = rows[offset : offset + PAGE]
            if self._refuses(restarts):
                restarts += 1
                number = offset = scanned = 0
                totals = {}
                yield {"restart": True}
            elif page:
                kept = [row for row in page if not (self.noise and self.chance.random() < self.bias.skips)]
                scanned += len(kept)
                offset += len(page)
                yield {"rows": [replace(row, emails=NO_EMAILS) for row in kept] if is_mute else kept}
            else:
                number, offset = number + 1, 0
                if compared and partitioned and number == len(parts):
                    whole = len(self._rows(audience, None))
                    if sum(totals.values()) < whole:
                        partitioned, parts, number, scanned, totals = False, [None], 0, 0, {}
        yield {"scanned": scanned, "total": sum(totals.values()), "parts": partitioned, "empty": is_empty}

    def size(self, audience: str) -> int:
        """Return how many people Lytics counts in an audience."""
        if audience in self.gone or (self.bias.counts_empty and audience in self._emptied):
            return 0
        return sum(shown.healthy and audience in shown.audiences for shown in self.at(self.now))

    def _rows(self, audience: str, part: int | None) -> list[Shown]:
        """Return an audience's members, or those of a part, as a scan shows them."""
        shown = self.at(self.now - self.chance.randrange(self.scan_lag + 1))
        return [s for s in shown if s.healthy and audience in s.audiences and part in {None, s.split}]

    def _refuses(self, restarts: int) -> bool:
        if self.begins_again:
            self.begins_again = False
            return True
        return self.noise and self.chance.random() < 0.03 and restarts < 2

    def _happens(self, probability: float) -> bool:
        """Draw only what a bias makes possible, so that all other draws stay as they are."""
        return bool(probability) and self.chance.random() < probability
