"""The terminal output of the demo."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tests.local.demo.audit import Audit


class Watching:
    """The states of an execution and a progress bar."""

    def __init__(self, live: Live, progress: Progress, total: int | None, label: str) -> None:
        self._live = live
        self._progress = progress
        self._bar = progress.add_task(label, total=total)
        self._states = Text()

    def show(self, states: list[str], done: int, *, ended: bool = False) -> None:
        """Show the entered states and the progress."""
        self._states = Text("  states  ", style="dim")
        for number, name in enumerate(states):
            running = number == len(states) - 1 and not ended
            self._states.append(" > " if number else "", style="dim")
            self._states.append(name, style="bold yellow" if running else "green")
        self._progress.update(self._bar, completed=done)
        self._live.update(Group(self._states, self._progress), refresh=True)


class Screen:
    """The terminal."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)

    def step(self, text: str) -> None:
        """Print the next step."""
        self.console.print(f"[dim]•[/dim] {escape(text)}", soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print a heading."""
        self.console.print(f"\n[bold]{escape(text)}[/bold]")

    def fault(self, text: str) -> None:
        """Print an error."""
        self.console.print(f"[bold red]✗[/bold red] {escape(text)}")

    @contextmanager
    def watching(self, label: str, total: int | None) -> Iterator[Watching]:
        """Show progress until the context ends."""
        progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
        )
        with Live(progress, console=self.console, refresh_per_second=4) as live:
            yield Watching(live, progress, total, label)

    def audit(self, audit: Audit) -> None:
        """Show whether Lytics, the contacts table and SendGrid agree."""
        table = Table(
            title="Members by audience",
            title_justify="left",
            caption="our table: in DynamoDB; SendGrid: the field lytics_segments; segment: in SendGrid",
            caption_justify="left",
        )
        for name in ("Audience", "Lytics", "our table", "SendGrid", "segment"):
            table.add_column(name, justify="left" if name == "Audience" else "right")
        table.add_column("equal")
        for row in audit.audiences:
            counts = [row[who] for who in ("lytics", "ledger", "sendgrid", "segment")]
            equal = "[green]yes[/green]" if len(set(counts)) == 1 else "[red]NO[/red]"
            table.add_row(escape(row["name"]), *(f"{count:,}" for count in counts), equal)
        self.console.print(table)
        if audit.differences:
            self.fault(f"{len(audit.differences):,} differences, such as:")
            for text in audit.differences[:10]:
                self.console.print(f"    {escape(text)}")
        else:
            self.console.print(
                f"[green]✓[/green] all {audit.contacts:,} contacts in SendGrid match Lytics: "
                "memberships, fields, list"
            )

    def sample(self, contact: Mapping[str, Any]) -> None:
        """Show one contact of SendGrid."""
        self.heading("A contact in SendGrid")
        for name in ("email", "first_name", "last_name", "list_ids"):
            self.console.print(f"  {name:18} {escape(str(contact.get(name)))}")
        for name, value in contact["custom_fields"].items():
            self.console.print(f"  {name:18} {escape(str(value))}", soft_wrap=True)

    def counts(self, title: str, column: str, counts: Mapping[str, int]) -> None:
        """Show a table of counts."""
        table = Table(title=title, title_justify="left")
        table.add_column(column)
        table.add_column("count", justify="right")
        for name, count in sorted(counts.items()):
            table.add_row(escape(name), f"{count:,}")
        self.console.print(table)
