"""SendGrid's documents, read leniently."""

from typing import Any

import pytest

from lytics_sendgrid.sendgrid.documents import single_send_from
from lytics_sendgrid.sendgrid.resources import SingleSend


@pytest.mark.parametrize(
    ("document", "send"),
    [
        (
            {"id": "1", "name": "News", "status": "scheduled", "send_to": {"segment_ids": ["s1", 3]}},
            SingleSend("1", "News", "scheduled", frozenset({"s1"})),
        ),
        ({"id": "1", "send_to": None}, SingleSend("1", "1", "", frozenset())),
        ({"id": "", "name": "News"}, None),
        ({"name": "News"}, None),
    ],
)
def test_single_send_is_read(document: dict[str, Any], send: SingleSend | None) -> None:
    assert single_send_from(document) == send


@pytest.mark.parametrize(
    ("status", "is_pending"), [("scheduled", True), ("draft", False), ("triggered", False), ("new", True)]
)
def test_single_send_of_an_undocumented_status_is_pending(status: str, is_pending: bool) -> None:
    assert SingleSend("1", "News", status, frozenset()).is_pending is is_pending
