"""Each file is read once; no test changes what it is given."""

import pytest

from tests.template.sources import StateMachine, Template


@pytest.fixture(scope="session")
def template() -> Template:
    return Template()


@pytest.fixture(scope="session")
def machine() -> StateMachine:
    return StateMachine()
