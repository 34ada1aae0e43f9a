"""The alarms, the dashboard and the saved queries, against what the real binary really emits."""

import json
import re
from itertools import pairwise

import pytest
from cloudwatch import Alarm, matches
from conftest import configuration
from graph_api import TOKEN, USER_ID, GraphApi
from runtime_api import Process
from template import collector, dashboard, observability, of_type, schedules

TEMPLATE, OBSERVABILITY = collector(), observability()
NAMESPACE = "LuxuryBrandsDataCollector"
# How the dashboard names each unit; a count is named after what is counted.
SERVICE = "collector"
LABELS = {"Percent": {"percent"}, "Milliseconds": {"ms"}, "None": {"days"}, "Count": {"records", "fields", "topics", "calls", "count"}}


def resolve(written):
    match written:
        case {"Ref": "Service"}:
            return SERVICE
        case {"Ref": name}:
            return "1" if name.endswith("After") else name
        case {"Fn::Sub": text}:
            return text.replace("${Service}", SERVICE)
    return written


def run(folder, package, token: str, events: list) -> list[dict]:
    with GraphApi(missing=frozenset({"fendi"})) as api:
        config = configuration(folder, api)
        secret = folder / "secret.ini"
        secret.write_text(f"[SECRET]\nig_user_id={USER_ID}\naccess_token={token}\nbucket=local_env\nconfig_file={config}\n")
        with Process(package / "bootstrap", folder, {"SECRET_FILE": str(secret), "SERVICE": SERVICE}) as process:
            for event in events:
                process.invoke(event)
            return process.log()


@pytest.fixture(scope="module")
def log(package, tmp_path_factory) -> list[dict]:
    """The log of one run of each schedule's own input."""
    inputs = [s["Input"].replace("<aws.scheduler.scheduled-time>", "2026-01-31T23:00:00Z") for s in schedules(TEMPLATE).values()]
    return run(tmp_path_factory.mktemp("metrics"), package, TOKEN, [json.loads(i) for i in inputs])


@pytest.fixture(scope="module")
def emitted(log) -> dict[tuple, str]:
    """Each metric that left: (namespace, name, dimensions with their values) to its unit."""
    found = {}
    for line in log:
        for group in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for names in group["Dimensions"]:
                dimensions = frozenset((name, line[name]) for name in names)
                for metric in group["Metrics"]:
                    assert isinstance(line[metric["Name"]], (int, float)), line
                    found[group["Namespace"], metric["Name"], dimensions] = metric["Unit"]
    return found


def shown() -> list[tuple[tuple, str]]:
    """Each metric on the dashboard with the label of its axis."""
    result = []
    for widget in (w["properties"] for w in dashboard() if w["type"] == "metric"):
        for namespace, name, *rest in widget["metrics"]:
            words = [w for w in rest if isinstance(w, str)]
            dimensions = frozenset(zip(words[::2], (word.replace("${Service}", SERVICE) for word in words[1::2])))
            result.append(((namespace, name, dimensions), widget["yAxis"]["left"]["label"]))
    return result


def watched() -> set[tuple]:
    """Each metric that an alarm watches."""
    alarms = of_type(OBSERVABILITY, "AWS::CloudWatch::Alarm").values()
    return {metric for properties in alarms for metric, *_ in Alarm(properties, resolve).stats.values()}


def ours(metrics) -> set[tuple]:
    """Without AWS's own, and without those that are counted from the log."""
    return {m for m in metrics if m[0] == NAMESPACE}


def test_every_metric_watched_or_shown_is_emitted(emitted):
    wanted = ours(watched()) | ours([metric for metric, _ in shown()])
    assert wanted and wanted <= set(emitted)


def test_no_metric_is_emitted_that_nobody_looks_at(emitted):
    seen = ours(watched()) | ours([metric for metric, _ in shown()])
    assert set(emitted) <= seen, set(emitted) - seen


def test_each_axis_of_the_dashboard_is_in_the_unit_of_its_metrics(emitted):
    for metric, label in shown():
        if metric in emitted:
            assert label in LABELS[emitted[metric]], (metric, label)


def test_the_filters_share_out_the_critical_lines(package, tmp_path):
    filters = of_type(OBSERVABILITY, "AWS::Logs::MetricFilter")
    critical = [line for line in run(tmp_path, package, "refused", [{"job": "brand_media"}]) if line["level"] == "CRITICAL"]
    counted = [name for line in critical for name, each in filters.items() if matches(each["FilterPattern"], line)]
    assert critical and counted == ["RefusedLines"] * len(critical)
    for each in filters.values():
        (given,) = each["MetricTransformations"]
        assert (resolve(given["MetricNamespace"]), given["MetricName"], frozenset()) in watched()


def test_the_saved_queries_ask_for_fields_that_the_log_has(log, package, tmp_path):
    refused = run(tmp_path, package, "refused", [{"job": "brand_media"}])
    fields = {name for line in log + refused for name in line} | {"@timestamp", "record.requestId"}
    for name, query in of_type(OBSERVABILITY, "AWS::Logs::QueryDefinition").items():
        text = query["QueryString"]
        asked = [w for line in re.findall(r"^fields (.+)", text, re.MULTILINE) for w in line.split(", ")]
        asked += re.findall(r"\bfilter (?:ispresent\()?([@\w.]+)", text)
        asked += [w for line in re.findall(r" by (.+)", text) for w in line.split(", ") if "bin(" not in w]
        # Logs Insights names the items of a list by their places.
        asked = {re.sub(r"\.\d+$", "", field) for field in asked}
        assert asked and asked <= fields, (name, asked - fields)
    assert any(line["message"] == "fields defaulted" and line["count"] for line in log)


def test_a_line_has_what_lambdas_own_log_levels_need(log):
    stamps = [line["timestamp"] for line in log]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", s) for s in stamps)
    assert all(earlier <= later for earlier, later in pairwise(stamps))
    # Above INFO, Lambda would drop the lines that carry the metrics.
    assert {line["level"] for line in log if "_aws" in line} == {"INFO"}
    assert TEMPLATE["Mappings"]["Settings"]["Function"]["LogLevel"] in {"TRACE", "DEBUG", "INFO"}
