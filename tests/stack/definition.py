"""Prints the state machines as a template of their own, for the linter: of one that a template only names by its file
it sees nothing."""

import json
import re

import yaml
from template import SCALE, scale, value


def filled(machine: str) -> dict:
    """A definition with each substitution filled in as CloudFormation does it: in the text, before it is read."""
    template = scale()
    properties = template["Resources"][machine]["Properties"]
    text = (SCALE / properties["DefinitionUri"]).read_text()
    values = {"Shards": "arn:aws:states:eu-west-1:000000000000:stateMachine:shards",
              "Partition": "aws", "Bucket": "bucket", "CollectorArn": "arn:aws:lambda:eu-west-1:000000000000:function:collector",
              "RollupArn": "arn:aws:lambda:eu-west-1:000000000000:function:rollup"}
    for name, written in properties["DefinitionSubstitutions"].items():
        assert f"${{{name}}}" in text, f"{name} is not used"
        text = text.replace(f"${{{name}}}", values.get(name) or str(value(template, written)))
    assert "${" not in text, re.findall(r"\$\{\w+\}", text)
    return yaml.safe_load(text)


if __name__ == "__main__":
    role = "arn:aws:iam::000000000000:role/shards"
    machines = {name: {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": role, "Definition": filled(name)}}
                for name, resource in scale()["Resources"].items() if resource["Type"] == "AWS::Serverless::StateMachine"}
    print(json.dumps({"Resources": machines}, indent=1))
