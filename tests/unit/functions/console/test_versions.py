import tomllib
from pathlib import Path

from functions.console.versions import PRODUCT, versions

PROJECT = Path(__file__).parents[4] / "pyproject.toml"


def test_versions_are_those_of_the_project() -> None:
    assert tomllib.loads(PROJECT.read_text())["project"]["version"] == PRODUCT
    assert {"lytics-sendgrid", "Python", "Jinja2", "htmx.org"} == versions().keys()
