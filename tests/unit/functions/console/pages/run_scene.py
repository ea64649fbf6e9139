"""A console with an export that has runs."""

from dataclasses import replace
from typing import Any, Final, cast

from lytics_sendgrid.domain.checkpoint import Checkpoint
from lytics_sendgrid.domain.execution import Execution
from lytics_sendgrid.tables.days import DaysTable
from lytics_sendgrid.tables.run_history import RunHistory
from lytics_sendgrid.workflow.run_record import RunRecord
from tests.newsletter import HIGH_VALUE, NEWSLETTER, READERS
from tests.unit.functions.console.runs.test_report import AUDIENCE, REPORT
from tests.unit.functions.console.scene import Scene

RUN: Final = "console-1"
PATH: Final = f"/runs/newsletter/{RUN}"
ODD_NAME: Final = '<script>alert("x")</script> \u202eevil'


def scene_with_export(**changes: Any) -> Scene:
    """Return a console with the export ``newsletter``."""
    scene = Scene()
    scene.exports.put_export(replace(NEWSLETTER, **changes))
    return scene


def history(scene: Scene) -> RunHistory:
    return RunHistory(cast(Any, scene.dynamodb), "exports")


def days(scene: Scene) -> DaysTable:
    return DaysTable(cast(Any, scene.dynamodb), "exports")


def begin(
    scene: Scene,
    run: str = RUN,
    *states: str,
    started_at: str = "2026-11-18T11:06:40Z",
    document: dict[str, Any] | None = None,
    **more: Any,
) -> str:
    """Begin a run, and return the ARN of its execution."""
    arn = scene.executions.run(run, {"export": "newsletter"} | (document or {}))
    scene.executions.states[arn] = states
    names = [{"id": HIGH_VALUE, "name": ODD_NAME}, {"id": READERS, "name": "Readers"}]
    base = {"run": run, "started_at": started_at, "people": 1_000, "audiences": names, "backfill": True}
    history(scene).record_run("newsletter", RunRecord.read(base | more), int(scene.clock.now()))
    return arn


def scan(scene: Scene, scanned: int, run: str = RUN, **more: Any) -> None:
    """Write how far a scan is."""
    checkpoint = Checkpoint(scanned=scanned, largest=600, began_s=int(scene.clock.now()) - 40, **more)
    scene.exports.put_scan(run, HIGH_VALUE, checkpoint, int(scene.clock.now()))


def finish(scene: Scene, run: str = RUN, report: dict[str, Any] | None = None, **more: Any) -> None:
    """End a run with a report."""
    document = REPORT | {"run": run, "audiences": [AUDIENCE | {"name": ODD_NAME}]} | (report or {})
    scene.exports.put_report("newsletter", run, document)
    base = {
        "run": run,
        "started_at": document["started_at"],
        "finished_at": document["finished_at"],
        "live": document["live"],
        "backfill": True,
        "audiences": [{"id": "5f1c", "lytics": 100, "sendgrid": 90}],
        "added": 1_234,
        "rejected": 3,
    }
    history(scene).record_run("newsletter", RunRecord.read(base | more), int(scene.clock.now()))
    arn = scene.executions.arn(run)
    if arn in scene.executions.started:
        scene.executions.end(arn, output=document)


def execution(scene: Scene, run: str = RUN) -> Execution:
    return scene.executions.started[scene.executions.arn(run)]
