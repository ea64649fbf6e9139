"""On the local cloud, nobody waits for minutes: with the stand-ins or with other servers."""

from collections.abc import Mapping

import pytest

from tests.local.demo.stage import DELAYS_OF_SERVERS
from tests.local.deployment import DELAYS


@pytest.mark.parametrize("delays", [DELAYS, DELAYS_OF_SERVERS])
def test_runs_wait_at_most_ten_seconds(delays: Mapping[str, str]) -> None:
    for parameter in ("VerifyDelaySeconds", "ClearDelaySeconds"):
        assert 0 <= int(delays[parameter]) <= 10
