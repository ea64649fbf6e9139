"""The paged scan of an audience's members (`GET /api/segment/{id}/scan`), with cursors that expire."""

import base64
import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

from tests.local.lytics_twin.account import Account, Audience, Profile
from tests.local.lytics_twin.answers import ApiError, Reply, success
from tests.local.lytics_twin.clock import Clock
from tests.local.lytics_twin.envelopes import profile_fields
from tests.local.lytics_twin.faults import Dice, Faults

Json = dict[str, Any]

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
BUCKETS = 100


@dataclasses.dataclass(slots=True)
class Cursor:
    """Where a scan continues. A page always returns the same cursor, so it can be requested twice."""

    members: list[Profile]
    audience: str
    position: int
    page: int
    carried: list[Profile]
    issued_s: float


class Scans:
    """All scans of the account.

    A scan returns the members at the time of its first page, even if they exit meanwhile (Lytics does not
    document this). A row has the fields at the time of its page.
    """

    def __init__(
        self, account: Account, clock: Clock, faults: Faults, dice: Dice, cursor_age_s: float
    ) -> None:
        self._account, self._clock, self._faults, self._dice = account, clock, faults, dice
        self._cursor_age_s = cursor_age_s
        self._cursors: dict[str, Cursor] = {}
        self._started = 0

    def page(self, audience: Audience, query: Mapping[str, str]) -> Reply:
        """Return one page.

        Raises:
            ApiError: 400 for a limit above 100, buckets that are not 0 to 99, or a cursor that is expired or
                of another audience.
        """
        limit = _limit(query.get("limit"))
        splits = _splits(query.get("splits", ""))
        if splits is not None and self._faults.scan_refuse_splits:
            raise ApiError(400, "splits is not a known parameter")
        fields = [name for name in query.get("fields", "").split(",") if name]
        with self._account.lock:
            start = query.get("start", "")
            if start:
                cursor = self._resume(start, audience)
            else:
                self._started += 1
                members = [one for one in audience.members.values() if self._is_in(one, splits)]
                cursor = Cursor(members, audience.id, 0, 1, [], 0.0)
                start = str(self._started)
            rows, following = self._read(cursor, limit)
            token = self._remember(start, following) if following else ""
            if self._faults.scan_repeat_cursor and cursor.page > 1:
                token = start
            data = [self._row(profile, fields) for profile in rows]
        total = len(cursor.members) + self._faults.scan_total_offset
        beside: Json = {"total": total, self._faults.scan_next_key: token}
        return success(1, data, **beside)

    def _is_in(self, profile: Profile, splits: frozenset[int] | None) -> bool:
        """Return whether a profile is in one of these buckets of `_split`."""
        if splits is None:
            return True
        digest = hashlib.sha256(profile.id.encode()).digest()
        has_field = digest[0] / 256 >= self._faults.scan_no_split_rate
        return has_field and int.from_bytes(digest[1:9]) % BUCKETS in splits

    def _now_s(self) -> float:
        """Return wall time: the client determines a cursor's age, so a faster Lytics must not shorten it."""
        return self._clock.wall_ns() / 1e9

    def _resume(self, token: str, audience: Audience) -> Cursor:
        cursor = self._cursors.get(token)
        if cursor is None or cursor.audience != audience.id:
            raise ApiError(400, "start token is not valid")
        if self._now_s() - cursor.issued_s > self._cursor_age_s:
            raise ApiError(400, "start token is not recent")
        return cursor

    def _read(self, cursor: Cursor, limit: int) -> tuple[list[Profile], Cursor | None]:
        """Return a page's rows and the cursor of the next page; None after the last."""
        every = self._faults.scan_empty_page_every
        now = self._now_s()
        if every and cursor.page % every == 0 and cursor.position < len(cursor.members):
            return [], dataclasses.replace(cursor, page=cursor.page + 1, issued_s=now)
        end = cursor.position + limit - len(cursor.carried)
        fresh = cursor.members[cursor.position : end]
        rows = cursor.carried + [row for row in fresh if row.id in self._account.profiles]
        if end >= len(cursor.members):
            return rows, None
        carried = [row for row in fresh if self._dice.happens(self._faults.scan_duplicate_rate)]
        carried = carried[: limit // 2]  # Otherwise a page of duplicates alone would never end.
        return rows, Cursor(cursor.members, cursor.audience, end, cursor.page + 1, carried, now)

    def _remember(self, start: str, following: Cursor) -> str:
        """Store a cursor under a token with every character that must be escaped in a URL."""
        digest = hashlib.sha256(f"{start}|{following.position}|{following.page}".encode()).digest()
        token = f"{base64.b64encode(digest[:15]).decode()}+/{following.position}=="
        self._cursors[token] = following
        return token

    def _row(self, profile: Profile, fields: list[str]) -> Json:
        row = profile_fields(profile, profile.fields, fields)
        if not fields or "segments" in fields:
            row["segments"] = sorted(self._account.audiences[name].slug for name in profile.audiences)
        if self._dice.happens(self._faults.scan_no_email_rate):
            row.pop("email", None)
        if self._faults.scan_numbers_as_strings:
            return {name: str(value) if _is_number(value) else value for name, value in row.items()}
        return row


def _splits(value: str) -> frozenset[int] | None:
    """Return the buckets of `_split` that a scan asks for, or None if it asks for all profiles."""
    if not value:
        return None
    texts = value.split(",")
    if not all(text.isdigit() and int(text) < BUCKETS for text in texts):
        raise ApiError(400, f"splits must be numbers from 0 to {BUCKETS - 1}")
    return frozenset(map(int, texts))


def _limit(value: str | None) -> int:
    if not value:
        return DEFAULT_LIMIT
    if not value.isdigit() or not 1 <= int(value) <= MAX_LIMIT:
        raise ApiError(400, f"limit must be 1 to {MAX_LIMIT}")
    return int(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
