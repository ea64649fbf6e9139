"""Settings come from environment variables; one error names every fault."""

from dataclasses import dataclass, fields

import pytest

from functions.deliver.settings import DeliverSettings
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


@dataclass(frozen=True)
class _Share:
    share: float


def test_a_percentage_may_be_a_decimal() -> None:
    assert read_settings(_Share, {"SHARE": "0.5"}).share == 0.5


@pytest.mark.parametrize("text", ["0.5", "5.0", "1_0", " 5", "-5", "\u0665", "1e1"])
def test_a_whole_number_has_digits_only(text: str) -> None:
    with pytest.raises(StopRun, match="DELAY_S is not a whole number"):
        read_settings(Settings, {"TABLE": "exports", "DELAY_S": text})


@pytest.mark.parametrize("text", ["nan", "inf", "1_0", "-1", "1e999"])
def test_a_percentage_is_finite_and_not_negative(text: str) -> None:
    with pytest.raises(StopRun, match="SHARE is not a number"):
        read_settings(_Share, {"SHARE": text})


def test_a_percentage_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(StopRun, match="SHARE is not a number: 'half'"):
        read_settings(_Share, {"SHARE": "half"})


def test_the_limit_of_deliver_is_a_decimal() -> None:
    (limit,) = [field for field in fields(DeliverSettings) if field.name == "rejected_percent_limit"]
    assert limit.type is float
