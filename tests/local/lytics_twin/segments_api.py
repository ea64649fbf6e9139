"""The endpoints that the export reads: segments, schema and profile."""

from typing import Any

from tests.local.lytics_twin.account import Account, Audience, Unknown
from tests.local.lytics_twin.answers import ApiError, Reply, success
from tests.local.lytics_twin.clock import Clock
from tests.local.lytics_twin.envelopes import profile_fields
from tests.local.lytics_twin.faults import Faults
from tests.local.lytics_twin.routes import Request, Route
from tests.local.lytics_twin.scan import Scans
from tests.local.lytics_twin.schema import IDENTIFIERS, Schema
from tests.local.lytics_twin.timestamps import rfc3339_ms

Json = dict[str, Any]


class SegmentsApi:
    """Answers the read calls of both APIs."""

    def __init__(self, account: Account, schema: Schema, scans: Scans, faults: Faults, clock: Clock) -> None:
        self._account, self._schema, self._scans = account, schema, scans
        self._faults, self._clock = faults, clock

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/v2/segment", self._list),
            Route("GET", "/v2/segment/{segment}", self._one),
            Route("GET", "/api/segment", self._list),
            Route("GET", "/api/segment/sizes", self._sizes),
            Route("GET", "/api/segment/{segment}", self._one),
            Route("GET", "/api/segment/{segment}/scan", self._scan),
            Route("GET", "/v2/schema/{table}/field", self._fields),
            Route("GET", "/api/schema/{table}", self._table),
            Route("GET", "/api/entity/{table}/{field}/{value}", self._entity),
        ]

    def _list(self, request: Request) -> Reply:
        query = request.query
        with self._account.lock:
            listed = [
                self._segment(audience, request)
                for audience in self._account.audiences.values()
                if query.get("table") in {None, "", audience.table}
                and query.get("kind") in {None, "", audience.kind}
                and query.get("valid", "true") in {"all", str(audience.valid).lower()}
            ]
        return success(request.version, listed)

    def _one(self, request: Request) -> Reply:
        return success(request.version, self._segment(self._find(request), request))

    def _sizes(self, request: Request) -> Reply:
        ids = [name for name in request.query.get("ids", "").split(",") if name]
        with self._account.lock:
            audiences = [self._account.audiences[name] for name in ids if name in self._account.audiences]
            data = [
                {
                    "id": audience.id,
                    "name": audience.name,
                    "slug_name": audience.slug,
                    "size": len(audience.members),
                    "timestamp": rfc3339_ms(self._clock.wall_ns()),
                }
                for audience in audiences
            ]
        return success(1, data)

    def _scan(self, request: Request) -> Reply:
        return self._scans.page(self._find(request), request.query)

    def _fields(self, request: Request) -> Reply:
        self._check_table(request)
        return success(2, self._schema.v2_fields(request.query.get("filter", "all")))

    def _table(self, request: Request) -> Reply:
        self._check_table(request)
        return success(1, self._schema.v1_table())

    def _entity(self, request: Request) -> Reply:
        """Look a profile up. Answers 200 even if it does not exist, as documented."""
        self._check_table(request)
        value = request.names["value"]
        with self._account.lock:
            try:
                field = request.names["field"]
                if field not in self._schema.identifiers:
                    raise Unknown(field)
                profile = (
                    self._account.profile(value)
                    if field in IDENTIFIERS
                    else self._account.profile_with(field, value)
                )
            except Unknown:
                return success(1, {"segments": ["not_found", "all"]}, message="Not Found")
            if self._faults.entity_timed_out:
                return success(1, {"segments": ["not_found", "all"]}, message="Timed out")
            wanted = [name for name in request.query.get("fields", "").split(",") if name]
            data = profile_fields(profile, profile.fields, wanted)
            ids = sorted(profile.audiences)
            if request.query.get("segments") == "true":
                data["segments"] = [*(self._account.audiences[name].slug for name in ids), "all"]
            if request.query.get("allsegments") == "true":
                data["segments_all"] = ids
        return success(1, data, meta={"name": "user", "by_fields": list(self._schema.identifiers)})

    def _find(self, request: Request) -> Audience:
        try:
            return self._account.audience(request.names["segment"])
        except Unknown:
            raise ApiError(404, "Segment not found") from None

    def _check_table(self, request: Request) -> None:
        if request.names["table"] != "user":
            raise ApiError(404, f"no table {request.names['table']}", "TABLE-NOTFOUND-009")

    def _segment(self, audience: Audience, request: Request) -> Json:
        segment: Json = {
            "id": audience.id,
            "account_id": "4f7b525bdba058fc096757a6",
            "author_id": "52a77a0f5e9a40eab3a2fd53b8b3c3a1",
            "kind": audience.kind,
            "table": audience.table,
            "segment_ql": "FILTER AND ( visit_count > 5 )",
            "created": rfc3339_ms(audience.created_ns),
            "updated": rfc3339_ms(audience.updated_ns),
            "description": "",
            "is_public": True,
            "name": audience.name,
            "slug_name": audience.slug,
            "tags": [],
        }
        if not audience.valid:
            segment |= {"invalid": True, "invalid_reason": "a field of its definition is gone"}
        if request.query.get("sizes") == "true":
            segment["size"] = len(audience.members)
        return segment
