"""Print template.yaml as SAM makes CloudFormation of it.

Runs with the interpreter of the SAM CLI's environment.
"""

import json
from pathlib import Path
from unittest.mock import Mock

from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]
from samtranslator.translator.transform import transform  # type: ignore[import-not-found]

template = yaml_parse((Path(__file__).resolve().parents[2] / "template.yaml").read_text())
for resource in template["Resources"].values():
    for name in {"CodeUri", "ContentUri", "DefinitionUri"} & resource.get("Properties", {}).keys():
        resource["Properties"][name] = "s3://bucket/key"
policies = Mock()
policies.load.return_value = {}
print(json.dumps(transform(template, {}, policies), default=str))
