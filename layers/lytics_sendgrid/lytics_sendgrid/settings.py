"""Settings of each function, parsed once from its environment, all faults reported at once."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from lytics_sendgrid.errors import StopRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """What ingest needs."""

    changes_queue_url: str
    rejects_queue_url: str
    exports_table: str
    secret_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """What deliver needs. Delays are in seconds."""

    changes_queue_url: str
    imports_queue_url: str
    contacts_table: str
    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    no_audience_value: str
    refresh_delay_s: int
    confirm_delay_s: int
    stop_retry_s: int
    rejected_percent_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """What confirm needs."""

    changes_queue_url: str
    imports_queue_url: str
    imports_dead_letter_queue_url: str
    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    refresh_delay_s: int
    confirm_delay_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What plan and provision need."""

    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    lytics_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate:
    """What activate needs."""

    exports_table: str
    secret_prefix: str
    lytics_url: str
    webhook_base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """What backfill needs."""

    changes_queue_url: str
    exports_table: str
    secret_prefix: str
    lytics_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """What settle needs."""

    exports_table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What report needs."""

    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    lytics_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """What inspect needs."""

    contacts_table: str
    exports_table: str
    secret_prefix: str
    sendgrid_url: str
    lytics_url: str
    no_audience_value: str


def settings[S](cls: type[S], environment: Mapping[str, str]) -> S:
    """Read a function's settings: the field ``exports_table`` from the variable ``EXPORTS_TABLE``, and so on.

    Args:
        cls: one of this module's classes.
        environment: usually ``os.environ``.

    Raises:
        StopRun: variables are missing or are not of their type; the message names every one.
    """
    values: dict[str, str | int] = {}
    faults = []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        name = field.name.upper()
        text = environment.get(name, "")
        if not text:
            faults.append(f"{name} is not set")
        elif field.type is int:
            try:
                values[field.name] = int(text)
            except ValueError:
                faults.append(f"{name} is no whole number: {text!r}")
        else:
            values[field.name] = text
    if faults:
        raise StopRun(f"the function's environment is wrong: {'; '.join(faults)}: deploy the template again")
    return cls(**values)
