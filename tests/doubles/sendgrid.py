"""SendGrid's adapters in memory: for tests of what is decided between one call and the next.

HTTP below them has doubles of its own: `http.ScriptedHttp` and the twin in `tests/local/sendgrid_twin`.
"""

import dataclasses

from lytics_sendgrid.errors import RequestRefused
from lytics_sendgrid.sendgrid.resources import ContactList, CustomField, Segment, SingleSend


class SendGridInMemory:
    """A SendGrid account of fields and segments.

    ``deaths`` are raised before or after the nth write, counted from 1; ``refusals`` are raised by
    method.
    """

    def __init__(self) -> None:
        self.custom_fields: list[CustomField] = []
        self.all_segments: list[Segment] = []
        self.calls: list[str] = []
        self.deaths: dict[tuple[int, str], Exception] = {}
        self.refusals: dict[str, Exception] = {}
        self.contact_lists = [ContactList("l1", "News")]
        self.segment_refusals = 0
        self.validation = "PENDING"
        self.single_sends: list[SingleSend] = []
        self._writes = self._segments_created = 0

    def scopes(self) -> frozenset[str]:
        return frozenset({"marketing.read"})

    def lists(self) -> tuple[ContactList, ...]:
        self._called("lists")
        return tuple(self.contact_lists)

    def contacts_count(self) -> int:
        return 12

    def fields(self) -> tuple[CustomField, ...]:
        self._called("fields")
        return tuple(self.custom_fields)

    def create_field(self, name: str, field_type: str) -> CustomField:
        self._called("create_field", name)
        self._reached("before")
        if any(field.name.lower() == name.lower() for field in self.custom_fields):
            raise RequestRefused("SendGrid answered 400: the name exists")
        field = CustomField(f"e{len(self.custom_fields) + 1}_{field_type[0]}", name, field_type)
        self.custom_fields.append(field)
        self._reached("after")
        return field

    def rename_field(self, field_id: str, name: str) -> None:
        self._called("rename_field", field_id, name)
        self._reached("before")

    def segments(self) -> tuple[Segment, ...]:
        self._called("segments")
        return tuple(dataclasses.replace(segment, query=None) for segment in self.all_segments)

    def segment(self, segment_id: str) -> Segment:
        return next(segment for segment in self.all_segments if segment.id == segment_id)

    def find_segment(self, segment_id: str) -> Segment | None:
        self._called("find_segment", segment_id)
        return next((segment for segment in self.all_segments if segment.id == segment_id), None)

    def delete_segment(self, segment_id: str) -> bool:
        self._called("delete_segment", segment_id)
        self._reached("before")
        left = [segment for segment in self.all_segments if segment.id != segment_id]
        existed = len(left) < len(self.all_segments)
        self.all_segments = left
        self._reached("after")
        return existed

    def set_segment_query(self, segment_id: str, query: str) -> None:
        self._called("set_segment_query", segment_id)
        self._reached("before")
        self.all_segments = [
            dataclasses.replace(segment, query=query) if segment.id == segment_id else segment
            for segment in self.all_segments
        ]

    def scheduled_single_sends(self) -> tuple[SingleSend, ...]:
        self._called("scheduled_single_sends")
        return tuple(self.single_sends)

    def create_segment(self, name: str, query: str, list_id: str | None) -> Segment:
        self._called("create_segment", name)
        self._reached("before")
        if any(segment.name == name for segment in self.all_segments):
            raise RequestRefused("SendGrid answered 400: the name exists")
        if self.segment_refusals:
            self.segment_refusals -= 1
            raise RequestRefused("SendGrid answered 400: no such column")
        self._segments_created += 1
        segment = Segment(f"s{self._segments_created}", name, list_id, query, 0, self.validation)
        self.all_segments.append(segment)
        self._reached("after")
        return segment

    def rename_segment(self, segment_id: str, name: str) -> None:
        self._called("rename_segment", segment_id, name)
        self._reached("before")
        self.all_segments = [
            dataclasses.replace(segment, name=name) if segment.id == segment_id else segment
            for segment in self.all_segments
        ]

    def _called(self, method: str, *about: str) -> None:
        self.calls.append(" ".join((method, *about)))
        if method in self.refusals:
            raise self.refusals[method]

    def _reached(self, moment: str) -> None:
        self._writes += moment == "before"
        death = self.deaths.pop((self._writes, moment), None)
        if death is not None:
            raise death
