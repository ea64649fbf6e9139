"""AWS by moto, quick to start: only our services, and one boto3 session for all tests."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from unittest.mock import patch

import boto3
from moto import backend_index, mock_aws

_SERVICES: Final = {"awslambda", "cloudwatch", "dynamodb", "secretsmanager", "sqs", "stepfunctions", "sts"}
"""moto matches each request with the URLs of all that it knows, and adds 1,300 of them at each start."""


@contextmanager
def aws() -> Iterator[None]:
    """Replace AWS by moto, empty. ``boto3.client`` makes its clients."""
    known = [(name, url) for name, url in backend_index.backend_url_patterns if name in _SERVICES]
    with (
        patch.object(backend_index, "backend_url_patterns", known),
        mock_aws(),
        patch.object(boto3, "DEFAULT_SESSION", _session()),
    ):
        yield


@functools.cache
def _session() -> boto3.Session:
    """Return a session, which keeps what it has read of botocore's files; a client reads the environment."""
    return boto3.Session()
