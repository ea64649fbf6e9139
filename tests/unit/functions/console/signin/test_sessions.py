"""Sessions in the table, and their cookie."""

import hashlib

from functions.console.signin.sessions import COOKIE, SESSION_S, Sessions, drop_cookie, set_cookie
from tests.unit.functions.console.scene import OPERATOR, Scene


def test_table_holds_the_hash_of_the_cookie_and_an_end() -> None:
    scene = Scene()
    token = scene.signed_in().partition("=")[2]
    (key,) = scene.dynamodb.console.items
    assert key == (f"session#{hashlib.sha256(token.encode()).hexdigest()}",)
    document = scene.store.get(key[0], scene.clock.now())
    assert document == {
        "subject": "operator-1",
        "email": "olga@example.com",
        "groups": [],
        "ends_s": int(scene.clock.now()) + SESSION_S,
    }
    assert token not in str(scene.dynamodb.console.items)


def test_end_is_compared_even_if_the_item_lives_longer() -> None:
    scene = Scene()
    cookies = scene.signed_in()
    ((key,), item) = next(iter(scene.dynamodb.console.items.items()))
    later = str(int(scene.clock.now()) + 10 * SESSION_S)
    scene.dynamodb.console.items[(key,)] = {**item, "expires_epoch_s": {"N": later}}
    sessions = Sessions(scene.store, scene.new_token)
    assert sessions.of(cookies, scene.clock.now() + SESSION_S - 1) == OPERATOR
    assert sessions.of(cookies, scene.clock.now() + SESSION_S) is None


def test_ended_session_is_gone_from_the_table() -> None:
    scene = Scene()
    cookies = scene.signed_in()
    sessions = Sessions(scene.store, scene.new_token)
    sessions.end(cookies)
    sessions.end("")
    assert scene.dynamodb.console.items == {}
    assert sessions.of(cookies, scene.clock.now()) is None


def test_cookie_is_for_this_host_https_and_no_script() -> None:
    assert COOKIE.startswith("__Host-")
    assert SESSION_S == 28_800
    line = set_cookie(COOKIE, "x", 60)
    assert line == f"{COOKIE}=x; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert drop_cookie(COOKIE) == f"{COOKIE}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"
