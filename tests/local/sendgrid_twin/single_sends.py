"""`/v3/marketing/singlesends`: e-mails to lists and segments. Only reading; tests add them."""

from dataclasses import dataclass
from typing import Any

from tests.local.sendgrid_twin.exchange import Answer, Request, general_error, refusal
from tests.local.sendgrid_twin.situation import Situation, iso

PATH = "/v3/marketing/singlesends"


@dataclass(slots=True)
class SingleSend:
    """One Single Send."""

    id: str
    name: str
    status: str
    segment_ids: list[str]
    created_s: float


class SingleSends:
    """The Single Sends of the account, and their endpoints."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self.by_id: dict[str, SingleSend] = {}

    def add(self, name: str, segment_ids: list[str], status: str) -> SingleSend:
        """Add a Single Send without a request."""
        new = SingleSend(self._situation.new_id(), name, status, segment_ids, self._situation.now())
        self.by_id[new.id] = new
        return new

    def get_all(self, request: Request) -> Answer:
        """GET, paged: all pages but the last have `_metadata.next`. The list lacks `send_to`."""
        try:
            size = int(request.query.get("page_size", "100"))
            start = int(request.query.get("page_token") or "0")
        except ValueError:
            return refusal(400, "invalid page")
        sends = list(self.by_id.values())
        where = f"{self._situation.url}{PATH}?page_size={size}&page_token="
        metadata: dict[str, Any] = {"self": f"{where}{start or ''}", "count": len(sends)}
        if start + size < len(sends):
            metadata["next"] = f"{where}{start + size}"
        page = [self._short(send) for send in sends[start : start + size]]
        return Answer(200, {"result": page, "_metadata": metadata})

    def get(self, request: Request, send_id: str) -> Answer:
        """GET one, with the segments that it goes to."""
        if (found := self.by_id.get(send_id)) is None:
            return general_error(404, "single send not found")
        short = self._short(found)
        del short["abtest"], short["is_abtest"]
        return Answer(200, short | {"send_to": {"segment_ids": found.segment_ids, "all": False}})

    def _short(self, send: SingleSend) -> dict[str, Any]:
        moment = iso(send.created_s)
        return {
            "id": send.id,
            "name": send.name,
            "status": send.status,
            "categories": [],
            "abtest": None,
            "is_abtest": False,
            "created_at": moment,
            "updated_at": moment,
        }
