"""Forget the addresses that a run's scans have kept as samples. Nothing needs them once the run is over."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from lytics_sendgrid.domain.checkpoint import Checkpoint


class Scans(Protocol):
    """Where checkpoints of scans are kept."""

    def put_scan(  # noqa: D102
        self, run: str, audience: str, checkpoint: Checkpoint, now_s: int, scan: int = 0
    ) -> None: ...


def forget_samples(run: str, scans: Mapping[str, Checkpoint | None], kept: Scans, now_s: int) -> None:
    """Write each checkpoint again without its sample.

    Args:
        run: the execution's name.
        scans: audience id to the checkpoint of its scan.
        kept: where they are kept.
        now_s: our clock, Unix seconds.

    Raises:
        RetryLater: the table did not answer; call again.
    """
    for audience, scan in scans.items():
        if scan is not None and scan.sample:
            kept.put_scan(run, audience, replace(scan, sample=()), now_s)
