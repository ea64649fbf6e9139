"""From the application's sources to a CloudFormation stack: `sam build`, upload, create or update."""

import hashlib
from pathlib import Path
from typing import Any


class DeploymentError(RuntimeError):
    """CloudFormation could not make the stack."""


def build_application(project: Path | None = None) -> Path:
    """Run `sam build` if the sources have changed since the last time; return the built template's path."""
    raise NotImplementedError


def rest_api_id(stack_name: str, logical_id: str) -> str:
    """Return the id that `deploy` gives to a REST API: fixed by the stack's and the resource's names."""
    return hashlib.sha256(f"{stack_name}/{logical_id}".encode()).hexdigest()[:10]


def deploy(
    cloudformation: Any, s3: Any, template: Path, stack_name: str, parameters: dict[str, str]
) -> dict[str, str]:
    """Create or update a stack; see `LocalCloud.deploy`."""
    raise NotImplementedError
