"""Handler, folder and layers agree, so that what is tested here is what runs in Lambda."""

import tomllib
from pathlib import Path

from tests.template.sources import REPOSITORY, Template


def _requirements(path: Path) -> set[str]:
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    return {line for line in lines if line}


def _project_dependencies() -> set[str]:
    return set(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"])


def test_a_function_has_the_same_import_name_in_lambda_as_here(template: Template) -> None:
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


def test_layers_are_built_for_the_machine_that_functions_run_on(template: Template) -> None:
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


def test_every_function_has_the_shared_package_and_only_ingest_lacks_third_party_ones(
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


def test_layer_and_development_use_the_same_versions() -> None:
    layer = _requirements(REPOSITORY / "layers/dependencies/requirements.txt")
    beside_layer = _project_dependencies() - layer
    assert layer <= _project_dependencies()
    assert {requirement.split("==")[0] for requirement in beside_layer} == {"boto3"}
    assert beside_layer <= _requirements(REPOSITORY / "tests/local/requirements-runtime.txt")


def test_every_tool_is_pinned_to_one_version() -> None:
    for path in [
        *REPOSITORY.glob("tests/local/requirements-*.txt"),
        REPOSITORY / "layers/dependencies/requirements.txt",
    ]:
        assert all("==" in requirement for requirement in _requirements(path)), path
