"""Settings come from environment variables; one error names every fault."""

from dataclasses import dataclass

import pytest

from lytics_sendgrid.errors import StopRun
from lytics_sendgrid.settings import read_settings


@dataclass(frozen=True)
class Settings:
    table: str
    delay_s: int


def test_settings_are_read_by_name_and_type() -> None:
    environment = {"TABLE": "exports", "DELAY_S": "60", "PATH": "/bin"}
    assert read_settings(Settings, environment) == Settings("exports", 60)


def test_all_faults_of_the_environment_are_reported_at_once() -> None:
    with pytest.raises(StopRun, match=r"TABLE is not set; DELAY_S is not a whole number: 'soon'"):
        read_settings(Settings, {"TABLE": "", "DELAY_S": "soon"})
