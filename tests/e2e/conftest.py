"""One deployment for all tests here, and one customer for each test."""

from collections.abc import Iterator

import pytest

from tests.contract.openapi import OpenApi
from tests.e2e.customer import Customer, Product, customer_of
from tests.e2e.switchboards import Switchboards
from tests.local.build import build_application
from tests.local.cloud import LocalCloud
from tests.local.deployment import DELAYS, deploy
from tests.local.sign_in import sign_in_of

STACK = "e2e"
WAIT_SCALE = 0.1
QUICKER = DELAYS | {"RefreshDelaySeconds": "2", "StopRetrySeconds": "2"}


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """Deploy the product once."""
    with (
        Switchboards() as switchboards,
        LocalCloud(wait_scale=WAIT_SCALE) as cloud,
        sign_in_of(cloud, STACK) as sign_in,
    ):
        deployment = deploy(
            cloud,
            build_application(),
            STACK,
            sendgrid_url=switchboards.sendgrid_url,
            lytics_url=switchboards.lytics_url,
            delays=QUICKER,
            console=sign_in.parameters,
        )
        yield Product(deployment, switchboards, OpenApi.from_environment(), sign_in)


@pytest.fixture
def customer(product: Product) -> Iterator[Customer]:
    """Return a new customer."""
    with customer_of(product) as new_customer:
        yield new_customer
