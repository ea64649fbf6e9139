"""`/_twin/...`: endpoints for tests and the demo. They need no key: the twin serves on loopback only."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tests.local.sendgrid_twin.exchange import Answer, NotJsonError, Request
from tests.local.sendgrid_twin.options import Capability, Fault

if TYPE_CHECKING:
    from tests.local.sendgrid_twin.twin import SendGridTwin


def control(twin: "SendGridTwin", request: Request) -> Answer:
    """Answer a request to `/_twin/...`; 400 with the reason if the request is invalid."""
    try:
        return _control(twin, request)
    except (NotJsonError, ValueError, TypeError, AttributeError, KeyError) as error:
        return Answer(400, {"error": f"{type(error).__name__}: {error}"})


def _control(twin: "SendGridTwin", request: Request) -> Answer:
    name = request.path.removeprefix("/_twin/")
    if request.method == "GET":
        return _read(twin, name, request.query)
    changed = _change_faults(twin, request) if name == "faults" else _change(twin, request, name)
    return Answer(200, twin.state()) if changed else Answer(404, {"error": "unknown"})


def _read(twin: "SendGridTwin", name: str, query: Mapping[str, str]) -> Answer:
    match name:
        case "state":
            return Answer(200, twin.state())
        case "requests":
            return Answer(200, twin.requests())
        case "options":
            return Answer(200, asdict(twin.options))
        case "contacts":
            limit = int(query.get("limit", "10000"))
            rows = twin.contacts(query.get("after", ""), limit)
            after = rows[-1]["email"] if rows and len(rows) >= limit else None
            return Answer(200, {"contacts": rows, "next": after})
        case "members":
            return Answer(200, {"emails": twin.segment_members(query["segment"])})
        case "names":
            return Answer(200, twin.names())
        case "exchanges":
            return Answer(200, {"exchanges": [exchange.as_json() for exchange in twin.exchanges()]})
    return Answer(404, {"error": "unknown"})


def _change_faults(twin: "SendGridTwin", request: Request) -> bool:
    match request.method:
        case "POST":
            body = request.json()
            twin.set_faults(*map(Fault.of, body["faults"]), seed=body.get("seed"))
        case "DELETE":
            twin.clear_faults()
        case _:
            return False
    return True


def _change(twin: "SendGridTwin", request: Request, name: str) -> bool:
    match request.method, name:
        case "POST", "options":
            twin.set_options(**_options(request.json()))
        case "POST", "keys":
            twin.set_keys({key: Capability(value) for key, value in request.json().items()})
        case "POST", "single-sends":
            twin.add_single_send(**request.json())
        case "POST", "settle":
            twin.settle()
        case "POST", "refresh-segments":
            twin.refresh_segments()
        case "DELETE", "exchanges":
            twin.forget_exchanges()
        case _:
            return False
    return True


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Convert JSON lists to the tuples that `Options` uses."""
    read = dict(given)
    if "limits" in read:
        read["limits"] = {endpoint: (int(count), float(s)) for endpoint, (count, s) in read["limits"].items()}
    for name in {"errors_header", "export_hidden_columns"} & read.keys():
        read[name] = tuple(read[name])
    return read
