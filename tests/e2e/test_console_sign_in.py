"""The console on the local cloud: signing in through the gateway, and a stack with a user pool."""

import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from functions.console.headers import SECURITY
from functions.console.signin.sessions import COOKIE
from tests.e2e.customer import Product
from tests.local.build import build_application
from tests.local.oidc_twin import Fault
from tests.local.operator import Operator
from tests.local.sign_in import OLGA, SAM, VICTOR, Browser, SignIn

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SMALLEST = {"ResyncSchedule": "", "Protect": "false"}


@pytest.fixture
def sign_in(product: Product) -> Iterator[SignIn]:
    """Return the console's sign-in, at which the operator signs in."""
    product.sign_in.twin.signs_in = OLGA
    yield product.sign_in
    product.sign_in.twin.signs_in = None
    product.sign_in.twin.faults.clear()


def signed_in(sign_in: SignIn) -> Browser:
    browser = Browser(sign_in)
    assert browser.follow(browser.page("/")).status_code == 200
    return browser


def test_operator_signs_in_and_lands_on_the_page(product: Product, sign_in: SignIn) -> None:
    assert product.deployment.outputs["ConsoleUrl"] == sign_in.url
    browser = Browser(sign_in)
    page = browser.follow(browser.page("/"))
    assert (page.status_code, page.url) == (200, f"{sign_in.url}/")
    assert OLGA.email in page.text
    assert page.headers.items() >= SECURITY.items()
    assert page.headers["Cache-Control"] == "no-store"


def test_viewer_and_stranger_get_what_the_lists_say(product: Product, sign_in: SignIn) -> None:
    sign_in.twin.signs_in = VICTOR
    viewer = signed_in(sign_in)
    assert "(viewer)" in viewer.page("/").text
    sign_in.twin.signs_in = SAM
    stranger = Browser(sign_in)
    refused = stranger.follow(stranger.page("/"))
    assert (refused.status_code, COOKIE in stranger.cookies) == (403, False)


def test_forged_token_signs_nobody_in_through_the_gateway(sign_in: SignIn) -> None:
    sign_in.twin.faults = {Fault.HS256}
    browser = Browser(sign_in)
    assert browser.follow(browser.page("/")).status_code == 400
    assert COOKIE not in browser.cookies


def test_replayed_answer_finds_nothing_in_dynamodb(sign_in: SignIn) -> None:
    browser = Browser(sign_in)
    begun = browser.page("/sign-in?to=/health")
    answer = requests.get(begun.headers["Location"], allow_redirects=False, timeout=10).headers["Location"]
    cookies = dict(browser.cookies)
    assert browser.send("GET", answer).headers["Location"].endswith("/console/health")
    browser.cookies = cookies
    assert browser.send("GET", answer).status_code == 400


def test_sign_out_is_real(sign_in: SignIn) -> None:
    browser = signed_in(sign_in)
    kept = dict(browser.cookies)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(sign_in.url))
    foreign = browser.send("POST", f"{sign_in.url}/sign-out", Origin="https://evil.example.com")
    assert foreign.status_code == 403
    out = browser.send("POST", f"{sign_in.url}/sign-out", Origin=origin, Referer=sign_in.url)
    assert out.headers["Clear-Site-Data"] == '"cache", "storage"'
    page = browser.follow(out)
    assert "Sign out at the provider" in page.text
    browser.cookies = kept
    assert browser.page("/").status_code == 303


def test_sign_out_everybody_is_real(product: Product, sign_in: SignIn) -> None:
    browsers = [signed_in(sign_in), signed_in(sign_in)]
    output = Operator(product.deployment).sign_out_everybody()
    assert re.search(r"^\d+ sessions? ended", output[-1])
    assert [browser.page("/").status_code for browser in browsers] == [303, 303]


def test_no_session_token_or_address_is_logged(product: Product, sign_in: SignIn) -> None:
    browser = signed_in(sign_in)
    log = product.deployment.cloud.function_log(f"{product.deployment.stack}-console")
    assert '"act":"signed_in"' in log.replace(" ", "")
    for secret in (*browser.cookies.values(), OLGA.email):
        assert not secret or secret not in log


def test_answer_of_the_gateway_itself_is_a_page_in_words(sign_in: SignIn) -> None:
    answer = Browser(sign_in).send(
        "POST", f"{sign_in.url}/sign-out", body=b"x" * 7_000_000, Accept="text/html", Origin="https://other"
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert "<h1>Too much at once</h1>" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_flood_is_refused_by_the_gateway(product: Product, sign_in: SignIn) -> None:
    """With the limits of the template a busy machine floods too slowly, so the test lowers them meanwhile."""
    gateway = product.deployment.cloud.client("apigateway")
    stage = {"restApiId": urlsplit(sign_in.url).path.split("/")[-2], "stageName": "console"}
    limits = gateway.get_stage(**stage)["methodSettings"]["*/*"]
    assert (limits["throttlingRateLimit"], limits["throttlingBurstLimit"]) == (50, 200)
    try:
        gateway.update_stage(**stage, patchOperations=_limits(1, 2))
        statuses = [requests.get(f"{sign_in.url}/signed-out", timeout=30).status_code for _ in range(6)]
        assert (statuses[0], statuses[-1]) == (200, 429)
    finally:
        gateway.update_stage(**stage, patchOperations=_limits(50, 200))
    time.sleep(1.1)


def _limits(requests_a_second: int, burst: int) -> list[dict[str, str]]:
    values = {"rateLimit": requests_a_second, "burstLimit": burst}
    return [
        {"op": "replace", "path": f"/*/*/throttling/{key}", "value": str(value)}
        for key, value in values.items()
    ]


def test_user_pool_deploys_and_the_console_uses_it(product: Product) -> None:
    """Without the user: the local cloud does not know that type."""
    cloud, stack = product.deployment.cloud, "with-cognito-aws"
    url = cloud.api_url(stack, "ConsoleApi", "console")
    parameters = SMALLEST | {
        "ConsoleSignIn": "cognito",
        "ConsoleBaseUrl": url,
        "ConsoleViewers": "@example.com",
    }
    outputs = cloud.deploy(build_application(), stack, parameters)
    try:
        assert outputs["ConsoleUrl"] == url
        cognito = cloud.client("cognito-idp")
        (pool,) = cognito.list_user_pools(MaxResults=10)["UserPools"]
        described = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
        assert described["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
        assert GUID.fullmatch(described["Domain"])
        (listed,) = cognito.list_user_pool_clients(UserPoolId=pool["Id"], MaxResults=10)["UserPoolClients"]
        client = cognito.describe_user_pool_client(UserPoolId=pool["Id"], ClientId=listed["ClientId"])
        assert "ClientSecret" not in client["UserPoolClient"]
        assert client["UserPoolClient"]["CallbackURLs"] == [f"{url}/sign-in/answer"]
        assert client["UserPoolClient"]["LogoutURLs"] == [f"{url}/signed-out"]
        assert client["UserPoolClient"]["AllowedOAuthScopes"] == ["openid", "email"]
        settings = cloud.client("lambda").get_function_configuration(FunctionName=f"{stack}-console")
        variables = settings["Environment"]["Variables"]
        assert variables["CONSOLE_CLIENT_ID"] == listed["ClientId"]
        assert variables["CONSOLE_ISSUER"].endswith(f"/{pool['Id']}")
        assert variables["CONSOLE_CLIENT_CREDENTIALS"] == "none"
        led = requests.get(f"{url}/health", allow_redirects=False, timeout=30)
        assert parse_qs(urlsplit(led.headers["Location"]).query) == {"to": ["/health"]}
    finally:
        cloud.client("cloudformation").delete_stack(StackName=stack)
