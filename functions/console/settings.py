"""Settings of `console`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """The environment variables of ``console``.

    Attributes:
        console_table: sessions, sign-ins under way, drafts, the vendors' catalogues.
        exports_table: configurations, runs, reports.
        contacts_table: of which only the index of rejected contacts is read.
        console_base_url: of the console, without a trailing slash.
        console_issuer: of the sign-in provider.
        console_client_id: the console's id at the provider.
        console_client_credentials: the name of the secret with the client secret; ``none``: a public client.
        console_operators: addresses and ``group:<name>``, separated by commas; a comma alone for nobody.
        console_viewers: as ``console_operators``, and ``@domain``.
        console_groups_claim: the claim with the groups.
        state_machine_arn: of exports.
        inspect_function: its name.
        catalogue_function: its name.
        resync_schedule: when exports are resynced, as EventBridge writes it; ``none``: by no schedule.
        changes_queue_url: of the queues, only counts are read; so are the four below.
        imports_queue_url: of SendGrid's import jobs.
        changes_dead_letter_queue_url: of changes that were given up.
        imports_dead_letter_queue_url: of import jobs that were given up.
        rejects_queue_url: of events that could not be read.
        alarm_prefix: with which the names of the stack's alarms begin.
    """

    console_table: str
    exports_table: str
    contacts_table: str
    console_base_url: str
    console_issuer: str
    console_client_id: str
    console_client_credentials: str
    console_operators: str
    console_viewers: str
    console_groups_claim: str
    state_machine_arn: str
    inspect_function: str
    catalogue_function: str
    resync_schedule: str
    changes_queue_url: str
    imports_queue_url: str
    changes_dead_letter_queue_url: str
    imports_dead_letter_queue_url: str
    rejects_queue_url: str
    alarm_prefix: str
