"""Break the deciding modules in one small way at a time, and report the faults that no test notices.

We wrote our own tool because existing ones name modules by folder and so never find ours, rewrite the working
tree, or skip constants, which make half of our decisions. ``MODULES=`` limits the run to some modules,
``REPORT=`` names the report's file, and ``PROCESSES=`` sets how many mutants run at once.
"""

import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.modules import PATHS, ROOT
from tests.mutation.mutants import Mutant, mutants, without_fault
from tests.mutation.trials import baseline, trials

MIN_PERCENT: Final = 90
TESTS: Final = ("tests/unit", "tests/properties")
MODULES: Final = """
    lytics_sendgrid.domain.contact lytics_sendgrid.domain.field_values functions.deliver.merge
    functions.deliver.drift
    lytics_sendgrid.sendgrid.row
    lytics_sendgrid.sendgrid.upsert_answer functions.deliver.upsert lytics_sendgrid.domain.rejection_limits
    functions.deliver.row_queue functions.deliver.decide functions.deliver.refreshes functions.deliver.intake
    functions.deliver.received functions.deliver.invocation functions.deliver.groups
    functions.deliver.exchange functions.deliver.send
    functions.deliver.stops functions.deliver.rounds functions.deliver.deliverer functions.deliver.requeue
    lytics_sendgrid.domain.email_address lytics_sendgrid.domain.instants lytics_sendgrid.domain.configuration
    lytics_sendgrid.domain.configuration_document
    functions.ingest.body lytics_sendgrid.domain.profile lytics_sendgrid.queues.changes
    functions.backfill.progress lytics_sendgrid.domain.checkpoint functions.backfill.rows
    functions.plan.planning functions.plan.fields functions.plan.audiences functions.plan.chosen
    functions.settle.settling
    lytics_sendgrid.sendgrid.import_job functions.confirm.errors_file functions.deliver.outbox
    lytics_sendgrid.queues.imports functions.activate.webhook_job lytics_sendgrid.lytics.webhook_jobs
    functions.report.audiences functions.report.reporting
    functions.ingest.bad_events functions.confirm.follow functions.confirm.consequences
    functions.confirm.follow_ups lytics_sendgrid.sendgrid.file_text functions.confirm.file_pieces
    functions.confirm.mentions functions.operate.dead_letters
    functions.nightly.resyncs functions.watch.jobs functions.watch.keys functions.watch.rhythm
    functions.watch.skipped functions.watch.watching
    functions.sweep.classify functions.sweep.decide functions.sweep.find functions.sweep.kept
    functions.sweep.look_ups functions.sweep.queue_all functions.sweep.scope functions.sweep.second
    functions.sweep.guard functions.sweep.session functions.sweep.state functions.sweep.verify
    functions.clear.clearing functions.clear.finish lytics_sendgrid.domain.clearing
    functions.erase.erasing functions.erase.person functions.erase.request functions.deliver.erased
    lytics_sendgrid.domain.account_changes
"""

type Equivalents = Mapping[tuple[str, str, str], str]


def equivalents() -> Equivalents:
    """Return the reason each equivalent mutant may survive, by module, original line and mutated line."""
    listed = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())
    return {(module, e["was"], e["now"]): e["why"] for module, entries in listed.items() for e in entries}


def stale(known: Equivalents, found: Iterable[Mutant], names: Collection[str]) -> list[str]:
    """Return the explanations that no longer match a mutant.

    Args:
        known: the explanations.
        found: all mutants of the modules under test.
        names: those modules. Explanations of other modules are skipped, unless MODULES does not list them.
    """
    existing = {_key(mutant) for mutant in found}
    checked = {*names} | ({module for module, _, _ in known} - {*MODULES.split()})
    return [
        f"{module}: {was}  ->  {now}"
        for module, was, now in known
        if module in checked and (module, was, now) not in existing
    ]


def report(results: Mapping[Mutant, str], known: Equivalents) -> list[str]:
    """Report each module's mutants; name the survivors, and those explained as equivalent but killed."""
    counts: dict[str, Counter[str]] = {}
    survivors: dict[str, list[str]] = {"UNEXPLAINED": [], "explained": [], "explained but killed": []}
    for mutant, outcome in sorted(results.items(), key=lambda pair: (pair[0].module, pair[0].number)):
        why = known.get(_key(mutant))
        survived = outcome == "survived"
        status = ("UNEXPLAINED" if why is None else "explained") if survived else "killed"
        counts.setdefault(mutant.module, Counter())[status] += 1
        if survived or why is not None:
            place = f"{mutant.module}:{mutant.line}: {why or 'UNEXPLAINED'}"
            entry = ["", place, f"  - {mutant.was}", f"  + {mutant.now}"]
            survivors[status if survived else "explained but killed"] += entry
    total = sum(counts.values(), Counter())
    lines = [f"{'module':40}{'mutants':>8}{'killed':>8}{'explained':>11}{'UNEXPLAINED':>13}{'killed %':>10}"]
    for name, of in [*counts.items(), ("total", total)]:
        share = 100 * of["killed"] / of.total()
        lines.append(
            f"{name:40}{of.total():8}{of['killed']:8}{of['explained']:11}{of['UNEXPLAINED']:13}{share:10.1f}"
        )
    for title, entries in survivors.items():
        lines += ["", f"{title}: {len(entries) // 4}", *entries]
    return lines


def _key(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.module, mutant.was, mutant.now


def percent_killed(results: Iterable[str]) -> float:
    """Return the percentage of mutants that a test noticed. Equivalent mutants count as not noticed."""
    outcomes = list(results)
    return 100 * sum(outcome != "survived" for outcome in outcomes) / len(outcomes)


def main() -> None:
    """Try all mutants. Fail if too many survive or an explanation matches no mutant."""
    scratch = ROOT / "build" / "mutation"
    scratch.mkdir(parents=True, exist_ok=True)
    names, known = (os.environ.get("MODULES") or MODULES).split(), equivalents()
    if unknown := [name for name in names if name not in PATHS]:
        sys.exit(f"no such module: {', '.join(unknown)}; MODULES takes names such as functions.deliver.merge")
    found = [mutant for name in names for mutant in mutants(PATHS[name])]
    if gone := stale(known, found, names):
        sys.exit(
            "\n".join(
                ("equivalent.toml explains mutants that no longer exist; remove or update them:", *gone)
            )
        )
    began = time.monotonic()
    base = baseline(TESTS, scratch)
    print(f"{len(base.seconds)} tests pass in {time.monotonic() - began:.0f} s; {len(found)} mutants")
    processes = int(os.environ.get("PROCESSES") or os.cpu_count() or 1)
    for mutant, outcome in trials(map(without_fault, names), base, processes):
        if outcome != "survived":
            sys.exit(f"the tests of {mutant.module} fail without a fault: fix them first")
    results: dict[Mutant, str] = {}
    for mutant, outcome in trials(found, base, processes):
        results[mutant] = outcome
        if outcome == "timed out" or (outcome == "survived" and _key(mutant) not in known):
            print(f"{outcome}: {mutant.module}:{mutant.line}: {mutant.now}", flush=True)
        if len(results) % 100 == 0:
            print(f"{len(results)} tried in {time.monotonic() - began:.0f} s", flush=True)
    _conclude(results, known, Path(os.environ.get("REPORT") or scratch / "report.txt"))


def _conclude(results: Mapping[Mutant, str], known: Equivalents, path: Path) -> None:
    lines = report(results, known)
    path.write_text("\n".join(lines) + "\n")
    survived = [_key(mutant) for mutant, outcome in results.items() if outcome == "survived"]
    explained, killed = sum(key in known for key in survived), percent_killed(results.values())
    # Explained survivors are only in the file.
    print(*lines[: next(n for n, line in enumerate(lines) if line.startswith("explained: "))], sep="\n")
    print(
        f"{killed:.1f} % of {len(results)} mutants were killed; {len(survived)} survived: {explained} "
        f"explained, {len(survived) - explained} UNEXPLAINED. The full report is in {path}"
    )
    if killed < MIN_PERCENT:
        sys.exit(f"only {killed:.1f} % of the mutants were killed; the minimum is {MIN_PERCENT} %")


if __name__ == "__main__":
    main()
