"""A document is written as lines that a person can read."""

from functions.operate.outline import notes_first, outline, printable


def test_document_is_indented_with_its_own_keys() -> None:
    document = {
        "run": "4c1f",
        "live": False,
        "count": None,
        "mismatch": "",
        "audiences": [{"name": "Leser: Köln", "fields": ["a", "b"]}, {"name": "VIP", "fields": []}],
        "people": {"accepted": 3, "rejected": {}},
    }
    assert list(outline(document)) == [
        "run: 4c1f",
        "live: false",
        "count: null",
        "mismatch:",
        "audiences:",
        "  - name: Leser: Köln",
        "    fields:",
        "      - a",
        "      - b",
        "  - name: VIP",
        "    fields: []",
        "people:",
        "  accepted: 3",
        "  rejected: {}",
    ]


def test_list_and_scalar_alone_are_written() -> None:
    assert list(outline(["a", ["b", "c"], 1])) == ["- a", "- - b", "  - c", "- 1"]
    assert list(outline("a")) == ["a"]


def test_notes_come_first() -> None:
    assert list(notes_first({"run": "r", "notes": ["one", "two"]})) == [
        *("Notes", "- one", "- two", "", "run: r"),
    ]
    assert list(notes_first({"run": "r", "notes": []})) == ["run: r"]


def test_text_cannot_control_the_terminal() -> None:
    assert printable("a\x1b[31m\nb\u202e") == "a [31m b "
    assert list(outline({"name": "a\r\x1b]0;x\x07"})) == ["name: a  ]0;x"]
