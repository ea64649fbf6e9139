"""Apply a function to several items at once."""

from collections.abc import Callable, Iterable
from typing import Protocol


class Each(Protocol):
    """Applies a function to several items at once; returns the results in the order of the items."""

    def __call__[T, R](self, function: Callable[[T], R], items: Iterable[T], /) -> Iterable[R]: ...  # noqa: D102
