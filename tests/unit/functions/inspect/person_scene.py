"""A person for whom the ledger, SendGrid and Lytics agree."""

from functions.inspect.differences import IN_FLIGHT_MS
from functions.inspect.findings import Findings
from lytics_sendgrid.domain.configuration import (
    Account,
    Audience,
    Export,
    FieldKind,
    MappedField,
    ProvisionedAudience,
)
from lytics_sendgrid.domain.contact import Contact
from lytics_sendgrid.lytics.documents import LyticsPerson
from lytics_sendgrid.sendgrid.resources import SendGridContact

FIRST, SECOND = "1" * 32, "2" * 32
NOW_MS = 1_795_000_000_000
SENT_MS = NOW_MS - IN_FLIGHT_MS
NAME = MappedField("first_name", "first_name", "first_name", FieldKind.TEXT, 50)
VALUE = MappedField("ltv", "e2_N", "ltv", FieldKind.NUMBER, 1000)
BORN = MappedField("birthday", "e3_D", "birthday", FieldKind.DATE, 1000)
EXPORT = Export(
    "news",
    "default",
    "main",
    2,
    "email",
    (NAME, VALUE, BORN),
    (Audience(FIRST, "First", "first"), Audience(SECOND, "Second", "second")),
    lytics_job="j1",
)
ACCOUNT = Account(
    "main",
    2,
    {"lytics_segments": "e1_T"},
    {
        FIRST: ProvisionedAudience("lytics_segments", "s1", None, ("news",)),
        SECOND: ProvisionedAudience("lytics_segments", "s2", None, ("news",)),
    },
)
CONTACT = Contact(
    1,
    {FIRST: 7_000_000_000, SECOND: -8_000_000_000},
    {"first_name": (1, "Jane"), "e2_N": (1, 12.5), "e3_D": (1, "1990-02-03T00:00:00Z")},
    (),
    "job-7",
    SENT_MS,
    "row",
    2,
)
SENDGRID = SendGridContact(
    "c1",
    {"first_name": "Jane", "updated_at": "2026-11-23T00:00:00Z"},
    {"lytics_segments": FIRST, "ltv": "12.50", "birthday": "1990-02-03T00:00:00+00:00"},
    (),
    ("s1",),
)
LYTICS = LyticsPerson(
    {"first_name": "Jane", "ltv": "12.50", "birthday": "1990-02-03"}, frozenset({FIRST}), frozenset({"first"})
)
AGREED = Findings(EXPORT, ACCOUNT, CONTACT, SENDGRID, None, LYTICS, None, None, NOW_MS)
