"""The product, deployed once for all tests here, and a customer of it for each."""

from collections.abc import Iterator

import pytest

from tests.contract.openapi import OpenApi
from tests.e2e.customer import Customer, Product, customer_of
from tests.e2e.switchboards import Switchboards
from tests.local.build import build_application
from tests.local.cloud import LocalCloud
from tests.local.deployment import DELAYS, deploy

STACK = "e2e"
WAIT_SCALE = 0.05
QUICKER = DELAYS | {"RefreshDelaySeconds": "2", "StopRetrySeconds": "2"}


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """Deploy the product."""
    with Switchboards() as switchboards, LocalCloud(wait_scale=WAIT_SCALE) as cloud:
        deployment = deploy(
            cloud,
            build_application(),
            STACK,
            sendgrid_url=switchboards.sendgrid_url,
            lytics_url=switchboards.lytics_url,
            delays=QUICKER,
        )
        yield Product(deployment, switchboards, OpenApi.from_environment())


@pytest.fixture
def customer(product: Product) -> Iterator[Customer]:
    """Return a new customer; what its test leaves on the queues is forgotten.

    Where there are OpenAPI files, all that was asked of SendGrid must be in them.
    """
    with customer_of(product) as made:
        yield made
    product.deployment.purge()
    assert made.watch is None or made.watch.problems == []
