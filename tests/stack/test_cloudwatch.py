"""The simulator of alarms against the worked examples of the CloudWatch user guide, so that it is not kinder."""

import ast

import pytest
from cloudwatch import DAY, Alarm, Metrics, Reading, calculate, matches

METRIC = {"Namespace": "space", "MetricName": "name"}
WATCHED = ("space", "name", frozenset())
TREATMENTS = ["missing", "ignore", "breaching", "notBreaching"]


def alarm(n: int, m: int, missing: str, period: int = 60, **instead) -> Alarm:
    properties = METRIC | {
        "Statistic": "Sum", "Period": period, "EvaluationPeriods": n, "DatapointsToAlarm": m, "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": missing}
    return Alarm(properties | instead, lambda written: written)


def newest_first(points: str) -> tuple[float | None, ...]:
    """The data points of an example, which has the newest one on the right."""
    return tuple({"0": 0.0, "X": 1.0, "-": None}[each] for each in reversed(points.split()))


# The columns are those of the guide: missing, ignore, breaching, notBreaching. "kept" is the state before.
@pytest.mark.parametrize("m, points, states", [
    (3, "0 - X - X", "OK OK OK OK"),
    (3, "0 - - - -", "OK OK OK OK"),
    (3, "- - - - -", "INSUFFICIENT_DATA kept ALARM OK"),
    (3, "0 X X - X", "ALARM ALARM ALARM ALARM"),
    (3, "- - X - -", "ALARM kept ALARM OK"),
    (3, "- - - - X", "INSUFFICIENT_DATA kept ALARM OK"),
    (3, "- - - X -", "INSUFFICIENT_DATA kept ALARM OK"),
    (3, "X - - - -", "ALARM kept ALARM OK"),
    (2, "0 - X - X", "ALARM ALARM ALARM ALARM"),
    (2, "0 0 X 0 X", "ALARM ALARM ALARM ALARM"),
    (2, "0 - X - -", "OK OK ALARM OK"),
    (2, "- - - - 0", "OK OK ALARM OK"),
    (2, "- - - X -", "ALARM kept ALARM OK"),
    (2, "- - - - X", "INSUFFICIENT_DATA kept ALARM OK"),
])
def test_missing_data_is_treated_as_in_the_guides_tables(m, points, states):
    found = [alarm(3, m, missing).state(newest_first(points), "kept") for missing in TREATMENTS]
    assert found == states.split()


def test_real_points_of_the_whole_range_come_before_missing_ones():
    metrics = Metrics()
    for minute in (96, 98):
        metrics.put(*METRIC.values(), {}, minute, 1)
    # The older one is before the 3 periods that are evaluated, and within the 6 that are retrieved.
    for extra, state in [(3, "ALARM"), (2, "OK")]:
        assert alarm(3, 2, "notBreaching").changes(metrics, range(102, 103), Reading(extra)) == [(102, state)]


def test_a_value_counts_from_its_arrival_and_at_the_time_of_its_run():
    metrics = Metrics()
    metrics.put(*METRIC.values(), {}, 100, 1)
    metrics.put(*METRIC.values(), {}, 200, 1, late=20)
    found = alarm(30, 1, "notBreaching").changes(metrics, range(90, 300), Reading(extra=0))
    assert found == [(90, "OK"), (102, "ALARM"), (131, "OK"), (222, "ALARM"), (231, "OK")]


def test_periods_roll_by_the_minute():
    metrics = Metrics()
    for minute in (59, 61):
        metrics.put(*METRIC.values(), {}, minute, 1)
    for now, counts in [(62, {0: 1.0}), (63, {0: 2.0}), (69, {0: 2.0}), (70, {0: 1.0, 1: 1.0}), (72, {1: 2.0})]:
        assert metrics.series(WATCHED, "SampleCount", 10, now, 2) == counts, now


def test_the_newest_minute_is_always_the_filler_of_fill():
    filled = {"Metrics": [
        {"Id": "all", "Expression": "FILL(seen, 0)"},
        {"Id": "seen", "ReturnData": False, "MetricStat": {"Metric": METRIC, "Stat": "Sum", "Period": 60}}]}
    metrics = Metrics()
    for minute in range(100):
        metrics.put(*METRIC.values(), {}, minute, 1)
    assert alarm(1, 1, "notBreaching", **filled).changes(metrics, range(50, 60), Reading()) == [(50, "OK")]
    assert alarm(2, 1, "notBreaching", **filled).changes(metrics, range(50, 60), Reading()) == [(50, "ALARM")]
    empty = alarm(2, 1, "missing", **filled)
    assert empty.values(Metrics(), 50, Reading(extra=0)) == [0.0, 0.0]
    assert empty.values(Metrics(), 50, Reading(extra=0, fills_empty=False)) == [None, None]


@pytest.mark.parametrize("expression, at, result", [
    ("a + b", {"a": 2}, 2), ("a + b", {}, None), ("FILL(a, 0) + FILL(b, 0)", {"b": 3}, 3),
    ("a >= 1", {"a": 1}, 1), ("a > 1", {"a": 1}, 0), ("a > 1", {}, None),
    # The guide's table of IF(metric1, metric2, metric3), and that of a scalar.
    ("IF(a, b, c)", {"a": 1, "b": 30, "c": 0}, 30), ("IF(a, b, c)", {"a": 1, "c": 0}, 0),
    ("IF(a, b, c)", {"a": 0, "b": 0, "c": 20}, 20), ("IF(a, b, c)", {"a": 0, "b": 0}, None),
    ("IF(a, b, c)", {"b": 30, "c": 20}, None), ("IF(a, 5, c)", {"a": 1, "c": 0}, 5),
    ("MIN([a, b])", {"a": 3, "b": 2}, 2), ("MIN([a, b])", {"a": 3}, 3), ("MAX([a, b])", {}, None),
])
def test_metric_math_is_as_in_the_guide(expression, at, result):
    assert calculate(ast.parse(expression, mode="eval").body, at, frozenset()) == result


def test_an_alarm_over_more_than_a_day_is_refused():
    with pytest.raises(AssertionError):
        alarm(25, 1, "missing", period=3600)
    assert alarm(24, 1, "missing", period=3600).period * 24 == DAY


@pytest.mark.parametrize("pattern, line, counted", [
    ('{ $.level = "CRITICAL" && $.kind != "throttled" }', {"level": "CRITICAL", "kind": "token"}, True),
    ('{ $.level = "CRITICAL" && $.kind != "throttled" }', {"level": "CRITICAL", "kind": "throttled"}, False),
    ('{ $.level = "CRITICAL" && $.kind != "throttled" }', {"level": "CRITICAL"}, False),
    ('{ $.level = "CRITICAL" && ($.kind = "throttled" || $.kind = "usage") }', {"level": "CRITICAL", "kind": "usage"}, True),
    ('{ $.level = "CRITICAL" && ($.kind = "throttled" || $.kind = "usage") }', {"level": "ERROR", "kind": "usage"}, False),
])
def test_a_pattern_counts_a_line_by_its_fields(pattern, line, counted):
    assert matches(pattern, line) == counted
