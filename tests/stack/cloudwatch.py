"""CloudWatch's evaluation of alarms, as far as the templates use it.

Minutes count from the start of the first day. A statistic of a window is that of the points in it; a window without
points is missing, and the alarm says what that means. Sources: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring,
AlarmThatSendsEmail, using-metric-math and Create_Composite_Alarm.
"""

import re
from bisect import bisect_left
from collections import defaultdict

COMPARE = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
}
STATISTICS = {"Sum": sum, "Maximum": max, "Minimum": min, "SampleCount": len}


class Metrics:
    """Points by metric: namespace, name and dimensions."""

    def __init__(self):
        self.points: dict[tuple, list[tuple[int, float]]] = defaultdict(list)

    def put(self, namespace: str, name: str, dimensions: dict[str, str], minute: int, value: float) -> None:
        points = self.points[namespace, name, frozenset(dimensions.items())]
        points.append((minute, value))
        points.sort()

    def statistic(self, metric: tuple, statistic: str, start: int, end: int) -> float | None:
        points = self.points.get(metric, [])
        values = [value for _, value in points[bisect_left(points, (start,)):bisect_left(points, (end,))]]
        return STATISTICS[statistic](values) if values else None


class Alarm:
    """A metric alarm as a template has it; `resolve` gives what a reference in it stands for."""

    def __init__(self, properties: dict, resolve):
        self.n = int(resolve(properties["EvaluationPeriods"]))
        self.threshold = float(resolve(properties["Threshold"]))
        self.breaches = COMPARE[properties["ComparisonOperator"]]
        self.missing = properties["TreatMissingData"]
        self.stats = {}

        def add(name: str, metric: dict, statistic: str, period: int) -> None:
            dimensions = frozenset((d["Name"], resolve(d["Value"])) for d in metric.get("Dimensions", []))
            self.stats[name] = ((resolve(metric["Namespace"]), metric["MetricName"], dimensions), statistic, period // 60)

        self.expression = "it"
        if "Metrics" in properties:
            (self.expression,) = [m["Expression"] for m in properties["Metrics"] if "Expression" in m]
            for each in properties["Metrics"]:
                if given := each.get("MetricStat"):
                    add(each["Id"], given["Metric"], given["Stat"], given["Period"])
        else:
            add("it", properties, properties["Statistic"], properties["Period"])

    def value(self, expression: str, metrics: Metrics, now: int, back: int) -> float | None:
        """What an expression was, `back` periods before the newest one."""
        if found := re.fullmatch(r"DIFF\((.+)\)", expression):
            newer, older = (self.value(found[1], metrics, now, n) for n in (back, back + 1))
            return None if newer is None or older is None else newer - older
        if found := re.fullmatch(r"FILL\((.+), (\d+)\)", expression):
            value = self.value(found[1], metrics, now, back)
            return float(found[2]) if value is None else value
        if found := re.fullmatch(r"MAX\(\[(.+)\]\)", expression):
            values = [self.value(e, metrics, now, back) for e in found[1].split(", ")]
            return max((v for v in values if v is not None), default=None)
        metric, statistic, period = self.stats[expression]
        return metrics.statistic(metric, statistic, now - (back + 1) * period, now - back * period)

    def state(self, metrics: Metrics, now: int, before: str) -> str:
        values = [self.value(self.expression, metrics, now, back) for back in range(self.n)]
        if self.missing == "ignore" and None in values:
            return before
        on_missing = self.missing == "breaching"
        bad = [on_missing if value is None else self.breaches(value, self.threshold) for value in values]
        return "ALARM" if all(bad) else "OK"


def composite(rule: str, states: dict[str, str]) -> str:
    """The state that a composite alarm's rule gives."""
    terms = [re.fullmatch(r'ALARM\("(.+)"\)', term) for term in rule.split(" OR ")]
    return "ALARM" if any(term and states[term[1]] == "ALARM" for term in terms) else "OK"


def matches(pattern: str, line: dict) -> bool:
    """Whether a metric filter's pattern counts a line of the log."""
    terms = re.fullmatch(r"\{ (.+) \}", pattern)[1].split(" && ")
    for field, operator, value in (re.fullmatch(r'\$\.(\w+) (=|!=) "(\w+)"', term).groups() for term in terms):
        # A field that is not there matches neither.
        if field not in line or (line[field] == value) != (operator == "="):
            return False
    return True
