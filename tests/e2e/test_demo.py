"""`python -m tests.local.demo`, as `make demo` runs it: its output, its report and its processes."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.local.build import REPOSITORY, build_application
from tests.local.polling import poll
from tests.local.sign_in import OLGA
from tests.newsletter import EXAMPLE_PERSON, HIGH_VALUE, NEWSLETTER

_DEMO_S = 150.0


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo.

    Attributes:
        process: Its process.
        screen: The file with its output so far.
        report: The file for its figures.
    """

    process: subprocess.Popen[bytes]
    screen: Path
    report: Path

    def shown(self) -> str:
        return self.screen.read_text()

    def ended(self) -> int:
        return self.process.wait(timeout=_DEMO_S)

    def figures(self) -> dict[str, Any]:
        figures: dict[str, Any] = json.loads(self.report.read_text())
        return figures

    def line(self, name: str) -> str:
        """Wait for a line of "Look around" and return its text."""
        pattern = re.compile(rf"^  {name} +(.+)$", re.MULTILINE)

        def search() -> str | None:
            assert self.process.poll() is None, self.shown()
            match = pattern.search(self.shown())
            return match[1] if match else None

        return poll(search, f"the line of {name}", _DEMO_S, interval_s=0.1)


@contextmanager
def demo(folder: Path, module: str = "tests.local.demo", **variables: str) -> Iterator[Demo]:
    """Start a demo, or another program, with these variables and without the caller's."""
    folder.mkdir()
    names = {"PEOPLE", "EVENTS", "REPORT", "KEEP", "INPUT", "SENDGRID_URL", "LYTICS_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in names}
    report, screen = folder / "report.json", folder / "screen"
    with screen.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=REPOSITORY,
            env=environment | variables | {"REPORT": str(report)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Demo(process, screen, report)
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def twin(module: str, *arguments: str) -> Iterator[str]:
    """Run a twin in its own process. Yields its URL."""
    command = [sys.executable, "-m", f"tests.local.{module}", *arguments]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@dataclass(frozen=True, slots=True)
class Demos:
    """Three parallel demos (each mostly waits): with twins, with other servers, and with a refused key."""

    kept: Demo
    elsewhere: Demo
    refused: Demo
    sendgrid_url: str


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demos]:
    build_application()
    folder = tmp_path_factory.mktemp("demos")
    start = folder / "start.json"
    start.write_text(
        json.dumps(
            {"export": "outside", "audiences": ["high_value_users"], "custom_fields": {"city": "town"}}
        )
    )
    quick = '{"job_delay_s": 0.2, "field_delay_s": 0.2}'
    with ExitStack() as running:
        sendgrid_url = running.enter_context(twin("sendgrid_twin", "--options", quick))
        lytics_url = running.enter_context(twin("lytics_twin", "--people", "200", "--time-scale", "0.05"))
        outside = {
            "SENDGRID_URL": sendgrid_url,
            "LYTICS_URL": f"{lytics_url}/",
            "LYTICS_API_TOKEN": "lytics-token",
            "INPUT": str(start),
        }
        yield Demos(
            running.enter_context(demo(folder / "kept", PEOPLE="300", EVENTS="60", KEEP="1")),
            running.enter_context(demo(folder / "elsewhere", SENDGRID_API_KEY="SG.full", **outside)),
            running.enter_context(demo(folder / "refused", SENDGRID_API_KEY="SG.revoked", **outside)),
            sendgrid_url,
        )


def test_failed_demo_prints_the_error_and_exits_with_1(demos: Demos) -> None:
    assert demos.refused.ended() == 1
    shown = " ".join(demos.refused.shown().split())
    assert "the execution failed" in shown
    assert "sendgrid_api_key" in shown
    assert demos.refused.figures()["ok"] is False


def test_demo_uses_other_servers_and_prints_the_report(demos: Demos) -> None:
    assert demos.elsewhere.ended() == 0, demos.elsewhere.shown()
    assert '"export": "outside"' in demos.elsewhere.shown()
    figures = demos.elsewhere.figures()
    assert (figures["ok"], figures["events"]) == (True, 0)
    (audience,) = figures["report"]["audiences"]
    held = requests.get(f"{demos.sendgrid_url}/_twin/contacts", timeout=10).json()["contacts"]
    assert len(held) == audience["scanned"] == figures["report"]["import_jobs"]["confirmed"] > 0
    assert all(contact["custom_fields"]["town"] for contact in held)


def test_demo_writes_its_figures_to_report(demos: Demos) -> None:
    demos.kept.line("webhook")
    figures = demos.kept.figures()
    assert (figures["ok"], figures["people"], figures["events"]) == (True, 300, 60)
    assert [set(audience) for audience in figures["audiences"]] == [
        {"id", "lytics", "ledger", "sendgrid"}
    ] * 3
    assert {audience["id"] for audience in figures["audiences"]} == {
        audience.id for audience in NEWSLETTER.audiences
    }
    for audience in figures["audiences"]:
        assert audience["lytics"] == audience["ledger"] == audience["sendgrid"] > 50
    assert figures["sendgrid_requests"]["PUT /v3/marketing/contacts"] >= 2
    assert figures["seconds"]["total"] >= figures["seconds"]["export"] > 0
    shown = demos.kept.shown()
    for text in ("Plan", "Backfill", "Report", "Members by audience", "A contact in SendGrid"):
        assert text in shown


def test_printed_curl_command_adds_a_member(demos: Demos) -> None:
    program, *arguments = shlex.split(demos.kept.line("webhook"))
    assert program == "curl"
    # The stand-in knows the options that the demo prints, and nothing depends on what this machine has.
    command = [sys.executable, "tests/e2e/curl.py", *arguments]
    finished = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert " 200" in finished.stdout.splitlines()[0]
    url = demos.kept.line("SendGrid").split()[-1].partition("?")[0]

    def entered() -> bool:
        contacts = requests.get(url, timeout=10).json()["contacts"]
        return any(
            contact["email"] == "ottilie.brandt@example.com"
            and contact["custom_fields"].get("lytics_segments") == HIGH_VALUE
            for contact in contacts
        )

    poll(entered, "Ottilie in SendGrid", timeout_s=20, interval_s=0.2)


def test_printed_inspect_command_knows_the_person_of_the_docs(demos: Demos) -> None:
    exported = shlex.split(demos.kept.line("AWS"))
    assert exported.pop(0) == "export"
    make, target, *variables = shlex.split(demos.kept.line("inspect"))
    assert (make, target) == ("make", "inspect")
    assert f"EMAIL={EXAMPLE_PERSON}" in variables
    finished = subprocess.run(
        [sys.executable, "-m", "functions.operate.inspect"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]} | dict(text.split("=", 1) for text in (*exported, *variables)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    assert "export: newsletter" in finished.stdout
    assert "known: true" in finished.stdout


def test_demo_prints_where_the_console_is_and_whom_to_sign_in_as(demos: Demos) -> None:
    url = demos.kept.line("open")
    assert "console" in url
    assert OLGA.email in demos.kept.line("sign in")
    answer = requests.get(url, allow_redirects=False, timeout=30)
    assert (answer.status_code, "sign-in" in answer.headers["Location"]) == (303, True)


def test_console_alone_runs_until_ctrl_c(tmp_path: Path) -> None:
    with demo(tmp_path / "console", module="tests.local.console", PEOPLE="50") as console:
        url = console.line("open")
        answer = requests.get(url, allow_redirects=False, timeout=30)
        assert (answer.status_code, "sign-in" in answer.headers["Location"]) == (303, True)
        console.process.send_signal(signal.SIGINT)
        assert console.process.wait(timeout=30) == 0, console.shown()


def test_sigterm_ends_all_processes(demos: Demos) -> None:
    endpoint = re.search(r"127\.0\.0\.1:\d+", demos.kept.line("AWS"))
    assert endpoint is not None
    assert len(processes_at(endpoint[0])) >= 5
    demos.kept.process.send_signal(signal.SIGTERM)
    assert demos.kept.ended() == 0, demos.kept.shown()
    assert processes_at(endpoint[0]) == []


def processes_at(endpoint: str) -> list[int]:
    """Return the process ids of the emulator at an endpoint and of its functions."""
    marks = (endpoint.encode(), f"GATEWAY_PORT={endpoint.rpartition(':')[2]}\0".encode())
    ids = []
    for entry in Path("/proc").iterdir():
        try:
            environment = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if any(mark in environment for mark in marks):
            ids.append(int(entry.name))
    return ids


@pytest.mark.parametrize(
    ("variables", "texts"),
    [
        ({"PEOPLE": "many", "EVENTS": "-1"}, ["PEOPLE=many", "EVENTS=-1"]),
        ({"SENDGRID_URL": "ftp://example.com"}, ["SENDGRID_URL=ftp://example.com", "SENDGRID_API_KEY"]),
        ({"INPUT": "/nonexistent.json"}, ["INPUT=/nonexistent.json"]),
    ],
)
def test_invalid_variables_are_all_reported(
    tmp_path: Path, variables: dict[str, str], texts: list[str]
) -> None:
    with demo(tmp_path / "demo", **variables) as running:
        assert running.ended() == 2
        assert all(text in running.shown() for text in texts)
