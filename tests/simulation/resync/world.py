"""Runs of exports that live, in a world of minutes: the real sweep between models of Lytics and deliver.

Two exports of one account share audiences and have different e-mail fields. Audiences are removed, cleared
or kept, and added again. Exports are stopped and started. Runs die. Webhook events are lost, doubled and
late. Deliver is atomic: ``tests/simulation`` runs the real one. What is checked:

    end        faults stop, queues drain, two resyncs: SendGrid holds the truth for everybody
    again      an export started again, an audience added again: right when the run ends, where all is quiet
    kept       nobody enters or leaves the segment of a kept audience
    taken      no run takes out a person who was a member from its start until then
    revived    no run puts in a person who has been out ever since the exit that the ledger had
    swallowed  no event newer than a scan's time loses to what the run queued

What no rule can prevent is counted apart, under ``vendor``: look-ups decide nothing and both scans skip the
same member; a look-up cannot find capitals and the scan skipped everybody who has them; a person leaves
during the sweep and the scan lags more than Lytics is documented to.
"""

import random
from collections import Counter
from dataclasses import replace
from typing import Final

from tests.simulation.resync.account import Seats
from tests.simulation.resync.lytics import CAPITALS, LAG, Bias, Lytics, Profile
from tests.simulation.resync.records import YOUNG, Configuration, ExportState, Item, Queued

CACHE: Final = 5
"""How old deliver's configuration may be."""
AUDIENCES: Final = "AB"


class World:
    """One schedule.

    Attributes:
        bad: what went wrong.
        vendor: what went wrong that no rule can prevent.
    """

    def __init__(self, seed: int, off: frozenset[str], bias: Bias) -> None:
        self.chance = random.Random(seed)
        self.off = off
        self.bias = bias
        self.lytics = Lytics(self.chance, bias)
        self.extra = random.Random(f"kept or deleted {seed}")
        """Draws of its own, so that all others stay as they are."""
        self.parts = self.chance.random() < 0.4
        if bias.parts is not None:
            self.parts = bias.parts
        self.ledger: dict[str, Item] = {}
        self.queue: list[Queued] = []
        self.sendgrid: dict[str, frozenset[str]] = {}
        self.held: dict[str, dict[str, str]] = {}
        """Each id in a person's row, and the membership field that holds it."""
        self.swept: dict[tuple[str, str], tuple[int, int]] = {}
        self.to_clear: dict[str, int] = {}
        self.bad: list[str] = []
        self.vendor: Counter[str] = Counter()
        self.runs = 0
        first = {1: self.chance.choice(("A", "AB")), 2: self.chance.choice(("", "A", "B", "AB"))}
        exports = {export: ExportState(frozenset(names), bool(names)) for export, names in first.items()}
        self.account = Seats(off)
        self.configurations = [
            Configuration(0, dict.fromkeys(exports, ExportState(frozenset(), live=False)), {})
        ]
        for export, state in exports.items():
            self.account.write(self.configuration(), export, state, 0, keep=False, delete=False)
        self.configurations = [Configuration(0, exports, {}, fields=self.account.fields)]
        self.known = {export for export, state in exports.items() if state.audiences}

    @property
    def now(self) -> int:
        return self.lytics.now

    @property
    def gone(self) -> frozenset[str]:
        """The audiences that Lytics answers 404 for, if that is not read as an empty audience."""
        return frozenset() if "gone_is_trouble" in self.off else frozenset(self.lytics.gone)

    def configuration(self) -> Configuration:
        return self.configurations[-1]

    def counted(self, audience: str) -> list[int]:
        """Return the exports whose e-mail fields show who is in an audience."""
        configuration = self.configuration()
        having = configuration.having(audience)
        if "stopped_exports_count" in self.off:
            having = [export for export in having if configuration.exports[export].live]
        return having

    # The truth

    def is_member(self, email: str, audience: str, minute: int, configuration: Configuration) -> bool:
        having = configuration.having(audience)
        return any(
            audience in shown.audiences and any(shown.emails[export] == email for export in having)
            for shown in self.lytics.at(minute)
        )

    def always(self, email: str, audience: str, since: int, *, member: bool) -> bool:
        """Return whether a person was in an audience, or out by every field, at every moment since.

        Only exports count that have the audience now.
        """
        moments, configuration = self.lytics.moments(since), self.configuration()
        if member:
            return all(self.is_member(email, audience, minute, configuration) for minute in moments)
        return not any(
            audience in shown.audiences and email in shown.emails.values()
            for minute in moments
            for shown in self.lytics.at(minute)
        )

    def wrong(self, audiences: str = AUDIENCES) -> list[str]:
        """Return whose row in SendGrid is not the truth.

        Leaves out people that scans do not show, audiences of which no row has an address: nobody leaves
        those, and kept audiences.
        """
        configuration, found = self.configuration(), []
        audiences = "".join(audience for audience in audiences if audience not in configuration.kept)
        shown = {a: [s for s in self.lytics.at(self.now) if a in s.audiences] for a in audiences}
        mute = {
            a
            for a, rows in shown.items()
            if rows and all(row.emails[e] is None for row in rows for e in configuration.having(a))
        }
        hidden = {e for s in self.lytics.at(self.now) if not s.healthy for e in s.emails.values()}
        for email in sorted(set("abcdefuvw") - hidden):
            want = {a for a in audiences if self.is_member(email, a, self.now, configuration)}
            have = self.in_segments(email) & set(audiences)
            if have - mute != want - mute:
                found.append(f"{email}: SendGrid {sorted(have)}, Lytics {sorted(want)}")
        return found

    def in_segments(self, email: str) -> frozenset[str]:
        """Return the audiences whose segments in SendGrid hold a person."""
        fields, segments = self.held.get(email, {}), self.account.segments
        return frozenset(audience for audience, field in fields.items() if field == segments.get(audience))

    # Events and deliver

    def mutate(self) -> None:
        what, profile, audience = self.lytics.mutate()
        if what:
            self._emit(profile, audience, what)

    def _emit(self, profile: Profile, audience: str, kind: str) -> None:
        chance, faults = self.chance, self.lytics.faults
        for export in (1, 2):
            state, email = self.configuration().exports[export], profile.emails[export]
            if audience not in state.audiences or not state.live or email is None:
                continue
            if faults and chance.random() < 0.25:
                continue
            for _ in range(1 + (faults and chance.random() < 0.2)):
                delay = chance.choice((0, 0, 2, 8, 40, 200, 400)) if faults else 0
                self.put(Queued(self.now + delay, email, audience, self.now, kind, 0))

    def put(self, change: Queued) -> None:
        self.queue.append(replace(change, version=len(self.configurations) - 1))

    def deliver(self) -> bool:
        """Deliver one change; return whether there was one."""
        ready = [change for change in self.queue if change.ready <= self.now]
        if not ready:
            return False
        change = self.chance.choice(ready)
        self.queue.remove(change)
        item = self.ledger.get(change.email, Item())
        version = self._version(change, item)
        events, came, old = dict(item.events), dict(item.came), item.events.get(change.audience)
        if change.kind in {"enter", "exit"} and _wins(change, old):
            events[change.audience] = change.time if change.kind == "enter" else -change.time
            came[change.audience] = self.now
        configuration = self.configurations[version]
        exported = configuration.live if "stopped_ids_stay" in self.off else configuration.exported
        exported -= configuration.kept if "kept_ids_stay" in self.off else frozenset()
        row = frozenset(
            a for a, event in events.items() if a in exported and event > configuration.since_of(a)
        )
        moved = row != item.row or change.kind == "refresh"
        self.ledger[change.email] = Item(events, came, row, version if moved else item.version)
        self.sendgrid[change.email] = row
        self.held[change.email] = {audience: configuration.fields[audience] for audience in row}
        self._check(change, item, self.ledger[change.email], configuration)
        return True

    def _version(self, change: Queued, item: Item) -> int:
        old = [n for n, one in enumerate(self.configurations) if one.minute <= self.now - CACHE]
        version = max(self.chance.randrange(max(old, default=0), len(self.configurations)), change.version)
        return len(self.configurations) - 1 if item.version > version else version

    def _check(self, change: Queued, before: Item, after: Item, configuration: Configuration) -> None:
        email, audience = change.email, change.audience
        old, new = before.events.get(audience), after.events.get(audience)
        if change.run is None and change.kind == "enter" and old is not None and old < 0 and new == old:
            exited, stamp = self.swept.get((email, audience), (0, 0))
            if exited == -old and stamp < change.time:
                self.bad.append(f"swallowed {email} {audience}")
        for other in after.row - before.row - {audience}:
            event = after.events[other]
            since = max(event + 1, self.now - YOUNG)
            # A late event may meet an older configuration first: then it is the event that puts her in.
            is_known = after.came[other] < self.now - CACHE
            if is_known and event < self.now - YOUNG and self.always(email, other, since, member=False):
                self.judge("revived", email, other)
        if change.run is None or change.kind != "enter" or old is None or old >= 0 or new is None or new <= 0:
            return
        out_since = min(-old, change.run)
        counts = audience in configuration.exported and -old > configuration.since_of(audience)
        if counts and self.always(email, audience, out_since, member=False):
            late = self.lytics.scan_lag > LAG and change.left not in {None, -old}
            self.judge("revived", email, audience, excused=late)

    def judge(self, what: str, email: str, audience: str, *, excused: bool = False) -> None:
        lags = what == "revived" and self.lytics.scan_lag > LAG and not self.lytics.identifying
        if excused or lags:
            self.vendor[what] += 1
        else:
            self.bad.append(f"{what} {email} {audience} at {self.now}")

    def write(
        self,
        export: int,
        audiences: frozenset[str],
        *,
        live: bool,
        keep: bool = False,
        delete_segments: bool = False,
    ) -> None:
        before, state = self.configuration(), ExportState(audiences, live)
        since = dict(before.since)
        listed = before.exported - (before.kept if "kept_since_stays" in self.off else frozenset())
        if "begins_anew" not in self.off:
            since |= dict.fromkeys(audiences - listed, self.now - LAG - 1)
        exports = {**before.exports, export: state}
        others = before.exports[3 - export].audiences
        kept = before.kept | (before.exports[export].audiences - audiences if keep else frozenset())
        kept -= audiences | others
        self.account.write(before, export, state, self.now, keep=keep, delete=delete_segments)
        self.configurations.append(Configuration(self.now, exports, since, kept, self.account.fields))
        assert self.account.listed() == self.configuration().exported

    def takes_out(self, email: str, audience: str, run: int, stamp: int, *, excused: bool) -> None:
        """Check a leaver when the sweep queues the exit."""
        event = self.ledger[email].events.get(audience, 0)
        if 0 < event <= stamp and self.always(email, audience, run, member=True):
            self.judge("taken", email, audience, excused=excused)

    def hides_capitals(self, email: str, seen: frozenset[str]) -> bool:
        """Return whether calibration had no chance to notice that look-ups miss this address."""
        return self.lytics.capitals and email in CAPITALS and not seen & set(CAPITALS)


def _wins(change: Queued, old: int | None) -> bool:
    if old is None:
        return True
    return change.time > abs(old) or (change.time == abs(old) and change.kind == "exit" and old > 0)
