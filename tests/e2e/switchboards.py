"""One URL for all SendGrid twins and one for all Lytics twins: a request's key selects the account.

One deployment thus serves every test, and each test has its own accounts.
"""

import time
from types import TracebackType
from typing import Self

from tests.local.lytics_twin import server as lytics_server
from tests.local.lytics_twin.answers import ApiError, Reply, refusal
from tests.local.lytics_twin.routes import Request as LyticsRequest
from tests.local.lytics_twin.twin import LyticsTwin
from tests.local.sendgrid_twin import server as sendgrid_server
from tests.local.sendgrid_twin.exchange import Answer, Request, general_error
from tests.local.sendgrid_twin.twin import SendGridTwin


class Switchboards:
    """Serves from construction until its context ends.

    Attributes:
        sendgrid: The twins by SendGrid key.
        lytics: The twins by Lytics token.
    """

    def __init__(self) -> None:
        self.sendgrid: dict[str, SendGridTwin] = {}
        self.lytics: dict[str, LyticsTwin] = {}
        self._sendgrid_server = sendgrid_server.Server(self._to_sendgrid)
        self._lytics_server = lytics_server.Server(0, self._to_lytics, time.time_ns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sendgrid_server.close()
        self._lytics_server.close()

    @property
    def sendgrid_url(self) -> str:
        return self._sendgrid_server.url

    @property
    def lytics_url(self) -> str:
        return self._lytics_server.url

    def _to_sendgrid(self, request: Request) -> Answer | None:
        key = request.headers.get("authorization", "").partition(" ")[2]
        twin = self.sendgrid.get(key)
        return general_error(401, "authorization required") if twin is None else twin.respond(request)

    def _to_lytics(self, request: LyticsRequest, authorization: str | None) -> Reply | None:
        twin = self.lytics.get(authorization or "")
        if twin is None:
            return refusal(1, ApiError(401, "Not authorized"))
        return twin.answer(request, authorization)
