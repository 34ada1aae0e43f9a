"""Stacks in the emulated account: deployed by deploy.sh, and what is in them."""

import subprocess
from pathlib import Path


def run(cloud, package: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Runs the package's deploy.sh."""
    return subprocess.run([package / "deploy.sh", *arguments], env=cloud.env | variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def deploy(cloud, package: Path, stack: str, parameters: dict[str, str]) -> None:
    done = run(cloud, package, "--stack", stack, *(f"{name}={value}" for name, value in parameters.items()))
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr


def resources(cloud, stack: str) -> list[dict]:
    return cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]


def ids(cloud, stack: str) -> dict[str, str]:
    """The physical id of each resource, by its logical one."""
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources(cloud, stack)}
