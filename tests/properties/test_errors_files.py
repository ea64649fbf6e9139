"""An errors file ties the same rows to the same contacts, whatever its form and encoding are."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.confirm.errors_file import bad_rows
from lytics_sendgrid.sendgrid.file_text import text_parts

OURS = frozenset(
    {
        "ada@example.com",
        "o'connor@example.org",
        "connor@example.org",
        "a@x.co",
        "a@x.com",
        "news+tag@mail.example.co.uk",
        "müller@bücher.example",
        "{b}@example.com",
        "p=q@example.com",
    }
)
THEIRS = ("ada@example.com.au", "x.ada@example.com", "a@x.community", "o'ada@example.com", "zoe@example.org")

type Row = tuple[str, str]
type Form = Callable[[Sequence[Row]], str]


def table(rows: Sequence[Row], *, header: bool = True, is_last: bool = False, **options: object) -> str:
    """Return rows as CSV with a number, in another order of columns if ``is_last``."""
    lines = [(str(number), email, text) for number, (email, text) in enumerate(rows)]
    lines = [("row", "e-mail", "error"), *lines] if header else lines
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", **options)  # type: ignore[arg-type]
    writer.writerows(line[::-1] if is_last else line for line in lines)
    return file.getvalue()


def objects(rows: Sequence[Row]) -> list[object]:
    return [
        {"line": number, "contact": {"email": email}, "errors": [{"message": text}]}
        for number, (email, text) in enumerate(rows)
    ]


FORMS: dict[str, Form] = {
    "csv": table,
    "csv without a header": lambda rows: table(rows, header=False),
    "csv, address last": lambda rows: table([(email.upper(), text) for email, text in rows], is_last=True),
    "csv, all quoted": lambda rows: table(rows, quoting=csv.QUOTE_ALL),
    "csv, single quotes": lambda rows: "".join(f"'{email}','{text}'\n" for email, text in rows),
    **{f"csv with {mark!r}": lambda rows, mark=mark: table(rows, delimiter=mark) for mark in ";\t|:^~"},  # type: ignore[misc]
    "columns": lambda rows: "".join(f"{email:50}{text}\n" for email, text in rows),
    "sentences": lambda rows: "".join(f"{text}: email '{email}' is not valid.\n" for email, text in rows),
    "labels": lambda rows: "".join(f"email={email} error={text!r}\n" for email, text in rows),
    "brackets": lambda rows: "".join(f"[error] {text} <{email}>\n" for email, text in rows),
    "json lines": lambda rows: "".join(json.dumps(one) + "\n" for one in objects(rows)),
    "json lines with commas": lambda rows: "".join(
        f"{json.dumps(one, ensure_ascii=False)},\n" for one in objects(rows)
    ),
    "json without line ends": lambda rows: " ".join(map(json.dumps, objects(rows))),
    "json array": lambda rows: json.dumps(objects(rows)),
    "json, pretty": lambda rows: json.dumps(objects(rows), indent=2, ensure_ascii=False),
    "json objects, pretty": lambda rows: "\n".join(json.dumps(one, indent=4) for one in objects(rows)),
    "json object": lambda rows: json.dumps({"count": len(rows), "errors": objects(rows)}, indent=1),
    "json arrays": lambda rows: json.dumps([[email, text] for email, text in rows], indent=1),
    "json by address": lambda rows: json.dumps({"errors": {email: [text] for email, text in rows}}, indent=1),
    "json sentences": lambda rows: json.dumps(
        {"errors": [f"{text}: email '{email}' is not valid" for email, text in rows]}
    ),
    "json, cut short": lambda rows: json.dumps([*objects(rows), {"email": "x"}], indent=1)[:-9],
}  # fmt: skip
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": b"",
    "utf-16-be": b"",
    "utf-16": b"",
    "utf-32": b"",
}

texts = st.text(st.sampled_from("abc é日,;:|'\"{}[]()=\\/. 019\n"), max_size=12)
rows = st.lists(
    st.tuples(st.sampled_from([*sorted(OURS), *THEIRS]), texts),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row[0],
)


def cut(content: bytes, sizes: Iterator[int]) -> Iterator[bytes]:
    start = 0
    while start < len(content):
        size = next(sizes)
        yield content[start : start + size]
        start += size


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), rows=rows)
def test_each_form_names_the_same_contacts(form: str, data: st.DataObject, rows: list[Row]) -> None:
    if "csv" not in form and "json" not in form:
        rows = [(email, text.replace("\n", " ")) for email, text in rows]
    if "single" in form:
        rows = [(email, text.replace("\n", " ").replace("'", "").replace('"', "")) for email, text in rows]
    text = FORMS[form](rows)
    text = text.replace("\n", data.draw(st.sampled_from(["\n", "\r\n", "\r"])))
    content = text.encode(data.draw(st.sampled_from(list(ENCODINGS))))
    content = gzip.compress(content) if data.draw(st.booleans()) else content
    sizes = data.draw(st.lists(st.integers(0, 60), min_size=1, max_size=9).filter(any))
    endless = (size for _ in iter(int, 1) for size in sizes)
    found = [row.email for row in bad_rows(text_parts(cut(content, endless)), OURS)]
    assert {email for email in found if email} == {email for email, _ in rows} & OURS
    assert found.count(None) == sum(email not in OURS for email, _ in rows)
