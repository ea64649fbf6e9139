"""Who started a run in the console."""

from functions.console.runs.starter import starter
from tests.unit.functions.console.scene import Scene


def test_starter_is_named_for_90_days() -> None:
    scene = Scene()
    scene.store.put("run#r", {"name": "olga@example.com"}, 100)
    assert starter(scene.store, "r", 99) == "olga@example.com"
    assert starter(scene.store, "r", 100) is None
    assert starter(scene.store, "other", 1) is None
