"""How CloudWatch evaluates alarms and counts lines of a log, as far as the templates use it.

The sources are the pages alarm-evaluation, alarm-evaluation-window, alarms-and-missing-data and using-metric-math of the
user guide (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring), and FilterAndPatternSyntax of CloudWatch Logs:

- An alarm is evaluated every minute. Its periods end with that minute, so they roll by the minute. An alarm over more than
  a day is evaluated every hour; the templates have none, and `Alarm` refuses one.
- A data point is the statistic of the values that have arrived in a period. A value has the minute of its run and arrives
  later, so the newest period of a minute is usually empty. Then FILL puts its value there: "That causes the latest data
  point for the metric to always be the FILL value".
- CloudWatch retrieves more data points than the alarm evaluates: the evaluation range, 5 points in the guide's examples of
  3. If enough of them exist, the newest existing ones are evaluated, and missing data does not matter. If not, all that
  exist are evaluated, and the rest is filled as `TreatMissingData` says.
- If missing data is `missing` or `ignore`, one breaching data point among missing ones is no alarm until it is as old as M
  points, because the next one may be within the threshold ("premature transition").
- Metric math: `+` takes a missing value for 0 if the other operand has one. A comparison with a missing value is missing.
  IF is missing if its condition is, and 0 if the value that it takes is. MIN and MAX of a list take the values that exist.
- An action is run when the state changes, and not again while it stays.

The guide leaves two things open, which a `Reading` decides: how wide the range is ("depends on the length of the alarm
period"), and whether FILL fills a series without any point in the range.
"""

import ast
import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

HOUR, DAY = 60, 24 * 60
# How long after the end of its minute a value arrives: a metric's and a line's of the log alike.
DELAY = 1
COMPARE = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
}
STATISTICS = {"Sum": sum, "Maximum": max, "Minimum": min, "SampleCount": len}
OPERATORS = {
    ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b, ast.Lt: lambda a, b: a < b, ast.LtE: lambda a, b: a <= b,
    ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b,
}


@dataclass(frozen=True)
class Reading:
    """The points retrieved beyond those evaluated, and whether FILL fills a series that has none in the range."""

    extra: int = 2
    fills_empty: bool = True


class Metrics:
    """The values of each metric (namespace, name, dimensions), with their minutes and their arrivals."""

    def __init__(self):
        self.points: dict[tuple, list[tuple[int, int, float]]] = defaultdict(list)

    def put(self, namespace: str, name: str, dimensions: dict[str, str], minute: int, value: float, late: int = 0) -> None:
        points = self.points[namespace, name, frozenset(dimensions.items())]
        points.append((minute, minute + 1 + DELAY + late, value))
        points.sort()

    def series(self, metric: tuple, statistic: str, period: int, now: int, length: int) -> dict[int, float]:
        """The data points of the `length` periods before `now`, by how many periods each is back."""
        points = self.points.get(metric, [])
        values = defaultdict(list)
        for minute, arrival, value in points[bisect_left(points, (now - period * length,)):bisect_left(points, (now,))]:
            if arrival <= now:
                values[(now - 1 - minute) // period].append(value)
        return {back: float(STATISTICS[statistic](found)) for back, found in values.items()}


class Alarm:
    """A metric alarm as a template has it; `resolve` gives what a reference in it is."""

    def __init__(self, properties: dict, resolve):
        self.n = int(properties["EvaluationPeriods"])
        self.m = int(properties.get("DatapointsToAlarm", self.n))
        self.threshold = float(properties["Threshold"])
        self.compare = COMPARE[properties["ComparisonOperator"]]
        self.missing = properties["TreatMissingData"]
        if "Metrics" in properties:
            (expression,) = [each["Expression"] for each in properties["Metrics"] if each.get("ReturnData", True)]
            given = {each["Id"]: each["MetricStat"] for each in properties["Metrics"] if "MetricStat" in each}
        else:
            expression = "it"
            given = {"it": {"Metric": properties, "Stat": properties["Statistic"], "Period": properties["Period"]}}
        self.expression = ast.parse(expression, mode="eval").body
        self.stats = {name: (key(each["Metric"], resolve), each["Stat"]) for name, each in given.items()}
        (period,) = {each["Period"] for each in given.values()}
        self.period = period // 60
        assert period % 60 == 0 and self.n * self.period <= DAY, "an alarm over more than a day is evaluated hourly"

    def values(self, metrics: Metrics, now: int, reading: Reading) -> list[float | None]:
        """The data points of the evaluation range, the newest first."""
        length = self.n + reading.extra
        series = {name: metrics.series(metric, stat, self.period, now, length) for name, (metric, stat) in self.stats.items()}
        unfilled = frozenset() if reading.fills_empty else frozenset(name for name, points in series.items() if not points)
        values = [self.calculated(frozenset(), unfilled)] * length
        for back in {back for points in series.values() for back in points}:
            at = frozenset((name, points[back]) for name, points in series.items() if back in points)
            values[back] = self.calculated(at, unfilled)
        return values

    @cache
    def calculated(self, at: frozenset, unfilled: frozenset) -> float | None:
        return calculate(self.expression, dict(at), unfilled)

    @cache
    def state(self, values: tuple[float | None, ...], before: str) -> str:
        bad = [value if value is None else self.compare(value, self.threshold) for value in values]
        existing = [each for each in bad if each is not None][:self.n]
        if self.missing == "breaching":
            existing += [True] * (self.n - len(existing))
        if sum(existing) >= self.m:
            return "ALARM"
        if self.missing == "notBreaching" or False in existing:
            return "OK"
        if self.missing == "ignore":
            return before
        # What exists breaches, and is too little: it counts once the oldest point is as old as M points.
        return "ALARM" if True in bad[self.m - 1:] else "INSUFFICIENT_DATA"

    def changes(self, metrics: Metrics, minutes: range, reading: Reading) -> list[tuple[int, str]]:
        """When the alarm changes its state, and to which."""
        state, found = "INSUFFICIENT_DATA", []
        for now in minutes:
            before, state = state, self.state(tuple(self.values(metrics, now, reading)), state)
            if state != before:
                found.append((now, state))
        return found


def key(metric: dict, resolve) -> tuple:
    dimensions = frozenset((each["Name"], resolve(each["Value"])) for each in metric.get("Dimensions", []))
    return resolve(metric["Namespace"]), metric["MetricName"], dimensions


def calculate(node: ast.expr, at: dict[str, float], unfilled: frozenset[str]) -> float | None:
    """An expression of metric math at one time, at which the metrics `at` have values."""

    def value(of: ast.expr) -> float | None:
        return calculate(of, at, unfilled)

    match node:
        case ast.Name(id=name):
            return at.get(name)
        case ast.Constant(value=number):
            return float(number)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            terms = [value(left), value(right)]
            return None if terms == [None, None] else sum(each or 0.0 for each in terms)
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            terms = value(left), value(right)
            return None if None in terms else float(OPERATORS[type(operator)](*terms))
        case ast.Call(func=ast.Name(id="FILL"), args=[ast.Name(id=name), filler]):
            return at[name] if name in at else None if name in unfilled else value(filler)
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            holds = value(condition)
            return None if holds is None else (value(then) or 0.0) if holds else value(otherwise)
        case ast.Call(func=ast.Name(id="MIN" | "MAX" as name), args=[ast.List(elts=elements)]):
            existing = [each for each in map(value, elements) if each is not None]
            return (min if name == "MIN" else max)(existing, default=None)
    raise ValueError(f"metric math that this reader does not know: {ast.unparse(node)}")


def matches(pattern: str, line: dict) -> bool:
    """Whether a metric filter's pattern for JSON counts a line. A field that is not there matches neither = nor !=."""
    inner = re.fullmatch(r"\{(.+)\}", pattern.strip())[1].strip()
    for written, python in [(r"\$\.", ""), (r"(?<!!)=", "=="), (r"&&", " and "), (r"\|\|", " or ")]:
        inner = re.sub(written, python, inner)

    def holds(node: ast.expr) -> bool:
        match node:
            case ast.BoolOp(op=ast.And(), values=terms):
                return all(map(holds, terms))
            case ast.BoolOp(op=ast.Or(), values=terms):
                return any(map(holds, terms))
            case ast.Compare(left=ast.Name(id=field), ops=[operator], comparators=[ast.Constant(value=value)]):
                return field in line and OPERATORS[type(operator)](line[field], value)
        raise ValueError(f"a pattern that this reader does not know: {ast.unparse(node)}")

    return holds(ast.parse(inner, mode="eval").body)
