"""The templates as data, and the one change that the emulator needs."""

import json
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / ".aws-sam" / "build"
SCALE = ROOT / "scale"
SCALE_BUILT = SCALE / ".aws-sam" / "build"

UNKNOWN_TO_THE_EMULATOR = ("AWS::Logs::QueryDefinition", "AWS::CloudWatch::CompositeAlarm")


def is_emulated(resource: dict) -> bool:
    """MiniStack knows neither saved queries nor alarms of alarms or of metric math: they are taken out of what is
    deployed, and nothing else is."""
    return resource["Type"] not in UNKNOWN_TO_THE_EMULATOR and "Metrics" not in resource.get("Properties", {})


def load(path: Path) -> dict:
    return yaml_parse(path.read_text())


def collector() -> dict:
    return load(ROOT / "template.yaml")


def observability() -> dict:
    """What template.yaml deploys as a stack within its own."""
    return load(ROOT / collector()["Resources"]["Observability"]["Properties"]["TemplateURL"])


def scale() -> dict:
    return load(SCALE / "template.yaml")


def of_type(template: dict, kind: str) -> dict[str, dict]:
    """The properties of the resources of one type, by name."""
    return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}


def value(template: dict, written):
    """What is written, or what a setting or a parameter's default puts there."""
    match written:
        case {"Ref": parameter}:
            return template["Parameters"][parameter]["Default"]
        case {"Fn::FindInMap": [name, *keys]}:
            return template["Mappings"][name][keys[0]][keys[1]]
    return written


def schedules(template: dict) -> dict[str, dict]:
    """The properties of the schedules, by the job that they start."""
    events = [r["Properties"]["Events"] for r in template["Resources"].values() if "Events" in r.get("Properties", {})]
    found = [event["Properties"] for each in events for event in each.values()]
    return {json.loads(properties["Input"])["job"]: properties for properties in found}


def dashboard() -> list[dict]:
    """The dashboard's widgets, with numbers where CloudFormation would put some."""
    text = observability()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return json.loads(text.replace("${CallsPerHour}", "200").replace("${SlowAfter}", "48000"))["widgets"]


def emulated_scale() -> Path:
    """The same of the stack beside the collector's."""
    built = load(SCALE_BUILT / "template.yaml")
    built["Resources"] = {n: r for n, r in built["Resources"].items() if is_emulated(r)}
    path = SCALE_BUILT / "emulated.yaml"
    path.write_text(yaml_dump(built))
    return path


def resolved(template: dict, written):
    """What is written, with what a setting puts there. MiniStack takes a setting in a condition for one that is unlike
    every value."""
    match written:
        case {"Fn::FindInMap": _}:
            return value(template, written)
        case dict():
            return {key: resolved(template, each) for key, each in written.items()}
        case list():
            return [resolved(template, each) for each in written]
    return written


def emulated(settings: dict[str, dict] | None = None) -> Path:
    """Writes the built templates without what the emulator does not know, beside the built ones, with some of
    the settings edited."""
    built = load(BUILT / "template.yaml")
    for group, values in (settings or {}).items():
        built["Mappings"]["Settings"][group] |= values
    built["Conditions"] = resolved(built, built["Conditions"])
    nested = built["Resources"]["Observability"]["Properties"]
    watched = load(BUILT / nested["TemplateURL"])
    watched["Resources"] = {n: r for n, r in watched["Resources"].items() if is_emulated(r)}
    (BUILT / "emulated_observability.yaml").write_text(yaml_dump(watched))
    nested["TemplateURL"] = "emulated_observability.yaml"
    path = BUILT / "emulated.yaml"
    path.write_text(yaml_dump(built))
    return path
