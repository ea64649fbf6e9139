"""Deploy a SAM template and its code as a CloudFormation stack, as `sam deploy` does."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from botocore.exceptions import ClientError

from tests.local.polling import poll

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_BUCKET = "deployments"
_CAPABILITIES: Any = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
# Resource type -> the property with a local path.
_ARTIFACTS = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}


class DeploymentError(RuntimeError):
    """CloudFormation could not create or update the stack."""


def deploy(
    cloudformation: "CloudFormationClient",
    s3: Any,
    template: Path,
    stack_name: str,
    parameters: dict[str, str],
    *,
    timeout_s: float = 120.0,
) -> dict[str, str]:
    """Create or update a stack; see `LocalCloud.deploy`."""
    content = _load(template)
    # CloudFormation refuses unknown parameters, the emulator does not.
    if unknown := parameters.keys() - content.get("Parameters", {}).keys():
        raise DeploymentError(f"{stack_name}: the template has no parameter {', '.join(sorted(unknown))}")
    key = f"{stack_name}/template.json"
    s3.put_object(Bucket=_BUCKET, Key=key, Body=json.dumps(_packaged(content, template.parent, s3)).encode())
    arguments: Any = {
        "StackName": stack_name,
        # CloudFormation takes 51,200 bytes in the request itself, and 1 MB from a bucket.
        "TemplateURL": f"{s3.meta.endpoint_url}/{_BUCKET}/{key}",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Capabilities": _CAPABILITIES,
    }
    begun = time.time()
    try:
        cloudformation.create_stack(**arguments)
    except cloudformation.exceptions.AlreadyExistsException:
        _update(cloudformation, arguments)
    except ClientError as error:
        raise DeploymentError(f"{stack_name}: {error}") from error
    return _outputs(cloudformation, stack_name, begun, timeout_s)


def _update(cloudformation: "CloudFormationClient", arguments: Any) -> None:
    try:
        cloudformation.update_stack(**arguments)
    except ClientError as error:
        # CloudFormation has no specific error code for this.
        if "No updates are to be performed" not in str(error):
            raise DeploymentError(f"{arguments['StackName']}: {error}") from error


def _outputs(
    cloudformation: "CloudFormationClient", stack_name: str, begun: float, timeout_s: float
) -> dict[str, str]:
    def finished() -> Any:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    stack = poll(finished, f"the deployment of {stack_name}", timeout_s, interval_s=0.05)
    if stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
        reasons = [
            f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', '')}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED") and event["Timestamp"].timestamp() >= begun - 1
        ]
        raise DeploymentError(
            "\n  ".join(
                [f"{stack_name}: {stack['StackStatus']} {stack.get('StackStatusReason', '')}", *reasons]
            )
        )
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _packaged(template: Any, folder: Path, s3: Any) -> Any:
    """Upload the template's local paths, and replace them with the uploads."""
    s3.create_bucket(Bucket=_BUCKET)
    default = template.get("Globals", {}).get("Function", {}).get("CodeUri")
    for resource in template["Resources"].values():
        properties = resource.setdefault("Properties", {})
        artifact = _ARTIFACTS.get(resource["Type"])
        if artifact is not None:
            source = properties.get(artifact, default if artifact == "CodeUri" else None)
            if isinstance(source, str) and not source.startswith("s3://"):
                properties[artifact] = _upload(s3, folder / source, artifact)
    return template


def _upload(s3: Any, source: Path, artifact: str) -> Any:
    if not source.exists():
        raise DeploymentError(f"{artifact}: {source} does not exist")
    content = source.read_bytes() if source.is_file() else archive(source)
    key = hashlib.sha256(content).hexdigest()
    s3.put_object(Bucket=_BUCKET, Key=key, Body=content)
    return {"Bucket": _BUCKET, "Key": key} if artifact == "DefinitionUri" else f"s3://{_BUCKET}/{key}"


def archive(folder: Path) -> bytes:
    """Return a folder as a reproducible zip archive, uncompressed for speed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for path in _files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = (path.stat().st_mode & 0xFFFF) << 16
            target.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref`, `!GetAtt`, `!Sub` and others."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    value: Any
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            assert isinstance(node, yaml.MappingNode)
            value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def _load(template: Path) -> Any:
    return yaml.load(template.read_text(), Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
