"""A catalogue has room in its item, and says what it leaves out."""

import random

from functions.catalogue.room import MAX_BYTES, gzip_bytes, with_room
from lytics_sendgrid.tables.console import MAX_DOCUMENT_BYTES
from lytics_sendgrid.workflow.catalogue import AudienceChoice, Catalogue, FieldChoice

RANDOM = random.Random(1)


def noise(chars: int) -> str:
    """Return a text that hardly gets smaller."""
    return "".join(map(chr, RANDOM.choices(range(0x4E00, 0x9FFF), k=chars)))


def audiences(count: int, chars: int) -> tuple[AudienceChoice, ...]:
    return tuple(
        AudienceChoice(id=f"{RANDOM.getrandbits(128):032x}", name=noise(chars), slug=f"s{number}")
        for number in range(count)
    )


def test_catalogue_with_room_is_not_changed() -> None:
    catalogue = Catalogue(asked_s=1, audiences=audiences(500, 20))
    assert with_room(catalogue) is catalogue


def test_large_catalogue_is_cut_and_says_so() -> None:
    whole = Catalogue(asked_s=1, audiences=audiences(130, 1_700))
    cut = with_room(whole)
    assert MAX_BYTES * 0.95 < gzip_bytes(cut) <= MAX_BYTES < MAX_DOCUMENT_BYTES
    assert cut.audiences is not None
    assert whole.audiences is not None
    assert cut.audiences == whole.audiences[: len(cut.audiences)]
    assert cut.left_out == {"audiences": 130 - len(cut.audiences)}


def test_fields_are_left_out_before_audiences() -> None:
    fields = tuple(FieldChoice(name=noise(20), type="string") for _ in range(50))
    catalogue = Catalogue(asked_s=1, audiences=audiences(20, 20), lytics_fields=fields)
    cut = with_room(catalogue, gzip_bytes(catalogue) - 500)
    assert cut.audiences == catalogue.audiences
    assert 0 < cut.left_out["lytics_fields"] < 50
    none = with_room(catalogue, 200)
    assert (none.lytics_fields, none.audiences, none.left_out) == (
        (),
        (),
        {"lytics_fields": 50, "audiences": 20},
    )
