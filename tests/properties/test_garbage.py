"""A message that this product did not write never stops the consumer, and never affects other messages."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lytics_sendgrid.domain.change import Change, Kind, Message
from lytics_sendgrid.queues.changes import decode, encode
from tests.unit.functions.deliver.deliver_scene import Scene
from tests.unit.functions.deliver.example_changes import enter, entering
from tests.unit.functions.deliver.example_export import READERS

SOUND = [
    Message("newsletter", (enter("ann@example.org", city="Oslo"),), config=3, run="r1", number="a.0"),
    Message(
        "newsletter",
        (
            Change("ann@example.org", 5, Kind.ENTER, READERS, {"city": "Oslo"}, 7, "12"),
            Change("bob@example.org", 6, Kind.REFRESH, attempt=2),
            Change("cy@example.org", 7, Kind.REJECT, row="aa", reason="bad"),
        ),
        hops=2,
        uncertain=True,
        suspect=True,
        question=True,
    ),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("newsletter"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from places(one, (*path, key))


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Draw a valid message with up to three values replaced or dropped."""
    document = json.loads(encode(draw(st.sampled_from(SOUND))))
    for _ in range(draw(st.integers(1, 3))):
        known = list(places(document))
        *path, last = draw(st.sampled_from(known))
        parent: Any = document
        for key in path:
            parent = parent[key]
        if draw(st.booleans()):
            parent[last] = copy.deepcopy(draw(json_values))
        else:
            del parent[last]
        if not document:
            break
    return json.dumps(document)


def is_readable(body: str) -> bool:
    """Return whether a body is a message of an existing export."""
    try:
        return decode(body).export == "newsletter"
    except ValueError:
        return False


@settings(deadline=None)
@given(st.lists(damaged() | json_values.map(json.dumps) | st.text(max_size=5), min_size=1, max_size=3))
@example(['{"v":1,"export":{},"changes":[]}'])
@example(
    ['{"v":1,"export":"newsletter","time":Infinity,"kind":"enter","changes":[{"email":"a@example.org"}]}']
)
@example(['{"v":1,"export":"newsletter","time":-5,"kind":"enter","changes":[{"email":"a@example.org"}]}'])
@example(['{"v":1,"export":"newsletter","hops":-5,"changes":[{"email":[],"kind":"enter","time":1}]}'])
@example(["[" * 100_000])
def test_garbage_affects_no_other_message(bodies: list[str]) -> None:
    scene = Scene()
    summary = scene.deliver(*bodies, entering(["zoe@example.org"]))
    assert scene.has("zoe@example.org")
    assert "m" + str(len(bodies)) not in summary.failed
    for number, body in enumerate(bodies):
        assert is_readable(body) == (f"m{number}" not in summary.failed)
    assert all(key.startswith("acme#") for key in scene.contacts)
