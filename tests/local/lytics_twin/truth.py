"""The ground truth for checks: memberships, fields, and the jobs' counts."""

from collections.abc import Iterable
from typing import Any

from tests.local.lytics_twin.account import Account
from tests.local.lytics_twin.jobs import Job

Json = dict[str, Any]


def truth(account: Account) -> dict[str, Json]:
    """Return, for each e-mail in lower case, `audiences` (ids), `announced` (ids) and `fields` now.

    `announced` are the audiences of events that a job has received. A person who is in no audience and was
    announced in none has no contact in SendGrid. Profiles that share an e-mail are merged. Fields of people
    in no audience may have changed without an event.
    """
    people: dict[str, Json] = {}
    with account.lock:
        for profile in account.profiles.values():
            if profile.email is None:
                continue
            entry = people.setdefault(profile.email, {"audiences": set(), "announced": set(), "fields": {}})
            entry["audiences"] |= profile.audiences
            entry["announced"] |= profile.announced
            entry["fields"] |= profile.fields
    for entry in people.values():
        entry["audiences"], entry["announced"] = sorted(entry["audiences"]), sorted(entry["announced"])
    return people


def state(account: Account, jobs: Iterable[Job]) -> Json:
    """Return the audiences' sizes and the jobs with their counts."""
    with account.lock:
        audiences = [
            {"id": audience.id, "slug": audience.slug, "name": audience.name, "size": len(audience.members)}
            for audience in account.audiences.values()
        ]
        people = len(account.profiles)
    job_states = [
        job.as_json() | ({"counts": job.sender.counts_json()} if job.sender else {}) for job in jobs
    ]
    return {"people": people, "audiences": audiences, "jobs": job_states}
