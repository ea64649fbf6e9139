"""Break the modules that decide in one small way at a time, and tell which faults no test notices.

A tool of our own, because those that there are rename modules by their folder, so that ours are never found,
rewrite
the working tree, or leave constants alone, which here are half of what is decided. ``MODULES=`` names some
modules, ``REPORT=`` a file for what is found, ``PROCESSES=`` how many run at once.
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

LEAST_PERCENT: Final = 90
TESTS: Final = ("tests/unit", "tests/properties")
MODULES: Final = """
    lytics_sendgrid.domain.contact lytics_sendgrid.domain.field_values functions.deliver.merge
    functions.deliver.row
    lytics_sendgrid.sendgrid.upsert_answer functions.deliver.upsert lytics_sendgrid.domain.rejection_limits
    functions.deliver.row_queue functions.deliver.decide functions.deliver.refreshes functions.deliver.intake
    functions.deliver.received functions.deliver.invocation functions.deliver.groups
    functions.deliver.exchange functions.deliver.send
    functions.deliver.stops functions.deliver.rounds functions.deliver.delivery functions.deliver.requeue
    lytics_sendgrid.domain.email_address lytics_sendgrid.domain.instants lytics_sendgrid.domain.configuration
    functions.ingest.body lytics_sendgrid.domain.profile lytics_sendgrid.queues.changes
    functions.backfill.progress lytics_sendgrid.domain.checkpoint functions.backfill.rows
    functions.plan.planning functions.plan.fields functions.plan.audiences functions.settle.settling
    lytics_sendgrid.sendgrid.import_job functions.confirm.errors_file functions.deliver.outbox
    lytics_sendgrid.queues.imports functions.activate.webhook_job functions.report.reporting
    functions.ingest.bad_events functions.confirm.follow functions.confirm.consequences
    functions.confirm.follow_ups functions.confirm.file_text functions.confirm.file_pieces
    functions.confirm.mentions functions.operate.dead_letters
"""

type Equivalents = Mapping[tuple[str, str, str], str]


def equivalents() -> Equivalents:
    """Return the mutants that may survive, each with the reason; by module, source and mutant."""
    listed = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())
    return {(module, e["was"], e["now"]): e["why"] for module, entries in listed.items() for e in entries}


def stale(known: Equivalents, found: Iterable[Mutant], names: Collection[str]) -> list[str]:
    """Name what is explained and is no mutant (any more).

    Args:
        known: the explanations.
        found: all mutants of some modules.
        names: those modules; another's explanations are left alone, unless it is none that is ever looked at.
    """
    there = {_key(mutant) for mutant in found}
    looked_at = {*names} | ({module for module, _, _ in known} - {*MODULES.split()})
    return [
        f"{module}: {was}  ->  {now}"
        for module, was, now in known
        if module in looked_at and (module, was, now) not in there
    ]


def report(results: Mapping[Mutant, str], known: Equivalents) -> list[str]:
    """Report each module's mutants; name the survivors, and those explained as equivalent but killed."""
    counts: dict[str, Counter[str]] = {}
    survivors: dict[str, list[str]] = {"UNEXPLAINED": [], "explained": [], "explained in vain, killed": []}
    for mutant, outcome in sorted(results.items(), key=lambda pair: (pair[0].module, pair[0].number)):
        why = known.get(_key(mutant))
        survived = outcome == "survived"
        word = ("UNEXPLAINED" if why is None else "explained") if survived else "killed"
        counts.setdefault(mutant.module, Counter())[word] += 1
        if survived or why is not None:
            place = f"{mutant.module}:{mutant.line}: {why or 'UNEXPLAINED'}"
            entry = ["", place, f"  - {mutant.was}", f"  + {mutant.now}"]
            survivors[word if survived else "explained in vain, killed"] += entry
    total = sum(counts.values(), Counter())
    lines = [f"{'module':40}{'mutants':>8}{'killed':>8}{'explained':>11}{'UNEXPLAINED':>13}{'killed %':>10}"]
    for name, of in [*counts.items(), ("in all", total)]:
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
    """Return the share of all mutants that a test noticed, those that behave alike included."""
    outcomes = list(results)
    return 100 * sum(outcome != "survived" for outcome in outcomes) / len(outcomes)


def main() -> None:
    """Try all mutants, and fail where too many survive, or what is explained is not there."""
    scratch = ROOT / "build" / "mutation"
    scratch.mkdir(parents=True, exist_ok=True)
    names, known = (os.environ.get("MODULES") or MODULES).split(), equivalents()
    found = [mutant for name in names for mutant in mutants(PATHS[name])]
    if gone := stale(known, found, names):
        sys.exit("\n".join(("equivalent.toml explains what is no mutant any more:", *gone)))
    began = time.monotonic()
    base = baseline(TESTS, scratch)
    print(f"{len(base.seconds)} tests pass in {time.monotonic() - began:.0f} s; {len(found)} mutants")
    processes = int(os.environ.get("PROCESSES") or os.cpu_count() or 1)
    for mutant, outcome in trials(map(without_fault, names), base, processes):
        if outcome != "survived":
            sys.exit(
                f"tests of {mutant.module} fail without a fault: what they say of faults is worth nothing"
            )
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
    # All but the survivors that are explained.
    print(*lines[: next(n for n, line in enumerate(lines) if line.startswith("explained: "))], sep="\n")
    print(
        f"{killed:.1f} % of {len(results)} mutants were killed; {len(survived)} survived: {explained} "
        f"explained, "
        f"{len(survived) - explained} UNEXPLAINED. All are in {path}"
    )
    if killed < LEAST_PERCENT:
        sys.exit(f"only {killed:.1f} % of the mutants were killed: at least {LEAST_PERCENT} % must be")


if __name__ == "__main__":
    main()
