"""Parameters are described, bounded, documented and reach the code under the names that it reads."""

import ast
import dataclasses
import importlib
import re
import tomllib
from typing import Any

import pytest

from tests.documents import table
from tests.local.deployment import DELAYS
from tests.template.sources import REPOSITORY, WHOLE_NUMBER, Template

DECIMALS = {"RejectedPercentLimit"}
LOOPBACK = ["http://127.0.0.1", "http://127.0.0.1:8025", "http://localhost", "http://localhost:8025"]


def _settings_class(verb: str) -> type:
    """Return the class that a function's handler passes to `read_settings(...)`."""
    source = ast.parse((REPOSITORY / "functions" / verb / "app.py").read_text())
    names = [
        node.args[0].id
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "read_settings"
        and isinstance(node.args[0], ast.Name)
    ]
    assert len(names) == 1, f"functions/{verb}/app.py calls read_settings(...) {len(names)} times"
    found = getattr(importlib.import_module(f"functions.{verb}.settings"), names[0])
    assert isinstance(found, type)
    return found


def test_every_parameter_is_described_and_bounded_and_has_a_default(template: Template) -> None:
    for name, parameter in template.parameters.items():
        assert parameter["Type"] in {"String", "Number"}
        assert parameter["Description"].endswith("."), name
        assert "Default" in parameter, name
        bounded = {"AllowedPattern", "AllowedValues"} & parameter.keys() or {
            "MinValue",
            "MaxValue",
        } <= parameter.keys()
        assert bounded, name


def test_every_default_is_within_its_own_bounds(template: Template) -> None:
    for name, parameter in template.parameters.items():
        default = parameter["Default"]
        if "AllowedPattern" in parameter:
            assert re.fullmatch(parameter["AllowedPattern"], default), name
        if "AllowedValues" in parameter:
            assert default in parameter["AllowedValues"], name
        if "MinValue" in parameter:
            assert parameter["MinValue"] <= default <= parameter["MaxValue"], name


def test_parameters_of_whole_numbers_refuse_every_other_number(template: Template) -> None:
    """CloudFormation's Number takes 0.5, which no function can read as a whole number."""
    whole = {
        name: p["AllowedPattern"]
        for name, p in template.parameters.items()
        if WHOLE_NUMBER.fullmatch(p.get("ConstraintDescription", ""))
    }
    numbers = {
        n for n, p in template.parameters.items() if p["Type"] == "Number" and "AllowedValues" not in p
    }
    assert numbers == DECIMALS
    assert len(whole) > 4
    for name, pattern in whole.items():
        least, greatest = template.bounds(name) or (0, 0)
        accepted = [number for number in range(20_000) if re.fullmatch(pattern, str(number))]
        assert accepted == list(range(least, greatest + 1)), name
        for text in ("0.5", "5.0", "1e1", "05", "+5", "-5", " 5", "5 ", "5\n", "0x5", "1_0", "\u0665"):
            assert not re.fullmatch(pattern, text), f"{name}: {text!r}"


def test_parameters_that_a_function_reads_as_whole_numbers_are_bounded(template: Template) -> None:
    for function in template.functions:
        fields = dataclasses.fields(_settings_class(function.removesuffix("Function").lower()))
        for variable in (field.name.upper() for field in fields if field.type is int):
            parameter = template.environment(function)[variable]["Ref"]
            assert parameter not in DECIMALS, variable
            assert template.bounds(parameter), variable


@pytest.mark.parametrize("parameter", ["SendGridUrl", "LyticsUrl", "WebhookBaseUrl"])
def test_urls_are_https_or_on_this_machine(template: Template, parameter: str) -> None:
    pattern = template.parameters[parameter]["AllowedPattern"]
    for url in [*LOOPBACK, "https://api.eu.sendgrid.com"]:
        assert re.fullmatch(pattern, url), url
    for url in [
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "https://api.example.com/",
        "ftp://localhost",
    ]:
        assert not re.fullmatch(pattern, url), url


@pytest.mark.parametrize("value", ["", "x" * 32, "a b", "42976a269a5e6b9d06c681b1c27292df"])
def test_the_value_for_no_audience_cannot_hold_an_audience_id(template: Template, value: str) -> None:
    assert not re.fullmatch(template.parameters["NoAudienceValue"]["AllowedPattern"], value)


def test_docs_have_every_parameter_with_its_default(template: Template) -> None:
    rows = table("docs/deploy.md", "Parameters")
    for name, parameter in template.parameters.items():
        expected = f"`{parameter['Default']}`" if parameter["Default"] != "" else "empty"
        assert rows[name][0] == expected, name


def test_variables_of_a_function_are_those_its_settings_read(template: Template) -> None:
    for name in template.functions:
        fields = dataclasses.fields(_settings_class(name.removesuffix("Function").lower()))
        assert template.environment(name).keys() == {field.name.upper() for field in fields}, name


def test_samconfig_names_only_parameters_that_exist(template: Template) -> None:
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())
    assert config.keys() >= {"default", "dev", "prod"}
    for environment in ("default", "dev", "prod"):
        overrides = config[environment]["deploy"]["parameters"].get("parameter_overrides", "")
        names = {pair.split("=")[0] for pair in overrides.split()}
        assert names <= template.parameters.keys()


def test_a_variable_means_the_same_in_every_function(template: Template) -> None:
    meanings: dict[str, Any] = {}
    for name in template.functions:
        for variable, value in template.environment(name).items():
            assert meanings.setdefault(variable, value) == value, f"{name} has another {variable}"


def test_clearing_begins_when_no_delivery_has_an_older_configuration(template: Template) -> None:
    """Here, and on the local cloud, where no delivery takes more than two seconds."""
    defaults = {name: parameter["Default"] for name, parameter in template.parameters.items()}
    for delays, timeout_s in ((defaults, template.functions["DeliverFunction"]["Timeout"]), (DELAYS, 2)):
        cache_s, clear_s = (int(delays[f"{name}Seconds"]) for name in ("ConfigurationCache", "ClearDelay"))
        assert clear_s >= cache_s + timeout_s


def test_every_parameter_of_delivery_reaches_a_function(template: Template) -> None:
    meanings = {v: m for name in template.functions for v, m in template.environment(name).items()}
    expected = {
        "SENDGRID_URL": "SendGridUrl",
        "LYTICS_URL": "LyticsUrl",
        "NO_AUDIENCE_VALUE": "NoAudienceValue",
        "REFRESH_DELAY_S": "RefreshDelaySeconds",
        "CONFIRM_DELAY_S": "ConfirmDelaySeconds",
        "STOP_RETRY_S": "StopRetrySeconds",
        "VERIFY_DELAY_S": "VerifyDelaySeconds",
        "CLEAR_DELAY_S": "ClearDelaySeconds",
        "CONFIGURATION_CACHE_S": "ConfigurationCacheSeconds",
    }
    assert {variable: meanings[variable]["Ref"] for variable in expected} == expected
