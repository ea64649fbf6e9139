"""Handlers, folders and layers match, so the tested code is the code that runs in Lambda."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.template.sources import REPOSITORY, Template


def _requirements(path: Path) -> set[str]:
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    return {line for line in lines if line}


def _project_dependencies() -> set[str]:
    return set(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"])


def _development_dependencies() -> set[str]:
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]
    return set(groups["dev"])


def _locked(lock: Path) -> dict[str, str]:
    """Return the version of each package in a lock."""
    return dict(re.findall(r"^([\w.-]+)==([^ ;]+)", lock.read_text(), re.MULTILINE))


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_import_names_in_lambda_are_those_of_the_tests(template: Template) -> None:
    for name, function in template.functions.items():
        verb = name.removesuffix("Function").lower()
        assert function["CodeUri"] == f"functions/{verb}"
        assert function["Handler"] == f"functions.{verb}.app.lambda_handler"
        assert template.resources[name]["Metadata"]["BuildProperties"] == {
            "ParentPackageMode": "explicit",
            "ParentPackages": f"functions.{verb}",
        }
        assert function["FunctionName"] == {"Fn::Sub": f"${{AWS::StackName}}-{verb}"}


def test_every_folder_of_functions_is_deployed(template: Template) -> None:
    folders = {
        path.parent.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.glob("functions/*/app.py")
    }
    assert folders == {function["CodeUri"] for function in template.functions.values()}


def test_layers_have_the_architecture_of_the_functions(template: Template) -> None:
    runtime = template.globals["Function"]["Runtime"]
    architectures = template.globals["Function"]["Architectures"]
    layers = template.of_type("AWS::Serverless::LayerVersion")
    assert layers
    for layer in layers.values():
        assert [layer["Metadata"]["BuildArchitecture"]] == architectures
        assert layer["Metadata"]["BuildMethod"] == runtime
        assert layer["Properties"]["CompatibleArchitectures"] == architectures
        assert layer["Properties"]["CompatibleRuntimes"] == [runtime]
    for function in template.functions.values():
        assert {"Runtime", "Architectures"}.isdisjoint(function)


def test_only_ingest_lacks_the_dependencies_layer(
    template: Template,
) -> None:
    without = {
        name
        for name, function in template.functions.items()
        if {"Ref": "DependenciesLayer"} not in function["Layers"]
    }
    assert without == {"IngestFunction"}
    assert all({"Ref": "SharedLayer"} in function["Layers"] for function in template.functions.values())


def test_functions_bring_no_requirements_of_their_own() -> None:
    assert list(REPOSITORY.glob("functions/**/requirements*.txt")) == []


LOCKS = {
    path.with_suffix(".txt"): _requirements(path)
    for path in [
        *REPOSITORY.glob("tests/local/requirements-*.in"),
        *REPOSITORY.glob("layers/*/requirements.in"),
    ]
} | {REPOSITORY / "requirements-dev.txt": _project_dependencies() | _development_dependencies()}
"""Each lock file, and the files that it is made from. `make lock` writes them."""


def test_layer_and_development_use_the_same_versions() -> None:
    folders = [path.parent for path in REPOSITORY.glob("layers/*/requirements.in")]
    layers = set().union(*(_requirements(folder / "requirements.in") for folder in folders))
    beside_layer = _project_dependencies() - layers
    assert layers <= _project_dependencies()
    assert {requirement.split("==")[0] for requirement in beside_layer} == {"boto3"}
    assert beside_layer <= _requirements(REPOSITORY / "tests/local/requirements-runtime.in")
    for folder in folders:
        locked = _locked(folder / "requirements.txt")
        assert locked.items() <= _locked(REPOSITORY / "requirements-dev.txt").items()


def test_only_the_console_carries_its_layer(template: Template) -> None:
    carriers = {
        name for name, function in template.functions.items() if {"Ref": "ConsoleLayer"} in function["Layers"]
    }
    assert carriers == {"ConsoleFunction"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock_has_the_version_of_every_direct_requirement(lock: Path) -> None:
    locked = _locked(lock)
    for requirement in LOCKS[lock]:
        name, version = requirement.split("==")
        assert locked[_normalized(name.split("[")[0])] == version, f"run `make lock` for {requirement}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock_has_hashes_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert re.fullmatch(r"[\w.-]+==[^ ]+( ; [^\\]+)?( \\\n +--hash=sha256:[0-9a-f]{64})+", block), block
