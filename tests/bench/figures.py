"""A figure beside its floor and its limit, and how figures are shown and written down."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure.

    Attributes:
        name: what it is.
        value: what was measured.
        unit: of it.
        floor: the minimum that the design allows, if it has one.
        limit: the most that it may be.
        at_least: the limit is a minimum, not a maximum.
        dollars: what it costs.
        floor_dollars: what the floor costs.
        how: where it comes from, or what the floor is made of.
    """

    name: str
    value: float
    unit: str = ""
    floor: float | None = None
    limit: float | None = None
    at_least: bool = False
    dollars: float | None = None
    floor_dollars: float | None = None
    how: str = ""

    @property
    def ok(self) -> bool:
        """Whether the limit is kept; true where there is none."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass(slots=True)
class Section:
    """Figures that belong together.

    Attributes:
        key: in the report.
        title: above the table.
        counted: they are counts: the same on any machine, so a limit that is not kept is an error.
    """

    key: str
    title: str
    counted: bool
    figures: list[Figure] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: float,
        unit: str = "",
        *,
        floor: float | None = None,
        limit: float | None = None,
        at_least: bool = False,
        dollars: float | None = None,
        floor_dollars: float | None = None,
        how: str = "",
    ) -> None:
        """Add a figure."""
        self.figures.append(
            Figure(
                name=name,
                value=value,
                unit=unit,
                floor=floor,
                limit=limit,
                at_least=at_least,
                dollars=dollars,
                floor_dollars=floor_dollars,
                how=how,
            )
        )

    @property
    def ok(self) -> bool:
        """Whether every limit is kept."""
        return all(figure.ok for figure in self.figures)


def show(section: Section, console: Console) -> None:
    """Print a section as a table: without the columns that nothing is in."""
    figures = section.figures
    columns: dict[str, list[str]] = {
        "measured": [f"{_number(figure.value)} {figure.unit}".strip() for figure in figures],
        "floor": [_optional(figure.floor) for figure in figures],
        "limit": [_limit(figure) for figure in figures],
        "dollars": [_optional(figure.dollars) for figure in figures],
        "floor, dollars": [_optional(figure.floor_dollars) for figure in figures],
    }
    table = Table(title=f"\n{section.title}", title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("", min_width=34)
    shown = [name for name, cells in columns.items() if any(cells)]
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", style="dim", overflow="fold")
    for number, figure in enumerate(figures):
        table.add_row(figure.name, *(columns[name][number] for name in shown), figure.how)
    console.print(table)


def _limit(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    mark = "[green]✓[/green]" if figure.ok else "[bold red]✗[/bold red]"
    return f"{'≥' if figure.at_least else '≤'} {_number(figure.limit)} {mark}"


def write(sections: Iterable[Section], path: Path, about: dict[str, object]) -> None:
    """Write all figures as JSON.

    Args:
        sections: each becomes a list of its figures under its key.
        path: of the file.
        about: the machine and the run.
    """
    document: dict[str, object] = {**about, "ok": True, "sections": {}}
    listed: dict[str, object] = {}
    for section in sections:
        listed[section.key] = {
            "title": section.title,
            "counted": section.counted,
            "ok": section.ok,
            "figures": [{**asdict(figure), "ok": figure.ok} for figure in section.figures],
        }
        document["ok"] = document["ok"] and (section.ok or not section.counted)
    document["sections"] = listed
    path.write_text(json.dumps(document, indent=2) + "\n")


def _optional(value: float | None) -> str:
    return "" if value is None else _number(value)


def _number(value: float) -> str:
    if isinstance(value, int) or (value.is_integer() and abs(value) >= 10):
        return f"{int(value):,}"
    if 0 < abs(value) < 0.01:
        return f"{value:.5f}"
    if abs(value) < 10:
        return f"{value:.3f}"
    return f"{value:,.1f}" if abs(value) < 10_000 else f"{value:,.0f}"
