"""The application: every answer's headers, what is not found, what fails."""

import pytest

from lytics_sendgrid.errors import StopRun
from tests.doubles.calls import refusal
from tests.unit.functions.console.scene import Scene


def test_first_page_is_exports() -> None:
    page = Scene().get("/")
    assert page.status == 200
    assert "Exports" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"


def test_unknown_address_says_so() -> None:
    page = Scene().get("/nothing")
    assert page.status == 404
    assert "nothing at this address" in page.text
    assert page.headers["cache-control"] == "no-store"


def test_page_says_to_try_again_while_aws_is_busy() -> None:
    scene = Scene()
    cookie = {"Cookie": scene.signed_in()}
    scene.dynamodb.calls.broken = refusal("ThrottlingException", "GetItem", 400)
    page = scene.get("/", headers=cookie)
    assert page.status == 503
    assert "load the page again" in page.text


def test_unexpected_error_reaches_lambda_so_that_the_alarm_rings() -> None:
    scene = Scene()
    cookie = {"Cookie": scene.signed_in()}
    scene.dynamodb.calls.broken = refusal("AccessDeniedException", "GetItem", 400)
    with pytest.raises(StopRun):
        scene.get("/", headers=cookie)


def test_prefix_of_a_custom_domain_is_not_part_of_the_path() -> None:
    assert Scene().get("/console/").status == 200
