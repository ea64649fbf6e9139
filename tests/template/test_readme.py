"""README.md names only what there is: commands, files, functions, outputs, keys of the input, errors."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from functions.activate.webhook_job import SECRET_HEADER
from functions.plan.input import ExportInput, read_input
from lytics_sendgrid import errors
from lytics_sendgrid.errors import LyticsSendGridError
from tests.template.sources import REPOSITORY, Template, readme_anchors

TOP_LEVEL = {path.name for path in REPOSITORY.iterdir()}
MADE_BY_MAKE = {".venv-sam", ".aws-sam", ".local-cloud"}


def _section(readme: str, heading: str) -> str:
    """Return what stands between a heading of the second level and the next one."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", readme, flags=re.MULTILINE | re.DOTALL)
    assert found is not None, f"README.md has no heading '{heading}'"
    return found[1]


def _code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)


def _input_rows(readme: str) -> dict[str, list[str]]:
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", _section(readme, "The export's input"), flags=re.MULTILINE)
    return {key: [cell.strip() for cell in cells.split("|")] for key, cells in rows}


def _paths(readme: str) -> Iterator[str]:
    """Yield every path of this repository that is linked to, or stands in backticks."""
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", readme):
        if "://" not in target:
            yield target
    for text in re.findall(r"`([\w./-]+)`", readme):
        first = PurePosixPath(text).parts[0]
        if first in TOP_LEVEL - MADE_BY_MAKE and ("/" in text or "." in text):
            yield text


def _python_modules(readme: str) -> list[str]:
    return re.findall(r"python -m ([\w.]+)", readme)


def _function_folders() -> set[str]:
    return {path.parent.name for path in REPOSITORY.glob("functions/*/app.py")}


def test_every_make_target_that_is_named_exists(readme: str) -> None:
    named = set(re.findall(r"(?:`|^\s*)make ([a-z][a-z0-9-]*)", readme, flags=re.MULTILINE))
    targets = set(re.findall(r"^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"demo", "test", "build"} <= named <= targets


def test_every_variable_of_a_call_is_read_by_the_tests(readme: str) -> None:
    named = set(re.findall(r"`([A-Z_]+)=", readme))
    sources = [REPOSITORY / "Makefile", *REPOSITORY.glob("tests/local/demo/*.py")]
    known = "".join(source.read_text() for source in sources)
    assert {"PEOPLE", "EVENTS", "REPORT", "KEEP"} <= named
    assert all(f'"{name}"' in known or f"{name}=" in known for name in named)


def test_every_path_that_is_named_exists(readme: str) -> None:
    paths = set(_paths(readme))
    assert len(paths) > 20
    for path in paths:
        assert (REPOSITORY / path).exists(), path


def test_every_module_that_is_run_exists(readme: str) -> None:
    assert _python_modules(readme)
    for module in _python_modules(readme):
        folder = REPOSITORY / module.replace(".", "/")
        assert (folder / "__main__.py").exists() or folder.with_suffix(".py").exists(), module


def test_the_bounds_of_every_number_among_the_parameters_are_the_templates(
    template: Template, readme: str
) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", _section(readme, "Parameters"), flags=re.MULTILINE))
    assert rows.keys() == template.parameters.keys()
    for name, parameter in template.parameters.items():
        if "MinValue" in parameter:
            assert f"{parameter['MinValue']} to {parameter['MaxValue']}" in rows[name], name


def test_every_link_within_the_page_leads_to_a_heading(readme: str) -> None:
    anchors = readme_anchors(readme)
    links = set(re.findall(r"\]\(#([^)]+)\)", readme))
    assert links
    assert links <= anchors


def test_links_into_other_documents_lead_to_a_heading(readme: str) -> None:
    for document, anchor in re.findall(r"\]\(([\w./-]+\.md)#([^)]+)\)", readme):
        assert anchor in readme_anchors((REPOSITORY / document).read_text()), f"{document}#{anchor}"


def test_the_inputs_table_has_every_key_and_no_other(readme: str) -> None:
    keys = {field.alias or name for name, field in ExportInput.model_fields.items()}
    assert _input_rows(readme).keys() == keys


def test_the_inputs_table_has_the_default_of_every_key(readme: str) -> None:
    rows = _input_rows(readme)
    for name, field in ExportInput.model_fields.items():
        default = rows[field.alias or name][1]
        expected = (
            "required"
            if field.is_required()
            else f"`{json.dumps(field.get_default(call_default_factory=True))}`"
        )
        assert default == expected, name


def test_the_inputs_example_has_every_key_and_no_fault(readme: str) -> None:
    (example,) = _code_blocks(_section(readme, "The export's input"), "json")
    document = json.loads(example)
    assert document.keys() == _input_rows(readme).keys()
    assert read_input(document).faults == ()


def test_the_dry_runs_input_has_no_fault(readme: str) -> None:
    (document,) = re.findall(r"<<'END'\n(.*?)\nEND", readme, flags=re.DOTALL)
    reading = read_input(json.loads(document))
    assert reading.faults == ()
    assert reading.wanted.dry_run


def test_every_example_in_json_can_be_read(readme: str) -> None:
    examples = _code_blocks(readme, "json")
    assert len(examples) > 3
    for example in examples:
        json.loads(example)


def test_every_output_that_a_command_asks_for_exists(template: Template, readme: str) -> None:
    asked = set(re.findall(r"\$\(output (\w+)\)", readme))
    assert len(asked) > 5
    assert asked <= template.outputs.keys()
    named = set(re.findall(r"`(\w+(?:Url|Arn|Table))`", readme))
    assert named <= template.outputs.keys() | template.parameters.keys()


def test_every_function_that_is_named_exists(template: Template, readme: str) -> None:
    functions = _function_folders()
    assert set(re.findall(r"\$STACK-(\w+)", readme)) <= functions
    assert set(re.findall(r"sam local invoke (\w+Function)", readme)) <= template.functions.keys()
    described = set(re.findall(r"^\| \[`(\w+)`\]", _section(readme, "The picture"), flags=re.MULTILINE))
    assert described == functions


def test_every_log_group_that_a_command_reads_exists(template: Template, readme: str) -> None:
    groups = {
        group["Properties"]["LogGroupName"]["Fn::Sub"].replace("${AWS::StackName}", "$STACK")
        for group in template.of_type("AWS::Logs::LogGroup").values()
    }
    named = set(re.findall(r'"(/aws/[^"]+)"', readme))
    assert named
    assert named <= groups


def test_the_table_of_errors_names_those_that_a_run_may_fail_with(readme: str) -> None:
    table = _section(readme, "Alarms").rpartition("| error | is |")[2]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?`) \|", table, flags=re.MULTILINE))))
    defined = {
        name
        for name, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, LyticsSendGridError) and name != "LyticsSendGridError"
    }
    assert named == defined


def test_the_webhooks_header_is_the_one_that_lytics_is_told(readme: str) -> None:
    assert f"`{SECRET_HEADER}`" in readme
    assert set(re.findall(r"X-[A-Za-z]+-Secret", readme)) == {SECRET_HEADER}


def test_nothing_leads_to_one_persons_machine_or_list_of_work(readme: str) -> None:
    assert (
        re.findall(r"/(?:work|root|home|Users)/|\bissue #?\d|(?<![\w/(])#\d", readme, flags=re.IGNORECASE)
        == []
    )
