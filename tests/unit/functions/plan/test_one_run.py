"""One run of an export at a time."""

import pytest

from functions.plan.one_run import other_run
from lytics_sendgrid.domain.execution import Execution, RunPlace
from lytics_sendgrid.errors import ConfigurationChanged

STARTED_S = 1_795_392_000
"""2026-11-23 00:00 UTC."""


class Scene:
    """Which execution is the last of an export, and which executions there are."""

    def __init__(self, last: str | None, *executions: Execution, begun_s: int = STARTED_S) -> None:
        self.last = last
        self.begun_s = begun_s
        self.executions = {execution.arn: execution for execution in executions}
        self.others: list[str] = []

    def running(self, export: str) -> RunPlace | None:
        return None if self.last is None else RunPlace(self.last, self.begun_s)

    def put_running(self, export: str, place: RunPlace, expected: str | None) -> bool:
        if self.others:
            self.last = self.others.pop()
        if self.last != expected:
            return False
        self.last = place.execution
        return True

    def describe(self, arn: str) -> Execution | None:
        return self.executions.get(arn)

    def begin(self, execution: str = "arn:new") -> str:
        return other_run("newsletter", RunPlace(execution, STARTED_S + 3_600), self, self)


def running(arn: str) -> Execution:
    return Execution(arn, arn, "RUNNING", STARTED_S)


def ended(arn: str, goes_on_in: str | None = None) -> Execution:
    return Execution(arn, arn, "SUCCEEDED", STARTED_S, output={"goes_on_in": goes_on_in})


@pytest.mark.parametrize(
    "scene",
    [Scene(None), Scene("arn:old", ended("arn:old")), Scene("arn:forgotten"), Scene("arn:new")],
    ids=["first", "ended", "forgotten", "repeated"],
)
def test_place_that_nobody_holds_is_taken(scene: Scene) -> None:
    assert scene.begin() == ""
    assert scene.last == "arn:new"


def test_other_run_is_named_with_how_to_stop_it() -> None:
    scene = Scene("arn:aws:states:old", running("arn:aws:states:old"))
    words = scene.begin()
    assert "another run of the export 'newsletter' is under way: 'old', started 2026-11-23 00:00 UTC" in words
    assert "aws stepfunctions stop-execution --execution-arn arn:aws:states:old" in words
    assert "Stopping a run is safe" in words
    assert scene.last == "arn:aws:states:old"


def test_run_that_goes_on_elsewhere_holds_its_place() -> None:
    chain = (ended("arn:old", "arn:second"), ended("arn:second", "arn:third"))
    words = Scene("arn:old", *chain, running("arn:third")).begin()
    assert "'old'" in words
    assert "--execution-arn arn:third" in words
    assert Scene("arn:old", *chain, ended("arn:third")).begin() == ""


def test_run_that_was_just_started_holds_its_place() -> None:
    scene = Scene("arn:other", begun_s=STARTED_S + 3_541)
    words = scene.begin()
    assert "'other', started 2026-11-23 00:59 UTC" in words
    assert "--execution-arn arn:other" in words
    assert Scene("arn:other", begun_s=STARTED_S + 3_540).begin() == ""


def test_run_that_was_just_handed_over_holds_its_place() -> None:
    scene = Scene("arn:old", ended("arn:old", "arn:second"))
    words = scene.begin()
    assert "another run of the export 'newsletter' is under way: 'old', started 2026-11-23 00:00 UTC" in words
    assert "--execution-arn arn:second" in words
    assert scene.last == "arn:old"


def test_chain_without_end_holds_no_place() -> None:
    assert Scene("arn:old", ended("arn:old", "arn:old")).begin() == ""


def test_lost_race_asks_again() -> None:
    scene = Scene(None, running("arn:faster"))
    scene.others = ["arn:faster"]
    assert "--execution-arn arn:faster" in scene.begin()


def test_many_lost_races_are_tried_again_later() -> None:
    scene = Scene(None)
    scene.others = [f"arn:{n}" for n in range(9)]
    with pytest.raises(ConfigurationChanged, match="begin at the same time"):
        scene.begin()
