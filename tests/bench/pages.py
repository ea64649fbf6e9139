"""How long the console's pages take on the whole stack, through the gateway, and how large they are.

One export has run, with people whom SendGrid refuses, and runs again. A draft of another one has passed its
check. Lytics has 500 audiences.
"""

import gzip
import random
import re
import statistics
import time
from typing import Final
from urllib.parse import urlencode, urljoin

import requests

from tests.bench.figures import Section
from tests.bench.usage import Say
from tests.local.demo.choices import choices
from tests.local.demo.stage import Stage, stage
from tests.local.demo.watch import ended, states_entered
from tests.local.polling import poll
from tests.local.sendgrid_twin.options import Options
from tests.local.sign_in import OLGA, Browser
from tests.newsletter import HIGH_VALUE, NEWSLETTER

TIMES: Final = 20
LIMIT_MS: Final = 300
AUDIENCES: Final = 500
PEOPLE, REFUSED = 3_000, 20
_SLOW_S: Final = 8.0
"""How long Lytics takes for each page of people of the run that is watched: it must not end meanwhile."""
_TIMEOUT_S: Final = 120.0
_RUN: Final = f"/runs/{NEWSLETTER.name}/second"
_EXPORT: Final = f"/exports/{NEWSLETTER.name}"
_DRAFT: Final = {"choices": "1", "export": "another", "authorization": "default", "audiences": HIGH_VALUE}


def pages(say: Say) -> list[Section]:
    """Ask for each page 20 times, warm, and count the bytes of the largest ones."""
    chosen = choices({"PEOPLE": str(PEOPLE), "KEEP": "1"})
    start = chosen.start | {"list": None}
    options = Options(limits={"*": (1_000_000, 60.0)}, fail_emails="^refused")
    with stage(chosen, say, sendgrid_options=options) as running:
        say("console: a run, a draft with its check, and another run")
        assert running.sign_in is not None
        running.sign_in.twin.signs_in = OLGA
        browser = Browser(running.sign_in)
        browser.follow(browser.page("/"))
        _first_run(running, start)
        draft = _checked_draft(browser)
        _begin_slow_run(running, start)
        asked = {
            "Run": _RUN,
            "Run, the part that is asked for again": f"{_RUN}/progress",
            "Run that has ended": f"/runs/{NEWSLETTER.name}/first",
            "Exports": "/",
            "New export": "/new",
            f"The form, with {AUDIENCES} audiences": draft,
            "Check": f"{draft}/check",
            "Export": _EXPORT,
            "Rejected people": f"{_EXPORT}/rejected",
            "Person": "/person",
            "Health": "/health",
        }
        section = Section("pages", f"The console's pages: {TIMES} times each, warm", counted=False)
        for name, path in asked.items():
            say(f"console: {name}")
            _add(section, name, browser, path)
        return [section, _sizes(browser, draft)]


def _first_run(running: Stage, start: object) -> None:
    """Make the audiences and the people whom SendGrid refuses, and run the export to its end."""
    assert running.lytics is not None
    made_up = random.Random(1)
    for number in range(AUDIENCES - len(NEWSLETTER.audiences)):
        words = made_up.choices(("Gold", "Trial", "Opened", "Summer", "Cart", "Winback", "Paris", "New"), k=3)
        audience_id = f"{made_up.getrandbits(128):032x}"
        running.lytics.add_audience(f"{' '.join(words)} {number}", audience_id=audience_id)
    for number in range(REFUSED):
        running.lytics.add_profile({"email": f"refused{number}@example.org"}, [HIGH_VALUE])
    client = running.deployment.cloud.client("stepfunctions")
    execution = running.deployment.start("first", start)
    finished = poll(lambda: ended(client, execution), "the end of the run", _TIMEOUT_S, 0.5)
    if finished.status != "SUCCEEDED" or not finished.output["people"]["rejected"]:
        raise RuntimeError(f"the run is not what is measured: {finished}")


def _begin_slow_run(running: Stage, start: object) -> None:
    assert running.lytics is not None
    running.lytics.set_faults(api_paths="/scan", api_slow_s=_SLOW_S)
    client = running.deployment.cloud.client("stepfunctions")
    execution = running.deployment.start("second", start)
    poll(lambda: "Backfill" in states_entered(client, execution) or None, "the scan", _TIMEOUT_S, 0.5)


def _checked_draft(browser: Browser) -> str:
    """Make a draft in the browser, and check it. Returns its path."""
    url = browser.sign_in.url
    origin = urljoin(url, "/").rstrip("/")
    draft = urljoin(url, browser.send("POST", f"{url}/new", Origin=origin).headers["Location"])
    path = draft.removeprefix(url)

    def shows(part: str, text: str) -> None:
        poll(lambda: text in browser.page(f"{path}{part}").text or None, text, _TIMEOUT_S, 0.5)

    shows("/choices", 'name="choices"')
    form = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
    browser.send("POST", f"{draft}/check", body=urlencode(_DRAFT).encode(), **form)
    shows("/check", "Start Export")
    return path


def _page(browser: Browser, path: str) -> requests.Response:
    headers = {"HX-Request": "true"} if path.endswith("/progress") else {}
    answer = browser.send("GET", f"{browser.sign_in.url}{path}", body=None, **headers)
    if answer.status_code != 200 or not answer.content:
        raise RuntimeError(f"{path} is not the page that is measured: {answer.status_code}")
    return answer


def _add(section: Section, name: str, browser: Browser, path: str) -> None:
    _page(browser, path)
    took_ms = []
    for _ in range(TIMES):
        began_s = time.perf_counter()
        _page(browser, path)
        took_ms.append((time.perf_counter() - began_s) * 1e3)
    how = f"median; the largest {max(took_ms):.0f}, the smallest {min(took_ms):.0f}"
    section.add(name, statistics.median(took_ms), "ms", limit=LIMIT_MS, how=how)


def _sizes(browser: Browser, draft: str) -> Section:
    first, form = _page(browser, "/"), _page(browser, draft)
    if form.text.count('name="audiences"') != AUDIENCES:
        raise RuntimeError("the form does not show the audiences that are measured")
    loaded = set(re.findall(r'(?:href|src)="([^"]+/assets/[^"]+)"', first.text))
    sizes = {name: _gzipped(browser.send("GET", name)) for name in loaded}
    (style,) = [size for name, size in sizes.items() if name.endswith(".css")]
    section = Section("page_bytes", "The console's pages: bytes, gzip'd", counted=True)
    section.add(
        "first page",
        _gzipped(first) + sum(sizes.values()),
        limit=150_000,
        how=f"Exports, and the {len(sizes)} files it loads",
    )
    section.add("style sheet", style, limit=14_000, how="the only one")
    section.add(f"the form, with {AUDIENCES} audiences", _gzipped(form), limit=25_000)
    return section


def _gzipped(answer: requests.Response) -> int:
    return len(gzip.compress(answer.content))
