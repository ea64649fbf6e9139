"""A sign-in under way is used up once, in its own browser, within ten minutes."""

from functions.console.signin.attempts import ATTEMPT_S, COOKIE, Attempt, Attempts
from tests.unit.functions.console.scene import Scene


def begun(scene: Scene, cookies: str = "") -> tuple[Attempts, Attempt]:
    attempts = Attempts(scene.store, scene.new_token)
    return attempts, attempts.begin("/exports/shop", cookies, scene.clock.now())


def test_attempt_is_taken_once() -> None:
    scene = Scene()
    attempts, attempt = begun(scene)
    cookies = f"{COOKIE}={attempt.browser}"
    assert attempts.take(attempt.state, cookies, scene.clock.now()) == attempt
    assert attempts.take(attempt.state, cookies, scene.clock.now()) is None


def test_attempt_is_over_after_ten_minutes() -> None:
    scene = Scene()
    attempts, attempt = begun(scene)
    cookies = f"{COOKIE}={attempt.browser}"
    assert attempts.take(attempt.state, cookies, scene.clock.now() + ATTEMPT_S) is None
    assert attempts.take(attempt.state, cookies, scene.clock.now() + ATTEMPT_S - 1) == attempt


def test_attempt_of_another_browser_is_not_taken() -> None:
    scene = Scene()
    for cookies in ("", f"{COOKIE}={'a' * 43}"):
        attempts, attempt = begun(scene)
        assert attempts.take(attempt.state, cookies, scene.clock.now()) is None


def test_two_tabs_share_a_cookie_and_both_finish() -> None:
    scene = Scene()
    attempts, first = begun(scene)
    cookies = f"{COOKIE}={first.browser}"
    second = attempts.begin("/health", cookies, scene.clock.now())
    assert second.browser == first.browser
    assert len({first.state, second.state, first.nonce, second.nonce, first.verifier, second.verifier}) == 6
    assert attempts.take(second.state, cookies, scene.clock.now()) == second
    assert attempts.take(first.state, cookies, scene.clock.now()) == first


def test_table_has_neither_state_nor_cookie() -> None:
    scene = Scene()
    _, attempt = begun(scene)
    assert attempt.state not in str(scene.dynamodb.console.items)
    key = next(iter(scene.dynamodb.console.items))[0]
    assert key.startswith("attempt#")  # the function may delete these
    assert COOKIE.startswith("__Host-")
    assert attempt.browser not in str(scene.store.get(key, scene.clock.now()))


def test_way_back_is_checked_when_it_is_kept() -> None:
    scene = Scene()
    attempts = Attempts(scene.store, scene.new_token)
    assert attempts.begin("//evil.example.com", "", 0).to == "/"
