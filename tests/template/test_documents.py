"""The README and docs name only what exists.

Commands, paths, functions, outputs, keys of the input, errors.
"""

import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from functions.activate.webhook_job import SECRET_HEADER
from functions.ingest import log_line
from functions.plan.input import INPUTS, KEYS, read_input
from functions.plan.input_faults import MAX_PARALLELISM
from functions.plan.scan_orders import Scanned, scan_orders
from functions.watch.findings import METRICS as WATCH_METRICS
from lytics_sendgrid import errors
from lytics_sendgrid.errors import LyticsSendGridError
from lytics_sendgrid.sendgrid import import_job
from tests.documents import ALL, MANUAL, anchors, code_blocks, commands, manual, section, table, text
from tests.modules import PATHS
from tests.simulation import schedule
from tests.template.sources import REPOSITORY, StateMachine, Template

TOP_LEVEL = {path.name for path in REPOSITORY.iterdir()}
MADE_BY_MAKE = {".venv-sam", ".aws-sam", ".local-cloud"}
INPUT = ("docs/exports.md", "The export's input")
SECTIONS = {"start": INPUT[1], "resync": "Resync an export", "stop": "Stop an export"}


def _links(document: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the anchor of each relative link.

    The path is the document's own if the link has none.
    """
    for target in re.findall(r"\]\(([^)\s]+)\)", text(document)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield str(PurePosixPath(document).parent / path) if path else document, anchor


def _paths_in_code(document: str) -> Iterator[str]:
    """Yield every path of this repository that stands in backticks."""
    for path in re.findall(r"`([\w./-]+)`", text(document)):
        first = PurePosixPath(path).parts[0]
        if first in TOP_LEVEL - MADE_BY_MAKE and ("/" in path or "." in path):
            yield path


def _function_folders() -> set[str]:
    return {path.parent.name for path in REPOSITORY.glob("functions/*/app.py")}


@pytest.mark.parametrize("document", ALL)
def test_relative_links_lead_to_files_and_headings(document: str) -> None:
    for path, anchor in _links(document):
        assert (REPOSITORY / path).exists(), path
        if anchor:
            assert anchor in anchors((REPOSITORY / path).read_text()), f"{path}#{anchor}"


@pytest.mark.parametrize("document", ALL)
def test_paths_in_backticks_exist(document: str) -> None:
    for path in _paths_in_code(document):
        assert (REPOSITORY / path).exists(), path


def test_readme_has_at_most_200_lines() -> None:
    assert len(text("README.md").splitlines()) <= 200


def test_readme_leads_to_every_page_of_docs() -> None:
    assert {path for path, _ in _links("README.md")} >= set(MANUAL) - {"README.md"}


def test_every_make_target_in_the_docs_exists() -> None:
    named = set(re.findall(r"(?:`|^\s*)make ([a-z][a-z0-9-]*)", manual(), flags=re.MULTILINE))
    targets = set(re.findall(r"^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"demo", "test", "build"} <= named <= targets


def test_every_variable_of_make_in_the_docs_is_read() -> None:
    named = set(re.findall(r"`([A-Z_]+)=", manual()))
    sources = [REPOSITORY / "Makefile", *REPOSITORY.glob("tests/local/demo/*.py")]
    known = "".join(source.read_text() for source in sources)
    assert {"PEOPLE", "EVENTS", "REPORT", "KEEP"} <= named
    assert all(f'"{name}"' in known or f"{name}=" in known for name in named)


def test_every_module_run_in_the_docs_exists() -> None:
    modules = re.findall(r"python -m ([\w.]+)", manual())
    assert modules
    for module in modules:
        folder = REPOSITORY / module.replace(".", "/")
        assert (folder / "__main__.py").exists() or folder.with_suffix(".py").exists(), module


def test_documented_bounds_of_parameters_are_the_templates(template: Template) -> None:
    rows = table("docs/deploy.md", "Parameters")
    assert rows.keys() == template.parameters.keys()
    for name in template.parameters:
        if bounds := template.bounds(name):
            assert f"{bounds[0]} to {bounds[1]}" in rows[name][1], name


@pytest.mark.parametrize("action", INPUTS)
def test_input_table_has_every_key_and_no_other(action: str) -> None:
    assert tuple(table(INPUT[0], SECTIONS[action])) == KEYS[action]


@pytest.mark.parametrize("action", INPUTS)
def test_input_table_has_the_default_of_every_key(action: str) -> None:
    rows = table(INPUT[0], SECTIONS[action])
    for name, field in INPUTS[action].model_fields.items():
        default = rows[field.alias or name][1]
        expected = (
            "required"
            if field.is_required()
            else f"`{json.dumps(field.get_default(call_default_factory=True))}`"
        )
        assert default == expected, name


@pytest.mark.parametrize("action", INPUTS)
def test_example_input_has_every_key_and_no_fault(action: str) -> None:
    example = code_blocks(section(INPUT[0], SECTIONS[action]), "json")[-1]
    document = json.loads(example)
    assert document.keys() == set(KEYS[action])
    assert read_input(document).faults == ()


def test_smallest_input_has_no_fault() -> None:
    for content in (section("README.md", "The smallest input"), section(*INPUT)):
        smallest = json.loads(code_blocks(content, "json")[0])
        assert smallest.keys() == {"audiences"}
        assert read_input(smallest).faults == ()


def test_dry_run_input_has_no_fault() -> None:
    (document,) = re.findall(
        r"<<'END'\n(.*?)\nEND\nmake run .*DRY=1\n", text("docs/deploy.md"), flags=re.DOTALL
    )
    assert read_input(json.loads(document)).faults == ()


def test_region_of_the_docs_is_set_for_sam_and_both_aws_clis() -> None:
    lines = re.findall(r"^ *export .*AWS_\w*REGION=.*$", manual(), flags=re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        (region,) = set(re.findall(r"\bAWS_REGION=(\S+)", line))
        assert re.findall(r"\bAWS_DEFAULT_REGION=(\S+)", line) == [region]
    assert not re.search(r"--region\b", manual())


def test_stack_is_named_once_on_a_page_and_given_to_sam() -> None:
    for document in MANUAL:
        for command in commands(document):
            assert "STACK=" not in command.text or command.text.startswith("export STACK="), command
            assert "lytics-sendgrid-prod" not in command.text.replace("export STACK=lytics-sendgrid-prod", "")
            if "sam deploy" in command.text or "sam delete" in command.text:
                assert '--stack-name "$STACK"' in command.text


SAMS_CALLS = {
    *("CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "ListChangeSets", "DeleteStack"),
    *("DescribeStacks", "DescribeStackEvents", "DescribeStackResource", "GetTemplate", "GetTemplateSummary"),
    *("CreateStack", "UpdateStack", "UpdateTerminationProtection"),
}
"""CloudFormation's operations in the source of the SAM CLI 1.170: deploy, delete, and its own bucket's
stack."""
ROLES_CALLS = {
    *("CreateRole", "GetRole", "DeleteRole", "PassRole", "UpdateRole", "UpdateAssumeRolePolicy", "TagRole"),
    *("PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies"),
}
"""What CloudFormation calls for an AWS::IAM::Role, tags included."""
TABLES_CALLS = {"CreateGrant", "DescribeKey", "Decrypt", "GenerateDataKey"}
"""What a table, queue or secret with a customer-managed key asks of its creator."""


def test_rights_of_the_deployer_name_what_sam_and_cloudformation_call() -> None:
    rows = dict(
        re.findall(r"^\| (CloudFormation|IAM|KMS) \|(.*)\|$", text("docs/deploy.md"), flags=re.MULTILINE)
    )
    for service, calls in (
        ("CloudFormation", SAMS_CALLS | {"TagResource"}),
        ("IAM", ROLES_CALLS),
        ("KMS", TABLES_CALLS),
    ):
        assert calls <= set(re.findall(r"`(\w+)`", rows[service])), service


def test_guide_asks_for_the_api_log_role_before_it_deploys() -> None:
    texts = [command.text for command in commands("docs/deploy.md")]
    asks = next(n for n, command in enumerate(texts) if command.startswith("aws apigateway get-account"))
    assert asks < next(n for n, command in enumerate(texts) if "sam deploy" in command)


def test_docs_list_and_count_every_metric(template: Template) -> None:
    rows = re.findall(
        r"^\| `(ingest|deliver|confirm|watch)` \| (`[^|]*) \|$", text("docs/operate.md"), re.MULTILINE
    )
    listed = {function: set(re.findall(r"`([\w.]+)`", cell)) for function, cell in rows}
    assert listed["ingest"] == set(log_line.METRICS.values())
    statuses = {"pending", "completed", "errored", "failed", "unknown", "abandoned", "put_off"}
    assert len(listed["deliver"]) == 9
    assert listed["watch"] == set(WATCH_METRICS.values())
    counts = {*import_job.COUNTS, "rejected", "refreshed", "parked", "no_room", "unread"}
    assert listed["confirm"] == {f"jobs.{name}" for name in statuses} | {
        f"job_contacts.{name}" for name in counts
    }
    written = sum(map(len, listed.values()))
    filters = template.of_type("AWS::Logs::MetricFilter").values()
    total = written + len({f["Properties"]["MetricTransformations"][0]["MetricName"] for f in filters})
    costs = " ".join(text("docs/costs.md").split())
    assert f"[write {written} metrics]" in costs
    assert f"{total * 0.30:.2f} a month if all {total} had a value" in costs


def test_docs_promise_no_delivery_within_seconds() -> None:
    """With little traffic, Lambda may wait up to 20 seconds, whatever the window is."""
    for document in MANUAL:
        assert not re.search(r"within (a few )?seconds|in real time|instantly", text(document)), document
    (row,) = re.findall(r"^\| `DeliverBatchingWindowSeconds`.*$", text("docs/deploy.md"), re.MULTILINE)
    assert "20 seconds" in row


def test_blocks_can_be_pasted_as_a_whole() -> None:
    """A command that asks takes what follows it for the answer.

    Not every shell knows a comment behind a command.
    """
    for document in MANUAL:
        for block in code_blocks(text(document), "sh"):
            *before, _ = block.strip().splitlines()
            assert not [line for line in before if re.search(r"\bread -|\bsam de(?:ploy|lete)", line)], block
            assert not re.search(r"^[^#\n]+\s# ", block, flags=re.MULTILINE), block


def test_docs_use_no_option_of_aws_cli_version_2_only() -> None:
    for document in MANUAL:
        for command in commands(document):
            assert not re.search(r"--cli-binary-format|--no-cli-pager|aws logs tail", command.text), command


def test_output_of_a_run_is_read_by_make_run_only() -> None:
    for document in MANUAL:
        for command in commands(document):
            assert not re.search(r"describe-execution .*\| *jq", command.text), command


def test_every_json_example_is_valid_json() -> None:
    examples = code_blocks(manual(), "json")
    assert len(examples) > 3
    for example in examples:
        json.loads(example)


def test_every_stack_output_in_the_docs_exists(template: Template) -> None:
    used = set(re.findall(r"\$\(output (\w+)\)", manual())) | set(re.findall(r"OutputKey=='(\w+)'", manual()))
    assert len(used) > 5
    assert used <= template.outputs.keys()
    named = set(re.findall(r"`(\w+(?:Url|Arn|Table))`", manual()))
    assert named <= template.outputs.keys() | template.parameters.keys()


def test_every_function_in_the_docs_exists(template: Template) -> None:
    functions = _function_folders()
    assert set(re.findall(r"\$STACK-(\w+)", manual())) <= functions
    assert set(re.findall(r"`(\w+Function)`", manual())) <= template.functions.keys()
    described = set(
        re.findall(r"^\| \[`(\w+)`\]", section("docs/delivery.md", "The functions"), flags=re.MULTILINE)
    )
    assert described == functions


def test_every_log_group_in_the_docs_exists(template: Template) -> None:
    groups = {
        group["Properties"]["LogGroupName"]["Fn::Sub"].replace("${AWS::StackName}", "$STACK")
        for group in template.of_type("AWS::Logs::LogGroup").values()
    }
    named = set(re.findall(r'"(/aws/[^"]+)"', manual()))
    assert named
    assert named <= groups


def test_every_gateway_answer_in_the_docs_is_in_the_template(template: Template) -> None:
    answers = template.resources["WebhookApi"]["Properties"]["GatewayResponses"]
    assert set(re.findall(r"`(REQUEST_\w+)`", manual())) <= answers.keys()


def test_error_table_has_every_error_that_can_fail_a_run(machine: StateMachine) -> None:
    rows = section("docs/operate.md", "Alarms").rpartition("| error | meaning |")[2]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?`) \|", rows, flags=re.MULTILINE))))
    defined = {
        name
        for module in (
            errors,
            *(importlib.import_module(name) for name in PATHS if name.startswith("functions.")),
        )
        for name, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, LyticsSendGridError) and name not in {"LyticsSendGridError", "RejectRecord"}
    }
    defined |= {state["Error"] for _, state in machine.states() if "Error" in state}
    assert named == defined


def test_documented_webhook_header_is_the_one_lytics_sends() -> None:
    assert f"`{SECRET_HEADER}`" in manual()
    assert set(re.findall(r"X-[A-Za-z]+-Secret", manual())) == {SECRET_HEADER}


def test_where_is_table_names_places_that_exist() -> None:
    places = r"^\| [^`|]+ \| `([\w.]+)`(?: of `(\w+)`)?(?:, applied by `([\w.]+)`)?(?: in `([\w.]+)`)? \|$"
    rows = re.findall(places, _where_is(), flags=re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| (?!rule)[^-]", _where_is(), flags=re.MULTILINE)) > 3
    for name, resource, user, path in rows:
        if path:
            assert re.search(rf"^  {resource}:\n(    .*\n)*      {name}:$", _read(path), flags=re.MULTILINE)
            continue
        _resolve(name)
        if user:
            _resolve(user)


def _read(path: str) -> str:
    return (REPOSITORY / path).read_text()


def _where_is() -> str:
    return section("docs/development.md", "Where is…")


def _resolve(name: str) -> None:
    """Import a module of the product, or a name in one."""
    module = max((path for path in PATHS if f"{name}.".startswith(f"{path}.")), key=len, default="")
    assert module, f"{name} is in no module of the product"
    found = importlib.import_module(module)
    for attribute in name.removeprefix(module).split(".")[1:]:
        found = getattr(found, attribute)


@pytest.mark.parametrize("document", ALL)
def test_no_document_names_a_private_path_or_issue(document: str) -> None:
    private = r"/(?:work|root|home|Users)/|\bissue #?\d|(?<![\w/(])#\d"
    assert re.findall(private, text(document), flags=re.IGNORECASE) == []


def test_anchors_follow_the_rules_of_github() -> None:
    document = (
        "# A `Title`, twice!\n## A title twice\n```sh\n# not a heading\n```\n### [Über](x.md) _uns_ 2.0 ##\n"
    )
    assert anchors(document) == {"a-title-twice", "a-title-twice-1", "über-_uns_-20"}


def test_docs_name_the_longest_stack_name_that_the_functions_allow(template: Template) -> None:
    """A longer one fails in the middle of the first deployment."""
    suffixes = [
        f["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}") for f in template.functions.values()
    ]
    longest = 64 - max(map(len, suffixes))
    assert f"at most {longest} letters, digits and hyphens" in text("docs/deploy.md")
    assert f"more than {longest} characters" in text("docs/operate.md")


def test_docs_have_the_concurrency_that_the_template_sets(template: Template) -> None:
    (confirm,) = template.queue_events("ConfirmFunction")
    scans = scan_orders([Scanned(str(number), 1) for number in range(200)], MAX_PARALLELISM)["scans_at_once"]
    deliver = template.parameters["DeliverMaximumConcurrency"]["Default"]
    assert (
        f"`DeliverMaximumConcurrency` ({deliver}), {confirm['ScalingConfig']['MaximumConcurrency']} for"
        f" `confirm`, {scans} for `backfill`, 1 for the other"
    ) in " ".join(text("docs/deploy.md").split())


def test_docs_have_the_receives_after_which_a_message_is_given_up(template: Template) -> None:
    """The picture, the runbook and the simulation."""
    (receives,) = {
        q["RedrivePolicy"]["maxReceiveCount"] for q in template.queues.values() if "RedrivePolicy" in q
    }
    assert receives == 10
    assert set(re.findall(r"after (\d+) receives", text("README.md"))) == {str(receives)}
    assert len(re.findall(r"received ten times", text("docs/operate.md"))) == 3
    assert not re.search(r"(received|died) \S* ?(five|5) times", manual())
    assert receives == schedule.RECEIVES
