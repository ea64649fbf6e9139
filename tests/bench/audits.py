"""What an audit and a plan take where SendGrid holds much: a million contacts, 200 segments."""

import csv
import gzip
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lytics_sendgrid.domain.configuration import ProvisionedAudience
from lytics_sendgrid.sendgrid.api import sendgrid_at
from lytics_sendgrid.sendgrid.resources import segment_query
from lytics_sendgrid.tables.exports import ExportsTable
from lytics_sendgrid.tables.walks import WalksTable
from tests.bench import people
from tests.bench.counts import PEOPLE
from tests.bench.event_source import answered
from tests.bench.figures import Section
from tests.bench.scene import Scene
from tests.bench.usage import Say
from tests.http_server import Handler, HttpServer
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.sendgrid_twin.options import Options
from tests.local.sendgrid_twin.twin import SendGridTwin
from tests.run_state import run_state

CONTACTS: Final = 1_000_000
SEGMENTS: Final = 200
MEMORY_MIB: Final = 512
_RUN: Final = "bench-audit"
_FIELDS: Final = ("first_name", "last_name", "interest", "lifetime_value")
_LIMITS: Final = ((1_000, 60.0), (100, 30.0))
"""Requests for single segments, and in how many seconds. SendGrid publishes no limit."""


def audit(scene: Scene, say: Say) -> Section:
    """Audit the people that ``counts.backfill`` has delivered, in an account with a million contacts."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _exporting(Path(folder) / "contacts.csv.gz", say) as sendgrid,
    ):
        say(f"audit: {CONTACTS:,} contacts of SendGrid, {PEOPLE:,} of them in the ledger")
        environment = {"SENDGRID_URL": sendgrid.url, "REFRESH_DELAY_S": "0"}
        with scene.function("audit", environment=environment) as function:
            state = json.dumps(run_state(run=_RUN, action="resync", account="default", audiences=[])).encode()
            began_s, invocations, progress = time.monotonic(), 0, {"done": False}
            while not progress["done"]:
                progress = answered(function.invoke(state))
                invocations += 1
            seconds = time.monotonic() - began_s
            cpu_s, peak = function.cpu_seconds(), function.peak_memory_bytes()
    counts = _counts(scene)
    if (counts["compared"], counts["overwritten"], counts["deleted"]) != (PEOPLE, 0, 0):
        raise RuntimeError(f"the audit is not what is measured: {counts}")
    section = Section("audit", f"Audit: an account of {CONTACTS:,} contacts", counted=True)
    section.add("greatest memory", peak / 2**20, "MiB", limit=MEMORY_MIB, how="VmHWM of the process")
    section.add("invocations", invocations, how="an account with more is read once for each million")
    section.add(
        "CPU", cpu_s, "s", how=f"{seconds:.0f} s on this machine. Lambda gives 900 s, of 0.29 of a vCPU"
    )
    return section


def plan(scene: Scene, say: Say) -> Section:
    """Plan an export of 200 audiences that have their segments: each query is read."""
    section = Section("plan", f"Plan: an export of {SEGMENTS} audiences with their segments", counted=True)
    for count, period_s in _LIMITS:
        options = Options(
            limits={"*": (1_000_000, 60.0), "GET /v3/marketing/segments/2.0/{segment_id}": (count, period_s)}
        )
        with SendGridTwin(options) as sendgrid, LyticsTwin(token="a-token") as lytics:
            made = sendgrid_at(sendgrid.url, "SG.full")
            account = ExportsTable(scene.dynamodb(), "exports").account("default")
            fields: set[str] = set()
            for number in range(SEGMENTS):
                audience = lytics.add_audience(f"Audience {number}", slug=f"audience_{number}")
                lytics.add_profile(people.person(number), [audience])
                field = account.field_for(audience)
                account = account.with_audience(audience, ProvisionedAudience(field, None, None, ()))
                if field not in fields:
                    sendgrid.add_field(field)
                    fields.add(field)
                made.create_segment(f"Audience {number}", segment_query(field, audience), None)
            say(f"plan: {SEGMENTS} segments, {count} requests for segments in {period_s:.0f} s")
            document = {
                "audiences": [f"audience_{n}" for n in range(SEGMENTS)],
                "dry_run": True,
                "adopt": True,
            }
            urls = {
                "SENDGRID_URL": sendgrid.url,
                "LYTICS_URL": lytics.url,
                "WEBHOOK_BASE_URL": "https://example.org",
            }
            with scene.function("plan", environment=urls) as function:
                began_s = time.monotonic()
                answered(function.invoke(json.dumps({"run": "bench", "input": document}).encode()))
                seconds = time.monotonic() - began_s
            requests = sum(sendgrid.requests().values()) - SEGMENTS
        if count > SEGMENTS:
            section.add(
                "requests to SendGrid", requests, floor=SEGMENTS + 1, how="floor: the list, and each query"
            )
        section.add(
            f"seconds, at {count:,} requests in {period_s:.0f} s",
            seconds,
            "s",
            floor=period_s * ((SEGMENTS - 1) // count),
            limit=120,
            how="a limit that is made up. Lambda gives 120 s, of which 45 s may be waits for limits",
        )
    return section


class _Exports(HttpServer):
    """SendGrid with one finished export of contacts, and nothing else."""

    def __init__(self, file: Path) -> None:
        super().__init__(_Answers)
        self.file = file


class _Answers(Handler):
    server: _Exports

    def do_GET(self) -> None:
        if self.path == "/file":
            self.send_response(200)
            self.send_header("Content-Length", str(self.server.file.stat().st_size))
            self.end_headers()
            with self.server.file.open("rb") as file:
                shutil.copyfileobj(file, self.wfile)
            self.wfile.flush()
            return
        ready = {"status": "ready", "urls": [f"{self.server.url}/file"], "contact_count": CONTACTS}
        document: dict[str, Any] = {"result": [], "results": [], "_metadata": {}}
        self._json(200, ready if "/exports/" in self.path else document)

    def do_POST(self) -> None:
        self.body()
        self._json(202, {"id": "an-export"})

    def _json(self, status: int, document: object) -> None:
        self.answer(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


@contextmanager
def _exporting(path: Path, say: Say) -> Iterator[_Exports]:
    say(f"writing an export of {CONTACTS:,} contacts")
    with gzip.open(path, "wt", compresslevel=1, newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(
            ["EMAIL", "ALTERNATE_EMAILS", "lytics_segments", *map(str.upper, _FIELDS[:2]), *_FIELDS[2:]]
        )
        for number in range(CONTACTS):
            person = people.person(number)
            sheet.writerow([person["email"], "", people.AUDIENCE.id, *(person[name] for name in _FIELDS)])
    with _Exports(path) as server:
        yield server


def _counts(scene: Scene) -> dict[str, Any]:
    document = WalksTable(scene.dynamodb(), "exports").walk(_RUN, "audit")
    assert document is not None
    counts: dict[str, Any] = document["counts"]
    return counts
