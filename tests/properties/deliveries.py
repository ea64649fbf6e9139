"""Random webhook bodies, each with its expected result: a model that shares no code with the product.

A body is text, so that it can hold what no JSON writer writes: numbers of thousands of digits, arrays a
thousand deep, halves of surrogate pairs, duplicate names.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final

from tests.newsletter import HIGH_VALUE, LAPSED, READERS

NOW_NS: Final = 1_795_000_000_000_000_000
MANAGED: Final = (HIGH_VALUE, READERS, LAPSED)
FIELDS: Final = ("first_name", "last_name", "city", "lifetime_value", "last_purchase")
_ABSENT: Final = object()
_LONGEST_TEXT: Final = 4_000
_S: Final = 1_000_000_000


@dataclass
class Expected:
    """The expected result of a body.

    Attributes:
        changes: each change's e-mail, kind, audience, time and fields as JSON, in the body's order.
        rejects: reason to the number of rejected segment events and elements.
        ignored: the number of segment events of audiences that no export has.
    """

    changes: list[str] = field(default_factory=list)
    rejects: Counter[str] = field(default_factory=Counter)
    ignored: int = 0

    def take(self, email: str, good: list["Event"], values: dict[str, Any]) -> None:
        """Add the good segment events of one envelope: the first of the latest carries the fields."""
        latest = max(good, key=lambda event: event.time_ns or 0, default=None)
        for event in good:
            assert event.time_ns is not None
            fields = values if event is latest else {}
            self.changes.append(change_line(email, event.kind, event.audience, event.time_ns, fields))


@dataclass
class Event:
    """A segment event as text: with kind, audience and time if it is good, with a reason if it is not."""

    text: str
    kind: str = ""
    audience: str = ""
    time_ns: int | None = None
    reason: str = ""


def change_line(email: str, kind: str, audience: str | None, time_ns: int, fields: Any) -> str:
    """Write a change for comparison: 1, 1.0 and true are three values."""
    return json.dumps([email, kind, audience, time_ns, dict(sorted(fields.items()))])


def mixture(random: Random, elements: int, expected: Expected, *, large: bool = False) -> str:
    """Write a body of some elements, good and bad, in any of the documented shapes."""
    if elements == 1 and random.random() < 0.5:
        return element(random, expected, alone=True, large=large)
    listed = ",".join(element(random, expected, large=large) for _ in range(elements))
    shape: str = random.choice(
        ("[%s]", '{"events":[%s]}', '{"data":[%s]}', " \n[ %s ]\t", '{"events":null,"data":[%s]}')
    )
    return shape % listed


def element(random: Random, expected: Expected, *, alone: bool = False, large: bool = False) -> str:
    """Write one element; an element that is a body by itself must be recognisable."""
    draw = random.random()
    if draw < 0.06:
        expected.rejects["unknown_shape"] += 1
        odd: tuple[str, ...] = ("7", "null", '"text"', "1e5", "true")
        return random.choice(odd if alone else odd + _SHAPELESS)
    if draw < 0.1:
        expected.rejects["no_segment_events"] += 1
        return _envelope(random, _email(random)[0], random.choice(_NO_EVENTS), [])
    email_text, email, email_reason = _email(random) if draw < 0.85 else _bad_email(random)
    envelope_ns, time_text = _time(random) if random.random() < 0.8 else (None, None)
    events = [_event(random, envelope_ns) for _ in range(random.choice((1, 1, 1, 2, 4)))]
    fields, values = _fields(random, large=large)
    good = []
    for event in events:
        if event.reason == "ignored":
            expected.ignored += 1
        elif event.reason or email_reason:
            expected.rejects[event.reason or email_reason] += 1
        else:
            good.append(event)
    expected.take(email, good, values)
    listed = ",".join(event.text for event in events)
    return _envelope(random, email_text, f'"segment_events":[{listed}]', fields, time_text)


def crowded(random: Random, expected: Expected) -> str:
    """Write one envelope of a thousand segment events, most of them bad."""
    email_text, email, _ = _email(random)
    fields, values = _fields(random, large=False)
    events = [_event(random, None) for _ in range(1_000)]
    expected.take(email, [event for event in events if event.time_ns is not None], values)
    for event in events:
        if event.time_ns is not None:
            continue
        if event.reason == "ignored":
            expected.ignored += 1
        else:
            expected.rejects[event.reason] += 1
    return _envelope(random, email_text, f'"segment_events":[{",".join(e.text for e in events)}]', fields)


_SHAPELESS: Final = (
    "[]", "{}", '{"data":[]}', '{"data":null}', '{"data":"text"}', '{"events":[]}',
    "[" * 3_000 + "]" * 3_000, "9" * 5_000,
)  # fmt: skip
_NO_EVENTS: Final = (
    '"segment_events":[]', '"segment_events":{}', '"segment_events":null', '"segment_events":"enter"',
    '"segments":[]',
)  # fmt: skip


def _envelope(
    random: Random, email: str, events: str, fields: list[str], time_text: str | None = None
) -> str:
    members = [part for part in (email, events, *fields) if part]
    random.shuffle(members)
    data = f'"data":{{{",".join(members)}}}'
    rest = [data, f'"id":"{random.randrange(2**64)}"']
    if time_text is not None:
        rest.append(
            random.choice(('"meta":{"timestamp":%s}', '"specversion":"1.0","time":%s', '"meta":7,"time":%s'))
            % time_text
        )
    if random.random() < 0.1:
        rest.insert(0, '"data":{"segment_events":7}')  # The last of duplicate names counts.
    return f"{{{','.join(rest)}}}"


def _event(random: Random, envelope_ns: int | None) -> Event:
    kind = random.choice(("enter", "exit", "change"))
    audience = random.choice(MANAGED)
    own_ns, own = _time(random)
    shown = random.choice((audience, audience, audience.upper(), f" {audience}\\n"))
    if kind == "change" or random.random() < 0.2:
        time, time_ns = random.choice(("", f'"{kind}":null,', f'"{kind}":"",')), envelope_ns
        if kind == "change":
            time = f'"change":{own},'
    else:
        time, time_ns = f'"{kind}":{own},', own_ns
    text = f'{{"id":"{shown}","event":"{kind}",{time}"slug":"any"}}'
    if random.random() < 0.75:
        return Event(text, kind, audience, time_ns, "" if time_ns is not None else "no_time")
    reason, text = random.choice(_BAD_EVENTS)(random, audience)
    return Event(text, reason=reason)


def _timed(reason: str, time: str) -> Callable[[Random, str], tuple[str, str]]:
    return lambda _, audience: (reason, f'{{"id":"{audience}","event":"exit","exit":{time}}}')


def _as_it_is(reason: str, text: str) -> Callable[[Random, str], tuple[str, str]]:
    return lambda _, audience: (reason, text.replace("AUDIENCE", audience))


def _stranger(random: Random, _: str) -> tuple[str, str]:
    return "ignored", f'{{"id":"{random.getrandbits(128):032x}","event":"enter"}}'


_BAD_EVENTS: Final[tuple[Callable[[Random, str], tuple[str, str]], ...]] = (
    *(_as_it_is("bad_segment_event", text) for text in ("7", "null", '"enter"', "[]", "[" * 90 + "]" * 90)),
    *(_as_it_is("no_audience", text) for text in ("{}", '{"id":7}', '{"id":["AUDIENCE"],"event":"enter"}')),
    *(_as_it_is("bad_audience", f'{{"id":"{text}"}}') for text in ("", "x", "AUDIENCEa", "all", "\\ud800")),
    *(_as_it_is("unknown_event", f'{{"id":"AUDIENCE"{text}}}')
      for text in ("", ',"event":"ENTER"', ',"event":{}')),
    *(_timed("bad_time", text)
      for text in ("7", "{}", '"today"', '"2026-10-14T20:27:33"', '"2026-13-01T00:00:00Z"')),
    *(_timed("bad_time", text) for text in ('"1969-12-31T23:59:59Z"', '"1970-01-01T00:00:00Z"', "9" * 4_500)),
    *(_timed("future_time", text) for text in ('"2026-11-18T11:11:40.000000001Z"', '"9999-12-31T23:59:59Z"')),
    _stranger,
    _stranger,
)  # fmt: skip


def _time(random: Random) -> tuple[int, str]:
    """Return a time up to five minutes ahead of our clock, and one way to write it."""
    seconds = NOW_NS // _S + random.choice((300, random.randrange(-40 * 86_400, 300)))
    digits = random.choice((0, 3, 6, 9, 12))
    fraction = f"{random.randrange(10**9):09d}"[: min(digits, 9)] if seconds < NOW_NS // _S + 300 else ""
    zone = UTC if random.random() < 0.5 else timezone(timedelta(minutes=random.randrange(-1_439, 1_440)))
    moment = datetime.fromtimestamp(seconds, zone).isoformat()
    offset = "Z" if zone is UTC else moment[19:]
    dot = f".{fraction}{'9' * (digits - 9)}" if fraction else ""
    text = f"{moment[:10]}{random.choice('Tt ')}{moment[11:19]}{dot}{offset}"
    return seconds * _S + int((fraction or "0").ljust(9, "0")), f'"{text}"'


def _email(random: Random) -> tuple[str, str, str]:
    name = random.choice(("ann", "O'Neil+1", "ÇELIK", "x" * 200, "a.b-c_d", "名"))
    email = (
        f"{name}.{random.randrange(10**6)}@{random.choice(('example.com', 'EXAMPLE.org', 'müller.example'))}"
    )
    padded = random.choice(("%s", "%s", " %s ", "\t%s\n")) % email
    return f'"email":{json.dumps(padded, ensure_ascii=random.random() < 0.5)}', email.lower(), ""


def _bad_email(random: Random) -> tuple[str, str, str]:
    if random.random() < 0.5:
        return random.choice(("", '"email":null', '"email":""', '"email":" \\t"')), "", "no_email"
    odd = (
        '"nobody"',
        "7",
        "[]",
        '{"a":"x@example.com"}',
        '"a b@example.com"',
        '"a@b"',
        '"\\ud83dx@example.com"',
        "true",
    )
    return f'"email":{random.choice((*odd, json.dumps("x" * 300 + "@example.com")))}', "", "bad_email"


def _fields(random: Random, *, large: bool) -> tuple[list[str], dict[str, Any]]:
    texts, values = [], {}
    for name in FIELDS:
        text, value = _value(random)
        texts.append(f'"{name}":{text}')
        if value is not _ABSENT:
            values[name] = value
    others = random.sample(("hourly", "segments", "名", "_id", "score"), random.randrange(3))
    texts += [f'"{name}":{_value(random)[0]}' for name in others]
    if large:
        texts.append(f'"notes":"{"é" * 500_000}"')
    return texts, values


def _value(random: Random) -> tuple[str, Any]:
    """Return a value as JSON, and the value expected on the queue."""
    draw = random.randrange(12)
    if draw < 3:
        text = "".join(chr(random.choice(_CHARACTERS)) for _ in range(random.randrange(12)))
        return json.dumps(text, ensure_ascii=random.random() < 0.5), text
    if draw < 5:
        number = random.choice(
            (random.randrange(-9, 10), random.uniform(-1e6, 1e6), random.getrandbits(70), -(10**300))
        )
        return json.dumps(number), number
    if draw == 5 and random.random() < 0.1:
        text = random.choice("añ名😀") * random.randrange(3_990, 5_000)
        return json.dumps(text), text[:_LONGEST_TEXT]
    if draw == 6:
        return random.choice(
            (('"a\\ud83d"', "a?"), ('"\\ude00b\\ud83d\\ude00"', "?b😀"), ('"\\u0000"', "\0"))
        )
    if draw == 7:
        return random.choice((("true", True), ("false", False)))
    return random.choice(_UNREASONABLE if random.random() < 0.01 else _UNUSABLE), _ABSENT


_CHARACTERS: Final = (*range(32, 127), 0x9, 0x1F, 0xE9, 0x2028, 0x540D, 0xFFFD, 0x1F600, 0x10FFFF)
_UNUSABLE: Final = (
    "null", "[]", "{}", '{"a":[1,{"b":null}]}', "NaN", "Infinity", "-Infinity", "1e400", "-1" + "0" * 308,
    "9" * 400,
    "[" * 100 + "]" * 100, '{"a":' * 90 + "7" + "}" * 90,
)  # fmt: skip
_UNREASONABLE: Final = ("9" * 5_000, "[" * 9_000 + "]" * 9_000, "[[]," * 4_000 + "7" + "]" * 4_000)


def disfigured(random: Random, text: str) -> str:
    """Replace some parts of a document."""
    try:
        document = json.loads(text)
        for _ in range(random.randrange(1, 4)):
            document = _with_odd_place(random, document)
        return json.dumps(document)
    except (ValueError, RecursionError):  # Python cannot read or write it: odd enough.
        return text


def _with_odd_place(random: Random, document: Any) -> Any:
    if not document or not isinstance(document, list | dict) or random.random() < 0.1:
        return random.choice(_ODD)
    keys = list(document) if isinstance(document, dict) else range(len(document))
    key = random.choice(list(keys))
    if isinstance(document, dict) and random.random() < 0.2:
        return {name: value for name, value in document.items() if name != key}
    document[key] = _with_odd_place(random, document[key])
    return document


_ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    10**400,
    1e308,
    "",
    "x",
    "\ud800",
    [],
    [[]],
    [None],
    {},
    {"data": {}},
    {"id": {}},
    ["enter"],
)
