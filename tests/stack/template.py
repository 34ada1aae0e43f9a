"""The templates as data, and the one change that the emulator needs."""

import json
import os
import platform
import shutil
from pathlib import Path

from awscli.customizations.cloudformation.yamlhelper import yaml_dump, yaml_parse

ROOT = Path(__file__).resolve().parents[2]
SCALE = ROOT / "scale"

# What deploy/package.sh makes for this machine's processor; `.ci/stack` runs it.
PACKAGES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "package"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
PACKAGE = PACKAGES / f"luxury-brands-data-collector-{ARCHITECTURE}"
SCALE_PACKAGE = PACKAGES / f"luxury-brands-data-collector-scale-{ARCHITECTURE}"


def load(path: Path) -> dict:
    return yaml_parse(path.read_text())


def collector() -> dict:
    return load(ROOT / "template.yaml")


def scale() -> dict:
    return load(SCALE / "template.yaml")


def of_type(template: dict, kind: str) -> dict[str, dict]:
    """The properties of the resources of one type, by name."""
    return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}


def value(template: dict, written):
    """What is written, or the default of the parameter that it refers to."""
    match written:
        case {"Ref": parameter}:
            return template["Parameters"][parameter]["Default"]
    return written


def schedules(template: dict) -> dict[str, dict]:
    """The properties of the schedules, by the job that they start."""
    found = list(of_type(template, "AWS::Scheduler::Schedule").values())
    # scale/template.yaml has them as events of a state machine.
    for resource in template["Resources"].values():
        found += [event["Properties"] for event in resource.get("Properties", {}).get("Events", {}).values()]
    return {json.loads(each.get("Target", each)["Input"])["job"]: each for each in found}


def dashboard() -> list[dict]:
    """The dashboard's widgets."""
    text = collector()["Resources"]["RunsDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return json.loads(text)["widgets"]


def is_emulated(resource: dict) -> bool:
    """MiniStack knows neither saved queries nor alarms of metric math."""
    return resource["Type"] != "AWS::Logs::QueryDefinition" and "Metrics" not in resource.get("Properties", {})


def emulated(package: Path, folder: Path, edited: dict[str, dict] | None = None) -> Path:
    """A copy of a package, in `folder`, without the resources that the emulator does not know, and with some properties
    of others edited."""
    copy = folder / package.name
    shutil.copytree(package, copy, dirs_exist_ok=True)
    template = load(package / "template.yaml")
    template["Resources"] = {name: r for name, r in template["Resources"].items() if is_emulated(r)}
    for name, properties in (edited or {}).items():
        template["Resources"][name]["Properties"] |= properties
    (copy / "template.yaml").write_text(yaml_dump(template))
    return copy
