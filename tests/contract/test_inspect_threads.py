"""Both vendors are asked at the same time, and not for ever."""

import threading

import pytest

from functions.inspect.threads import Threads


def test_answers_come_in_the_order_of_the_questions() -> None:
    other_asked = threading.Event()
    assert Threads(None).answers(lambda: other_asked.wait(5), other_asked.set) == [True, None]


def test_answer_that_is_late_is_not_waited_for() -> None:
    released = threading.Event()
    try:
        threads = Threads(0.05)
        assert threads.answers(lambda: released.wait(30), lambda: "here") == [None, "here"]
        assert threads.answers(lambda: released.wait(30)) == [None]
    finally:
        released.set()


def test_fault_of_a_question_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Threads(None).answers(lambda: 1 // 0)
