"""A rule of the protocol, broken on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.scenario import Bias


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule of the protocol, broken.

    Attributes:
        breaks: what goes wrong, for a person.
        patches: owner, attribute and replacement.
        bias: favors scenarios that need the rule.
        first: a seed that noticed it once, and ends soon. The search begins there, to be short.
    """

    breaks: str
    patches: Sequence[tuple[Any, str, Any]]
    bias: Bias
    first: int = 0
