"""Each file is read once; no test changes what it is given."""

import pytest

from tests.template.sources import REPOSITORY, StateMachine, Template


@pytest.fixture(scope="session")
def template() -> Template:
    return Template()


@pytest.fixture(scope="session")
def machine() -> StateMachine:
    return StateMachine()


@pytest.fixture(scope="session")
def readme() -> str:
    return (REPOSITORY / "README.md").read_text()
