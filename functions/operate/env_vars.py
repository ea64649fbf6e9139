"""Write the variables of a stack's functions for ``sam local invoke --env-vars``.

Run ``STACK=lytics-sendgrid-prod FILE=env.json python -m functions.operate.env_vars``. The file holds names of
tables and queues, URLs and settings, no keys. Needs ``cloudformation:ListStackResources`` and
``lambda:GetFunctionConfiguration``.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from functions.operate.stack import boto_session, says_errors, stack_name, stack_outputs
from lytics_sendgrid.aws.errors import translated


def function_variables(cloudformation: Any, functions: Any, stack: str) -> dict[str, dict[str, str]]:
    """Return the environment variables of a stack's functions, by the function's name in the template."""
    with translated("CloudFormation"):
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        physical_names = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::Lambda::Function"
        }
    with translated("Lambda"):
        return {
            name: functions.get_function_configuration(FunctionName=physical)["Environment"]["Variables"]
            for name, physical in sorted(physical_names.items())
        }


@says_errors
def main(environment: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Write the file; return the exit status of the program."""
    stack, session = stack_name(environment), boto_session(environment)
    cloudformation = session.client("cloudformation")
    stack_outputs(cloudformation, stack)
    variables = function_variables(cloudformation, session.client("lambda"), stack)
    file = Path(environment.get("FILE", "") or "env.json")
    file.write_text(json.dumps(variables, indent=2) + "\n")
    say(f"wrote the variables of {len(variables)} functions to {file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.stdout.write))
