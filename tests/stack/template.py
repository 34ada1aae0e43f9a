"""The template as data, and the one change that the emulator needs."""

import json
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".aws-sam" / "build"

# MiniStack does not know saved queries: they are taken out of what is deployed, and nothing else is.
UNKNOWN_TO_THE_EMULATOR = "AWS::Logs::QueryDefinition"


def load(path: Path = ROOT / "template.yaml") -> dict:
    return yaml_parse(path.read_text())


def of_type(template: dict, kind: str) -> dict[str, dict]:
    """The properties of the resources of one type, by name."""
    return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}


def default(template: dict, parameter: str):
    return template["Parameters"][parameter]["Default"]


def schedules(template: dict) -> dict[str, dict]:
    """The properties of the schedules, by the job that they start."""
    events = template["Resources"]["CollectorFunction"]["Properties"]["Events"].values()
    return {json.loads(e["Properties"]["Input"])["job"]: e["Properties"] for e in events}


def dashboard(template: dict) -> list[dict]:
    """The dashboard's widgets, with numbers where CloudFormation would put some."""
    text = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    return json.loads(text.replace("${CallsPerHour}", "200").replace("${DurationLimit}", "48000"))["widgets"]


def emulated() -> Path:
    """Writes the built template without what the emulator does not know, beside the built one."""
    template = load(BUILT / "template.yaml")
    resources = {n: r for n, r in template["Resources"].items() if r["Type"] != UNKNOWN_TO_THE_EMULATOR}
    path = BUILT / "emulated.yaml"
    path.write_text(yaml_dump({**template, "Resources": resources}))
    return path
