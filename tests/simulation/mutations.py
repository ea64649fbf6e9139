"""Break the protocol on purpose, one rule at a time. The simulation must notice each."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from functions.confirm import follow
from functions.confirm.follow import ImportJobFollower
from functions.deliver import decide, intake, merge, rounds, send
from functions.deliver.exchange import Exchange
from functions.deliver.export_views import ExportViews
from functions.deliver.received import ReceivedMessage
from functions.deliver.refreshes import Refreshes
from functions.deliver.requeue import Requeuer
from functions.deliver.rounds import Rounds
from functions.deliver.send import Sending
from functions.deliver.upsert import Upsert
from lytics_sendgrid.sendgrid.contacts import SendGridContacts
from lytics_sendgrid.sendgrid.import_job import Job
from lytics_sendgrid.tables.contacts import ContactsTable
from tests.simulation import broken, schedule
from tests.simulation.erasure_mutations import ERASURE_MUTATIONS
from tests.simulation.mutation import Mutation
from tests.simulation.queues import Queue
from tests.simulation.run_mutations import RUN_MUTATIONS
from tests.simulation.scenario import Bias


@contextmanager
def applied(mutation: Mutation) -> Iterator[None]:
    """Break the product within a ``with`` block."""
    with ExitStack() as stack:
        for owner, attribute, replacement in mutation.patches:
            stack.enter_context(patch.object(owner, attribute, replacement))
        yield


_ORDER: Final = Bias(only=(), contacts=1, spread_s=60.0, publishes=0.0, bad=0.0)
"""One contact with a few changes close together. Nothing fails; import jobs run in any order."""


def _with(**rates: float) -> Bias:
    """Return a bias towards one contact, with faults that are always present."""
    return replace(_ORDER, always=rates)


_ABANDONED: Final = replace(
    _with(abandoned=0.4),
    spread_s=700.0,
    events=(3, 4, 5, 6),
    audiences=1,
    fixed={"job_max_s": 700.0, "consumers": 3, "batch": 1, "faults": 3},
)
"""Consumers die before they can record their requests, with several changes within one job's duration."""


def _fixed(**fields: Any) -> Mapping[str, Any]:
    return {**_ABANDONED.fixed, **fields}


MUTATIONS: Final[Mapping[str, Mutation]] = {
    "no_version_condition": Mutation(
        "a commit overwrites what another consumer committed in the meantime",
        [(ContactsTable, "_statement", broken.changed(ContactsTable._statement, broken.unconditional))],
        replace(_with(stale_read=0.5), spread_s=0.2),
    ),
    "no_quiet_resend": Mutation(
        "nothing follows a request while another may be in flight",
        [(Refreshes, "_races", broken.no)],
        _ORDER,
    ),
    "no_refresh_on_redelivery": Mutation(
        "a redelivered message, or one requeued as uncertain, is treated as new",
        [(ReceivedMessage, "returned", property(broken.no))],
        _ABANDONED,
        first=64,
    ),
    "refresh_skips_equal_rows": Mutation(
        "a refresh sends nothing if the row equals the ledger's",
        [(decide, "_is_due", broken.no)],
        _ORDER,
    ),
    "sent_is_stamped_after_the_answer": Mutation(
        "`sent` is our clock after the request",
        [(send, "accept", broken.stamped_late)],
        _ORDER,
    ),
    "arrival_order": Mutation(
        "the change that arrives last wins", [(merge, "_is_later", broken.yes)], _ORDER
    ),
    "tie_enters": Mutation(
        "an enter wins over an exit at the same time",
        [(merge, "_is_later", broken.tie_enters)],
        _ORDER,
    ),
    "drop_on_conflict": Mutation(
        "a consumer whose commit loses the race drops its changes",
        [(ContactsTable, "commit", broken.changed(ContactsTable.commit, broken.nobody))],
        replace(_with(stale_read=0.5), spread_s=0.2),
    ),
    "lost_race_is_not_sent_again": Mutation(
        "a consumer that loses the race and finds its row in the ledger does not send it again",
        [(rounds, "decide", broken.equal_if_not_news)],
        replace(_ORDER, spread_s=0.2),
    ),
    "failed_job_is_done": Mutation(
        "a failed import job is treated as completed",
        [(SendGridContacts, "job", broken.changed(SendGridContacts.job, broken.completed))],
        _with(job_failed=0.5),
    ),
    "late_job_is_not_refreshed": Mutation(
        "no refresh follows a job that took longer than the delay",
        [(Job, "took_s", broken.no_time)],
        _with(job_late=0.5),
    ),
    "late_job_is_stamped_with_its_sent": Mutation(
        "contacts sent while a late job ran are not refreshed, although it may overwrite them",
        [(follow, "overwritten", broken.stamped_as_sent)],
        replace(_with(job_late=0.5), spread_s=700.0),
    ),
    "abandoned_job_is_not_followed": Mutation(
        "a job that was given up, and ends after all, is not followed",
        [(ImportJobFollower, "_follow_abandoned", broken.left_alone)],
        replace(_with(job_stuck=0.7), spread_s=700.0),
        first=37,
    ),
    "errors_file_is_not_read": Mutation(
        "an errored import job is treated as completed",
        [(follow, "after_errors", broken.no_consequences)],
        replace(_ORDER, bad=1.0),
    ),
    "bad_row_rejects_its_batch": Mutation(
        "a refusal that names no row rejects every row",
        [(Upsert, "_narrow", broken.all_refused)],
        replace(_ORDER, bad=0.5, contacts=3),
    ),
    "bad_row_hides_its_exit": Mutation(
        "a row refused for its fields is not resent without them",
        [(Upsert, "_narrow", broken.refused_at_once)],
        replace(_ORDER, bad=1.0),
    ),
    "late_refusal_hides_an_exit": Mutation(
        "a row that fails in its job for its fields is not resent without them",
        [(decide, "_fields_were_refused", broken.no)],
        replace(_ORDER, bad=1.0),
    ),
    "reject_of_an_older_row_counts": Mutation(
        "a late refusal is applied to a row that was sent later",
        [(merge, "_rejected", broken.any_row)],
        replace(_ORDER, bad=1.0),
    ),
    "deleted_before_its_commit": Mutation(
        "a message is deleted when it is received",
        [(Queue, "receive", broken.received_and_deleted)],
        _with(crash=0.1),
    ),
    "commit_before_send": Mutation(
        "the ledger is ahead of SendGrid",
        [(Rounds, "_round", broken.committed_first)],
        _with(busy=0.6, abandoned=0.1),
        first=10,
    ),
    "leftovers_are_dropped": Mutation(
        "changes that ran out of time are not requeued",
        [(Requeuer, "requeue", broken.nothing)],
        _with(busy=0.6),
    ),
    "throttled_commit_is_done": Mutation(
        "a throttled statement is treated as executed",
        [(ContactsTable, "_write", broken.half_written)],
        _with(statement_refused=0.5),
    ),
    "suspects_stay_together": Mutation(
        "a message that may have killed its consumers is processed with its neighbors",
        [(ReceivedMessage, "is_suspect", property(broken.no))],
        Bias(only=(), poison=1.0, contacts=3, spread_s=5.0),
    ),
    "newer_configuration_is_not_read": Mutation(
        "a cached configuration is kept although a message was written with a newer one",
        [(ExportViews, "view", broken.view_as_it_is)],
        replace(
            _ORDER,
            spread_s=15.0,
            events=(3, 4, 5, 6),
            fixed={"publishes_s": (8.0,), "consumers": 1, "batch": 1},
        ),
    ),
    "job_is_counted_before_it_is_followed": Mutation(
        "a run waits for a job that nobody follows",
        [(Exchange, "_queue_import", broken.counted_first)],
        _with(send_refused=0.3),
    ),
    "stale_read_drops_a_refresh": Mutation(
        "a refresh is dropped if a stale read misses its contact",
        [(rounds, "needs_consistent_read", broken.no)],
        _with(stale_read=0.6, job_failed=0.5),
    ),
    "redriven_is_treated_as_new": Mutation(
        "the redrive command does not mark its messages",
        [(schedule, "dead_changes", broken.unmarked)],
        replace(_ABANDONED, fixed=_fixed(receives=1)),
        first=64,
    ),
    "requeued_is_treated_as_new": Mutation(
        "a requeued message does not say that a request may be in flight",
        [(intake, "is_uncertain", broken.no)],
        replace(_ABANDONED, always={"statement_refused": 1.0}, spread_s=10.0, fixed=_fixed(faults=6)),
        first=141,
    ),
    "nothing_follows_a_lost_answer": Mutation(
        "a request whose answer was lost is treated as not made",
        [(Refreshes, "after_lost_answer", broken.nothing)],
        replace(_with(lost_answer=0.97), spread_s=700.0, fixed={"faults": 12, "job_max_s": 700.0}),
        first=476,
    ),
    "refused_list_is_not_left_to_its_export": Mutation(
        "a contact sent without another export's list, because SendGrid refused that list, is never put "
        "on it",
        [(Sending, "_leave_to_owner", broken.nothing)],
        Bias(
            only=(),
            always={"list_gone": 0.3, "job_failed": 0.3},
            two_exports=1.0,
            publishes=0.0,
            bad=0.0,
            fixed={"second_list": True, "job_max_s": 700.0},
        ),
        first=98,
    ),
    "returned_no_op_is_not_followed": Mutation(
        "nothing follows a redelivered message that changes nothing",
        [(Refreshes, "before_commit", broken.nothing)],
        _ABANDONED,
        first=64,
    ),
    **RUN_MUTATIONS,
    **ERASURE_MUTATIONS,
}
