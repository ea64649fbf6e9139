"""Configurations are cached for some seconds, and read again when a newer version is known to exist."""

from dataclasses import replace

import pytest

from functions.deliver.export_views import ExportViews, View
from lytics_sendgrid.domain.configuration import Account, ProvisionedAudience
from lytics_sendgrid.domain.stop import Stop
from tests.clock import ManualClock
from tests.doubles.adapters import erasures_table, exports_table
from tests.doubles.dynamodb import DynamoDb
from tests.unit.functions.deliver.example_export import EXPORT, READERS

ACCOUNT = Account(
    "acme",
    3,
    {"lytics_segments": "e9_T"},
    {READERS: ProvisionedAudience("lytics_segments", "s1", None, ("newsletter",))},
)


class Scene:
    def __init__(self, max_age_s: float = 20.0) -> None:
        self.dynamodb, self.clock = DynamoDb(), ManualClock()
        self.table = exports_table(self.dynamodb, ACCOUNT, EXPORT)
        erasures = erasures_table(self.dynamodb)
        self.cache = ExportViews(self.table, erasures, "nobody", self.clock, max_age_s=max_age_s)

    @property
    def reads(self) -> int:
        """The number of times that the export's configuration was read."""
        keys = [request["Key"] for request in self.dynamodb.calls.of("GetItem")]
        return keys.count({"pk": {"S": "export#newsletter"}, "sk": {"S": "config"}})

    def view(self, version: int = 0) -> View:
        view = self.cache.view("newsletter", version)
        assert view is not None
        return view


def test_view_holds_export_form_and_stop() -> None:
    scene = Scene()
    scene.table.put_stop("newsletter", Stop("why", 1, 2))
    view = scene.view()
    assert (view.export, view.stop) == (EXPORT, Stop("why", 1, 2))
    assert (view.form.version, view.form.no_audience_value, view.form.lists) == (3, "nobody", {})


@pytest.mark.parametrize("max_age_s", [1.0, 20.0])
def test_view_is_read_again_when_it_is_old(max_age_s: float) -> None:
    scene = Scene(max_age_s)
    scene.view()
    scene.clock.move(max_age_s - 0.1)
    scene.view()
    assert scene.reads == 1
    scene.clock.move(0.2)
    scene.view()
    assert scene.reads == 2


def test_view_from_the_future_is_read_again() -> None:
    scene = Scene()
    scene.view()
    scene.clock.move(-3600)
    scene.view()
    assert scene.reads == 2


def test_lifted_stop_delays_nothing() -> None:
    scene = Scene()
    scene.table.put_stop("newsletter", Stop("why", 1, 2))
    scene.view()
    scene.table.lift_stop("newsletter", 3)
    assert scene.view().stop is None
    scene.view()
    assert scene.reads == 2


def test_newer_version_is_read_at_once() -> None:
    scene = Scene()
    scene.view(3)
    scene.table.put_account(replace(ACCOUNT, version=4), read_version=3)
    assert scene.view(4).form.version == 4
    assert scene.reads == 2


def test_missing_version_is_looked_up_once() -> None:
    scene = Scene()
    assert [scene.view(9).form.version for _ in range(100)] == [3] * 100
    assert scene.reads == 1
    scene.view(10)
    assert scene.reads == 2


def test_forgotten_export_is_read_again() -> None:
    scene = Scene()
    scene.view()
    scene.cache.forget("newsletter")
    scene.cache.forget("newsletter")
    scene.view()
    assert scene.reads == 2


def test_unknown_export_has_no_view() -> None:
    assert Scene().cache.view("nobody") is None


def test_export_without_membership_field_has_no_view() -> None:
    scene = Scene()
    scene.table.put_account(Account("acme", 4), read_version=3)
    assert scene.cache.view("newsletter") is None


def test_exports_own_list_counts_as_configured() -> None:
    scene = Scene()
    scene.table.put_export(replace(EXPORT, list_id="list-1"))
    assert scene.view().form.lists == {"list-1": "newsletter"}
