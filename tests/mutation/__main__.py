"""Break the pure modules in one small way at a time, and tell which faults no test notices.

A tool of our own, because those that there are rename modules by their folder, so that ours are never found, rewrite
the working tree, or leave constants alone, which here are half of what is decided. ``MODULES=`` names some modules,
``REPORT=`` a file for what is found, ``PROCESSES=`` how many run at once.
"""

import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.mutation.mutants import Mutant, mutants, without_fault
from tests.mutation.trials import baseline, trials

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "layers" / "lytics_sendgrid" / "lytics_sendgrid"
LEAST_PERCENT: Final = 90
TESTS: Final = ("tests/unit", "tests/properties")
MODULES: Final = """
    contact values merge row sendgrid_answers upsert upsert_rows decision followers delivery_batch repacking addresses
    instants configuration webhook_body scanning scan_rows planning field_planning audience_planning settling import_job
    errors_file outbox subscription reporting webhook_rejects
"""

type Equivalents = Mapping[tuple[str, str, str], str]


def equivalents() -> Equivalents:
    """Return the mutants that behave as the original does, each with the reason; by module, source and mutant."""
    listed = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())
    return {(module, e["was"], e["now"]): e["why"] for module, entries in listed.items() for e in entries}


def table(results: Mapping[Mutant, str], known: Equivalents) -> list[str]:
    """Write what became of each module's mutants, and name the survivors."""
    counts: dict[str, Counter[str]] = {}
    survivors = []
    for mutant, outcome in sorted(results.items(), key=lambda pair: (pair[0].module, pair[0].number)):
        why = known.get((mutant.module, mutant.was, mutant.now))
        counts.setdefault(mutant.module, Counter())[_counted(outcome, why)] += 1
        if outcome == "survived":
            place = f"{mutant.module}:{mutant.line}"
            survivors += ["", f"{place}: {why or 'UNEXPLAINED'}", f"  - {mutant.was}", f"  + {mutant.now}"]
    total = sum(counts.values(), Counter())
    lines = [f"{'module':20}{'mutants':>8}{'killed':>8}{'equivalent':>12}{'survived':>10}{'killed %':>10}"]
    for name, of in [*counts.items(), ("in all", total)]:
        share = 100 * of["killed"] / of.total()
        lines.append(
            f"{name:20}{of.total():8}{of['killed']:8}{of['equivalent']:12}{of['survived']:10}{share:10.1f}"
        )
    return [*lines, "", "Survivors:", *survivors]


def _counted(outcome: str, why: str | None) -> str:
    if outcome != "survived":
        return "killed"
    return "survived" if why is None else "equivalent"


def percent_killed(results: Iterable[str]) -> float:
    """Return the share of all mutants that a test noticed, those that behave alike included."""
    outcomes = list(results)
    return 100 * sum(outcome != "survived" for outcome in outcomes) / len(outcomes)


def main() -> None:
    """Try all mutants, and fail where too many survive."""
    scratch = ROOT / "build" / "mutation"
    scratch.mkdir(parents=True, exist_ok=True)
    names = (os.environ.get("MODULES") or MODULES).split()
    found = [mutant for name in names for mutant in mutants(FOLDER / f"{name}.py")]
    began = time.monotonic()
    base = baseline(TESTS, scratch)
    print(f"{len(base.seconds)} tests pass in {time.monotonic() - began:.0f} s; {len(found)} mutants")
    processes = int(os.environ.get("PROCESSES") or os.cpu_count() or 1)
    for mutant, outcome in trials(map(without_fault, names), FOLDER, base, processes):
        if outcome != "survived":
            sys.exit(
                f"tests of {mutant.module} fail without a fault: what they say of faults is worth nothing"
            )
    results: dict[Mutant, str] = {}
    for mutant, outcome in trials(found, FOLDER, base, processes):
        results[mutant] = outcome
        if outcome != "killed":
            print(f"{outcome}: {mutant.module}:{mutant.line}: {mutant.now}", flush=True)
        if len(results) % 100 == 0:
            print(f"{len(results)} tried in {time.monotonic() - began:.0f} s", flush=True)
    lines = table(results, equivalents())
    report = Path(os.environ.get("REPORT") or scratch / "report.txt")
    report.write_text("\n".join(lines) + "\n")
    print("\n".join(lines[: lines.index("Survivors:")]), f"Survivors are listed in {report}", sep="\n")
    killed = percent_killed(results.values())
    if killed < LEAST_PERCENT:
        sys.exit(f"only {killed:.1f} % of the mutants were killed: at least {LEAST_PERCENT} % must be")


if __name__ == "__main__":
    main()
