"""Stacks in the emulated account: deployed by `sam deploy`, and what is in them."""

import subprocess
import sys
from pathlib import Path

from template import ROOT


def deploy(cloud, template: Path, stack: str, parameters: dict[str, str], project: Path = ROOT) -> None:
    """Deploys a built template with the settings of `project`, which is its folder."""
    done = subprocess.run(
        [Path(sys.executable).with_name("sam"), "deploy", "--config-file", project / "samconfig.example.toml",
         "--template-file", template, "--stack-name", stack, "--no-confirm-changeset",
         "--parameter-overrides", *(f"{k}={v}" for k, v in parameters.items())],
        cwd=project, env=cloud.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr


def resources(cloud, stack: str) -> list[dict]:
    """The resources of a stack and of those within it."""
    found = cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    nested = [r["PhysicalResourceId"] for r in found if r["ResourceType"] == "AWS::CloudFormation::Stack"]
    return found + [r for each in nested for r in resources(cloud, each)]


def ids(cloud, stack: str) -> dict[str, str]:
    """The physical id of each resource, by its logical one."""
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources(cloud, stack)}
