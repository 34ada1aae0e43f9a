"""The alarms, the dashboard and the saved queries, against what the real binary really emits."""

import json
import re
from itertools import pairwise

import pytest
from conftest import configuration
from graph_api import TOKEN, USER_ID, GraphApi
from runtime_api import Process
from template import ROOT, collector, dashboard, observability, of_type, schedules

TEMPLATE, OBSERVABILITY = collector(), observability()
# How the dashboard names each unit; a count is named after what is counted.
LABELS = {"Percent": {"percent"}, "Milliseconds": {"ms"}, "None": {"days"}, "Count": {"records", "fields", "topics", "calls", "count"}}


def run(folder, package, token: str, events: list) -> list[dict]:
    with GraphApi(missing=frozenset({"fendi"})) as api:
        config = configuration(folder, api)
        secret = folder / "secret.ini"
        secret.write_text(f"[SECRET]\nig_user_id={USER_ID}\naccess_token={token}\nbucket=local_env\nconfig_file={config}\n")
        with Process(package / "bootstrap", folder, {"SECRET_FILE": str(secret)}) as process:
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
            dimensions = frozenset(zip(words[::2], words[1::2]))
            result.append(((namespace, name, dimensions), widget["yAxis"]["left"]["label"]))
    return result


def watched() -> list[tuple]:
    """Each metric that an alarm watches."""
    alarms = of_type(OBSERVABILITY, "AWS::CloudWatch::Alarm").values()
    named = lambda a: frozenset((d["Name"], str(d["Value"])) for d in a.get("Dimensions", []))  # noqa: E731
    return [(a["Namespace"], a["MetricName"], named(a)) for a in alarms]


def ours(metrics: list[tuple]) -> set[tuple]:
    """Without AWS's own, and without the one that is counted from the log."""
    return {m for m in metrics if not m[0].startswith("AWS/") and m[1] != "critical"}


def test_every_metric_watched_or_shown_is_emitted(emitted):
    wanted = ours(watched()) | ours([metric for metric, _ in shown()])
    assert wanted and wanted <= set(emitted)


def test_every_metric_emitted_of_a_job_or_model_is_shown(emitted):
    by_model = {name for _, name, dimensions in emitted if "model" in dict(dimensions)}
    # A job's totals of these are the sums of its models'.
    wanted = {m for m in emitted if "model" in dict(m[2]) or m[1] not in by_model}
    assert wanted <= {metric for metric, _ in shown()}, wanted - {metric for metric, _ in shown()}


def test_each_axis_of_the_dashboard_is_in_the_unit_of_its_metrics(emitted):
    for metric, label in shown():
        if metric in emitted:
            assert label in LABELS[emitted[metric]], (metric, label)


def test_there_are_as_many_metrics_as_the_manual_counts_the_price_of(emitted):
    count = lambda job, model: sum(("job", job) in m[2] and ("model" in dict(m[2])) == model for m in emitted)  # noqa: E731
    text = " ".join((ROOT / "docs" / "operations.md").read_text().split())
    told = (f"{count('brand_media', False)} of `brand_media` and {count('brand_media', True)} of its models, "
            f"{count('hashtag', False)} of `hashtag` and {count('hashtag', True)} of its model")
    assert told in text
    assert f"{count('token', False)} of `token`" in text


def test_the_critical_line_is_the_one_that_the_filter_counts(package, tmp_path):
    (transformation,) = of_type(OBSERVABILITY, "AWS::Logs::MetricFilter")["CriticalLines"]["MetricTransformations"]
    pattern = of_type(OBSERVABILITY, "AWS::Logs::MetricFilter")["CriticalLines"]["FilterPattern"]
    field, value = re.fullmatch(r'\{ \$\.(\w+) = "(\w+)" \}', pattern).groups()
    log = run(tmp_path, package, "refused", [{"job": "brand_media"}])
    assert any(line[field] == value for line in log)
    assert (transformation["MetricNamespace"], transformation["MetricName"], frozenset()) in watched()


def test_the_saved_queries_ask_for_fields_that_the_log_has(log, package, tmp_path):
    fields = {name for line in log for name in line} | {"@timestamp", "record.requestId"}
    for name, query in of_type(OBSERVABILITY, "AWS::Logs::QueryDefinition").items():
        text = query["QueryString"]
        asked = [w for line in re.findall(r"^fields (.+)", text, re.MULTILINE) for w in line.split(", ")]
        asked += re.findall(r"\bfilter (?:ispresent\()?([@\w.]+)", text)
        asked += [w for line in re.findall(r" by (.+)", text) for w in line.split(", ") if "bin(" not in w]
        assert asked and set(asked) <= fields, (name, set(asked) - fields)
    assert any(line["message"] == "fields defaulted" and line["count"] for line in log)


def test_a_line_has_what_lambdas_own_log_levels_need(log):
    stamps = [line["timestamp"] for line in log]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", s) for s in stamps)
    assert all(earlier <= later for earlier, later in pairwise(stamps))
    # Above INFO, Lambda would drop the lines that carry the metrics.
    assert {line["level"] for line in log if "_aws" in line} == {"INFO"}
    assert TEMPLATE["Mappings"]["Settings"]["Function"]["LogLevel"] in {"TRACE", "DEBUG", "INFO"}
