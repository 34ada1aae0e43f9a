"""The alarms, the dashboard and the saved queries, against what the real binary really emits."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cloudwatch import matches
from conftest import STACK, configuration, process
from graph_api import GraphApi
from runtime_api import Process
from template import collector, dashboard, of_type, schedules
from test_alarms import ALARMS, FILTERS, REFUSED, THROTTLED

TEMPLATE = collector()
NAMESPACE = "LuxuryBrandsDataCollector"
# How the dashboard names each unit. A count is named after what is counted.
LABELS = {"None": {"days"}, "Count": {"records", "topics"}}
# The words of Logs Insights' language that the queries use.
WORDS = set("SOURCE fields filter sort limit stats by as in asc desc ispresent bin count sum avg max latest".split())


@contextmanager
def stand_in(package, folder, **environment: str) -> Iterator[tuple[GraphApi, Process]]:
    """The mock, in which an account and a hashtag are not there, and a process that calls it."""
    with GraphApi(missing=frozenset({"fendi"})) as api, process(package, folder, configuration(folder, api), **environment) as running:
        yield api, running


def scheduled(running: Process) -> list[dict]:
    """The log after one run of each schedule's own input."""
    for each in schedules(TEMPLATE).values():
        running.invoke(json.loads(each["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", "2026-01-31T23:00:00Z")))
    return running.log()


@pytest.fixture(scope="module")
def log(package, tmp_path_factory) -> list[dict]:
    with stand_in(package, tmp_path_factory.mktemp("metrics")) as (_, running):
        return scheduled(running)


def emitted(log: list[dict]) -> dict[tuple, str]:
    """The unit of each metric in a log, by namespace, name and dimensions with their values."""
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
    """Each metric of the program on the dashboard, with the label of its axis."""
    found = []
    for widget in (each["properties"] for each in dashboard() if each["type"] == "metric"):
        for namespace, name, *rest in widget["metrics"]:
            words = [word.replace("${AWS::StackName}", STACK) for word in rest if isinstance(word, str)]
            if namespace == NAMESPACE:
                found.append(((namespace, name, frozenset(zip(words[::2], words[1::2]))), widget["yAxis"]["left"]["label"]))
    return found


def watched() -> set[tuple]:
    """Each metric that an alarm watches and AWS does not send."""
    return {metric for alarm in ALARMS.values() for metric, _ in alarm.stats.values() if not metric[0].startswith("AWS/")}


def counted() -> set[tuple]:
    """The metrics that are counted from the log."""
    return {(f"{NAMESPACE}/{STACK}", given["MetricName"], frozenset()) for _, given in FILTERS}


def test_every_metric_is_watched_and_every_watched_or_shown_one_is_there(log):
    assert watched() == set(emitted(log)) | counted()
    assert {metric for metric, _ in shown()} <= set(emitted(log))


def test_the_alarms_and_custom_metrics_are_few():
    assert len(ALARMS) <= 8 and len(watched()) <= 10


def test_each_axis_of_the_dashboard_is_in_the_unit_of_its_metrics(log):
    for metric, label in shown():
        assert label in LABELS[emitted(log)[metric]], (metric, label)


def test_metrics_are_sent_at_every_log_level(package, tmp_path, log):
    with stand_in(package, tmp_path, LOG_LEVEL="CRITICAL") as (_, running):
        assert emitted(scheduled(running)) == emitted(log)


@pytest.mark.parametrize("error, metric", [
    (REFUSED, "critical"), ({"code": 2635, "message": "This version has ended"}, "critical"),
    ({"code": 100, "message": "Invalid appsecret_proof provided in the API argument"}, "critical"), (THROTTLED, "throttled"),
])
def test_each_critical_line_is_counted_once(package, tmp_path, error, metric):
    with stand_in(package, tmp_path) as (api, running):
        api.error = error
        lines = scheduled(running)
    critical = [line for line in lines if line["level"] == "CRITICAL"]
    assert critical and all([given["MetricName"] for pattern, given in FILTERS if matches(pattern, line)] == [metric] for line in critical), critical


@pytest.mark.parametrize("kind, metric", [("token", "critical"), ("config", "critical"), ("throttled", "throttled"), ("usage", "throttled")])
def test_a_line_of_one_kind_belongs_to_one_alarm(kind, metric):
    line = {"level": "CRITICAL", "kind": kind}
    assert [given["MetricName"] for pattern, given in FILTERS if matches(pattern, line)] == [metric]


def test_a_healthy_run_counts_no_line_and_pays_for_none(log):
    assert not [line for line in log for pattern, _ in FILTERS if matches(pattern, line)]
    assert not [given for _, given in FILTERS if "DefaultValue" in given]


def fields(value, name: str = "") -> set[str]:
    """The names that Logs Insights has for a line's fields."""
    if isinstance(value, dict):
        return {name} | {each for key, item in value.items() for each in fields(item, f"{name}.{key}".lstrip("."))}
    if isinstance(value, list):
        return {name} | {each for place, item in enumerate(value) for each in fields(item, f"{name}.{place}")}
    return {name}


def queries() -> dict[str, str]:
    saved = {name: each["QueryString"] for name, each in of_type(TEMPLATE, "AWS::Logs::QueryDefinition").items()}
    drawn = {each["properties"]["title"]: each["properties"]["query"] for each in dashboard() if each["type"] == "log"}
    return saved | drawn


def test_each_query_asks_for_fields_that_the_log_has(package, tmp_path, log):
    with stand_in(package, tmp_path) as (api, running):
        api.error = REFUSED
        known = {name for line in log + scheduled(running) for name in fields(line)} | {"@timestamp"}
    assert len(queries()) == 9
    for name, query in queries().items():
        words = re.findall(r"(?<![\w.])[@a-zA-Z][\w.]*", re.sub(r"\"[^\"]*\"|'[^']*'", "", query))
        aliases = {alias for before, alias in zip(words, words[1:]) if before == "as"}
        assert set(words) - WORDS - aliases <= known, (name, set(words) - WORDS - aliases - known)
    assert any(line["message"] == "fields defaulted" and line["count"] for line in log)
