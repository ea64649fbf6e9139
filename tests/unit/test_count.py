"""Every folder of tests is counted, and said to be a test or a part of the platform."""

from tests.count import PLATFORM, PROPER, counted, table
from tests.modules import ROOT

TESTS = ROOT / "tests"


def test_every_folder_of_tests_is_counted_and_described() -> None:
    folders = {path.name for path in TESTS.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {*PROPER, *PLATFORM}
    readme = (TESTS / "README.md").read_text()
    assert {name for name in folders if f"`{name}/`" not in readme} == set()


def test_counts_tests_of_this_folder() -> None:
    assert counted(TESTS / "unit")["tests"] > 100
    assert "tests proper" in table()
