"""Generate people and events, reproducibly by seed."""

import random
from collections.abc import Sequence
from typing import Any

from tests.local.lytics_twin.account import Account, Audience, Occurrence, Profile, Unknown

AUDIENCE_NAMES = (
    "High Value Users",
    "Newsletter Readers",
    "Lapsed Customers",
    "Recent Buyers",
    "Local Shoppers",
)
FIRST_NAMES = (
    ("Ada", "ada"), ("Bruno", "bruno"), ("Chloé", "chloe"), ("Dmitri", "dmitri"), ("Élise", "elise"),
    ("Farid", "farid"), ("Grace", "grace"), ("Hiroshi", "hiroshi"), ("Inês", "ines"), ("José", "jose"),
    ("Kwame", "kwame"), ("Lena", "lena"), ("Mei", "mei"), ("Noor", "noor"), ("Zoë", "zoe"), ("Ольга", "olga"),
)  # fmt: skip
LAST_NAMES = (
    ("Abara", "abara"), ("Brandt", "brandt"), ("Castillo", "castillo"), ("Dubois", "dubois"),
    ("Eriksen", "eriksen"), ("Fontaine", "fontaine"), ("García", "garcia"), ("Hoffmann", "hoffmann"),
    ("Ito", "ito"), ("Jensen", "jensen"), ("Kowalska", "kowalska"), ("Łukasik", "lukasik"),
    ("Müller", "mueller"), ("O'Neil", "o.neil"), ("Tanaka", "tanaka"),
)  # fmt: skip
CITIES = (
    "Portland",
    "São Paulo",
    "Kraków",
    "Kyoto",
    "Lagos",
    "Lyon",
    "Zürich",
    "Oslo",
    "Santa Fe",
    "St. John's",
)
INTERESTS = ("garden", "books", "cycling", "cooking", "music")


def made_up_person(number: int, dice: random.Random) -> dict[str, Any]:
    """Return the fields of one person. `number` makes the e-mail unique within an account.

    One e-mail in fifty contains capitals, as some people write it.
    """
    first, first_ascii = dice.choice(FIRST_NAMES)
    last, last_ascii = dice.choice(LAST_NAMES)
    host = "example.com" if dice.random() < 0.7 else "example.org"
    email = f"{first_ascii}.{last_ascii}{'+' if number % 10 == 0 else '.'}{number}@{host}"
    return {
        "email": email.title() if number % 50 == 49 else email,
        "first_name": first,
        "last_name": last,
        "city": dice.choice(CITIES),
        "lifetime_value": round(dice.uniform(0, 5000), 2),
        "visit_count": dice.randrange(500),
        "birthday": _birthday(dice),
        "last_purchase": f"2026-{dice.randrange(1, 11):02d}-{dice.randrange(1, 29):02d}T08:55:43.041-07:00",
        "is_mobile": dice.choice("tf"),
        "interests": [dice.choice(INTERESTS)],
        "hourly": {str(dice.randrange(24)): dice.randrange(1, 9)},
    }


def _birthday(dice: random.Random) -> str:
    year, month, day = dice.randrange(1940, 2006), dice.randrange(1, 13), dice.randrange(1, 29)
    return f"{year}-{month:02d}-{day:02d}T00:00:00Z"


def populate(
    account: Account,
    people: int,
    audiences: int,
    *,
    seed: int,
    overlap: float,
    outside: float,
    without_email: float,
) -> list[str]:
    """Add people to the account's first audiences, and create missing audiences.

    Args:
        account: The account. No events are published.
        people: The number of people.
        audiences: The number of audiences. The first one's slug is `high_value_users`.
        seed: The seed of all choices.
        overlap: The probability of a person to be in each further audience.
        outside: The share of people who are in no audience (yet).
        without_email: The share of people without an e-mail.

    Returns:
        The audiences' ids.
    """
    dice = random.Random(seed)
    with account.lock:
        chosen = [_audience(account, number) for number in range(audiences)]
        ids = [audience.id for audience in chosen]
        first = account.profiles_added
        for number in range(first, first + people):
            fields = made_up_person(number, dice)
            if without_email and dice.random() < without_email:
                del fields["email"]
            if dice.random() < outside:
                account.add_profile(fields)
                continue
            home = dice.randrange(audiences)
            account.add_profile(
                fields, [name for i, name in enumerate(ids) if i == home or dice.random() < overlap]
            )
    return ids


def make_events(
    account: Account, count: int, *, seed: int, audiences: Sequence[Audience], fields: Sequence[str]
) -> list[Occurrence]:
    """Make events for random people, in order. Half of the events concern a twentieth of the people.

    Only members change, and only the given fields, so that no field changes without an event.

    Raises:
        ValueError: The account has no people or no audiences.
    """
    dice = random.Random(seed)
    with account.lock:
        people = list(account.profiles.values())
        if not people or not audiences:
            raise ValueError("events need people and audiences: populate the twin first")
        busy = people[: max(1, len(people) // 20)]
        happened: list[Occurrence] = []
        while len(happened) < count:
            profile = dice.choice(busy if dice.random() < 0.5 else people)
            occurrence = _happen(account, profile, dice, audiences, fields)
            if occurrence is not None:
                happened.append(occurrence)
    return happened


def _happen(
    account: Account,
    profile: Profile,
    dice: random.Random,
    audiences: Sequence[Audience],
    fields: Sequence[str],
) -> Occurrence | None:
    inside = [audience for audience in audiences if audience.id in profile.audiences]
    outside = [audience for audience in audiences if audience.id not in profile.audiences]
    draw = dice.random()
    if outside and (draw < 0.4 or not inside):
        return account.enter(profile, dice.choice(outside))
    if draw < 0.7 or not fields:
        return account.exit(profile, dice.choice(inside))
    fresh = made_up_person(0, dice)
    return account.change(profile, {name: fresh[name] for name in dice.sample(fields, min(2, len(fields)))})


def _audience(account: Account, number: int) -> Audience:
    name = AUDIENCE_NAMES[number] if number < len(AUDIENCE_NAMES) else f"Audience {number + 1}"
    try:
        return account.audience(name.lower().replace(" ", "_"))
    except Unknown:
        identity = f"{random.Random(f'audience {number}').getrandbits(128):032x}"
        return account.add_audience(name, audience_id=identity)
