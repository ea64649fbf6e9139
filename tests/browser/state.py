"""A page of the console in one of its states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.console.signin.roles import Identity
from tests.unit.functions.console.scene import OPERATOR, Page, Scene


@dataclass(frozen=True, slots=True)
class State:
    """A page in one of its states.

    Attributes:
        name: of the test.
        made: returns the scene and the page's path.
        visitor: who looks; None: nobody is signed in.
        status: of the answer.
        form: is posted to the path; None: the page is asked for.
        headers: of the request, besides a browser's.
        shown: what the gateway itself answers, instead of the console.
    """

    name: str
    made: Callable[[], tuple[Scene, str]]
    visitor: Identity | None = OPERATOR
    status: int = 200
    form: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    shown: Page | None = None

    def answer(self, scene: Scene, path: str) -> Page:
        """Return what the console, or its gateway, answers."""
        headers = dict(self.headers or {})
        if self.shown is not None:
            return self.shown
        if self.form is None:
            return scene.get(path, as_=self.visitor, headers=headers)
        return scene.post(path, dict(self.form), as_=self.visitor, headers=headers)
