"""Another export adds an audience again while a run of the account deletes its segment, in any order."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from functions.clear.finish import finish
from functions.provision.provisioning import provision
from lytics_sendgrid.domain.configuration import Account, AudienceState
from lytics_sendgrid.errors import ConfigurationChanged
from lytics_sendgrid.sendgrid.resources import same_query, segment_query
from lytics_sendgrid.tables.walks import WalksTable
from lytics_sendgrid.workflow.export_run import ExportRun
from tests.clock import ManualClock
from tests.doubles.adapters import exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.doubles.sendgrid import SendGridInMemory
from tests.run_state import run_state

FIRST = "1" * 32
MAX_EFFECTS = 30


class Meanwhile(list[str]):
    """SendGrid's calls. Before the nth call to SendGrid or the exports table, another run works."""

    def __init__(self) -> None:
        self.left = 0
        self.other: Callable[[], None] = lambda: None

    def append(self, call: str) -> None:
        super().append(call)
        self.pass_by()

    def pass_by(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.other()


class Scene:
    """An account with a cleared audience, whose segment is to be deleted."""

    def __init__(self) -> None:
        self.dynamodb, self.clock = DynamoDb(), ManualClock()
        self.sendgrid, self.configurations = SendGridInMemory(), exports_table(self.dynamodb)
        self.start("news", exists=False)
        known = replace(
            self.account.audiences[FIRST], exports=(), state=AudienceState.CLEARED, delete_segment=True
        )
        version = self.account.version
        cleared = replace(self.account, audiences={FIRST: known}, version=version + 1)
        self.configurations.put_account(cleared, version)
        self.sendgrid.calls = self.meanwhile = Meanwhile()
        self.dynamodb.calls.before = self.meanwhile.pass_by

    @property
    def account(self) -> Account:
        return self.configurations.account("main")

    def start(self, export: str, *, exists: bool) -> None:
        segment: dict[str, Any] = {"audience": FIRST, "name": "First", "field": "lytics_segments"}
        config = {
            "adopt": True,
            "email_field": "email",
            "mapping": [],
            "membership_fields": {"lytics_segments": None},
            "list": None,
            "segments": [segment | ({"exists": True} if exists else {})],
        }
        audiences = [{"id": FIRST, "name": "First", "slug": "first"}]
        state = run_state(export=export, account="main", audiences=audiences, config=config)
        run = ExportRun.read(state)
        repeated(lambda: provision(run, self.sendgrid, self.configurations, self.clock))

    def finish(self) -> None:
        client: Any = self.dynamodb
        walks = WalksTable(client, "exports")
        repeated(lambda: finish("run", "main", self.sendgrid, self.configurations, walks, clock=self.clock))


def repeated(step: Callable[[], object]) -> None:
    """Do a step again while another run writes the configuration, as the state machine does."""
    for _ in range(5):
        try:
            step()
        except ConfigurationChanged:
            continue
        return
    pytest.fail("the step never ends")


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("starts_first", [True, False])
@pytest.mark.parametrize("effect", range(1, MAX_EFFECTS))
def test_audience_added_again_has_a_segment_of_ours(effect: int, *, starts_first: bool, exists: bool) -> None:
    scene = Scene()
    steps = [lambda: scene.start("other", exists=exists), scene.finish]
    interrupted, other = steps if starts_first else reversed(steps)
    scene.meanwhile.left, scene.meanwhile.other = effect, other
    interrupted()
    if scene.meanwhile.left > 0:
        # The step had fewer effects.
        other()
    known = scene.account.audiences[FIRST]
    assert (known.state, known.exports, known.made) == (AudienceState.LIVE, ("other",), True)
    (segment,) = scene.sendgrid.all_segments
    assert (segment.id, segment.name) == (known.segment_id, "First")
    assert same_query(str(segment.query), segment_query("lytics_segments", FIRST))
    scene.finish()
    assert scene.account.audiences[FIRST] == known
    assert scene.account.segments_begun == frozenset()
