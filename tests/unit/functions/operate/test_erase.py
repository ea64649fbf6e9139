"""`make erase`: addresses from a file, and waiting until everybody is gone."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from functions.operate.erase import emails_of, erase_people, follow, main
from lytics_sendgrid.errors import InputInvalid
from tests.clock import ManualClock

ANN, BOB = "ann@example.org", "bob@example.org"


class Lambda:
    """Answers each address as under way, the last batch a little later than the first."""

    def __init__(self) -> None:
        self.questions: list[dict[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803
        assert FunctionName == "mine-erase"
        question = json.loads(Payload)
        self.questions.append(question)
        people = [{"email": email, "status": "under_way", "message": "m"} for email in question["emails"]]
        later = f"2026-11-23T18:00:0{len(self.questions)}Z" if len(self.questions) < 3 else None
        return {"Payload": io.BytesIO(json.dumps({"people": people, "check_after": later}).encode())}


class Erasure:
    """Answers by a script of statuses, one for each call; the last one stays."""

    def __init__(self, clock: ManualClock, *statuses: dict[str, str]) -> None:
        self.clock = clock
        self.statuses = list(statuses)
        self.asked: list[tuple[list[str], bool]] = []

    def __call__(self, emails: Sequence[str], again: bool) -> tuple[list[dict[str, str]], float]:
        self.asked.append((list(emails), again))
        statuses = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        people = [{"email": email, "status": statuses[email], "message": "why"} for email in emails]
        return people, self.clock.now() + 120


def run(erasure: Erasure, *emails: str, again: bool = False, waits: bool = True) -> tuple[int, str]:
    printed: list[str] = []
    status = follow(erasure, emails, erasure.clock, printed.append, again=again, waits=waits)
    return status, "".join(printed)


def test_addresses_are_lines_without_empty_and_equal_ones() -> None:
    assert emails_of([f"  {ANN}\n", "\n", BOB, ANN]) == [ANN, BOB]
    with pytest.raises(InputInvalid, match="there is no address"):
        emails_of(["\n"])


def test_long_list_is_asked_a_thousand_at_a_time() -> None:
    client = Lambda()
    emails = [f"p{n}@example.org" for n in range(2_001)]
    people, after_s = erase_people(client, "mine-erase", "newsletter", emails, again=True)
    assert [len(question["emails"]) for question in client.questions] == [1_000, 1_000, 1]
    assert [person["email"] for person in people] == emails
    assert after_s == 1_795_456_802.0
    assert {(question["export"], question["again"]) for question in client.questions} == {
        ("newsletter", True)
    }


def test_again_is_asked_for_only_if_wanted() -> None:
    client = Lambda()
    erase_people(client, "mine-erase", "default", [ANN], again=False)
    assert client.questions == [{"export": "default", "emails": [ANN]}]


def test_who_is_under_way_is_asked_again_until_gone() -> None:
    clock = ManualClock()
    erasure = Erasure(clock, {ANN: "under_way", BOB: "invalid"}, {ANN: "under_way"}, {ANN: "erased"})
    status, printed = run(erasure, ANN, BOB, again=True)
    assert erasure.asked == [([ANN, BOB], True), ([ANN], False), ([ANN], False)]
    assert clock.sleeps == [121.0, 121.0]
    assert printed.endswith(f"erased\t{ANN}\twhy\ninvalid\t{BOB}\twhy\n1 erased, 1 invalid\n")
    assert status == 1


def test_all_gone_is_success() -> None:
    erasure = Erasure(ManualClock(), {ANN: "erased", BOB: "not_found"})
    assert run(erasure, ANN, BOB)[0] == 0


@pytest.mark.parametrize(("waits", "calls"), [(False, 1), (True, 10)])
def test_waiting_ends(waits: bool, calls: int) -> None:
    erasure = Erasure(ManualClock(), {ANN: "under_way"})
    status, _ = run(erasure, ANN, waits=waits)
    assert (status, len(erasure.asked)) == (1, calls)


def test_missing_variables_and_files_are_reported(tmp_path: Path) -> None:
    said: list[str] = []
    clock = ManualClock()
    missing = {"STACK": "mine", "EMAILS": str(tmp_path / "missing")}
    assert main({}, [], clock, said.append) == 1
    assert main({"STACK": "mine"}, [], clock, said.append) == 1
    assert main(missing, [], clock, said.append) == 1
    assert "STACK is not set" in said[0]
    assert "there is no address" in said[1]
    assert "cannot be read as text: FileNotFoundError" in said[2]
