"""Every alarm of deploy/observability.yaml over days of the real binary's own metrics and log.

The binary runs each kind of run that a day has; what it wrote is then laid out over that day's schedule, after a
healthy day, and CloudWatch's rules say which alarms go off (cloudwatch.py). `ALARMS_WRITE=1` writes the table of
docs/operations.md.
"""

import os
from dataclasses import dataclass, field

import pytest
from cloudwatch import Alarm, Metrics, composite, matches
from conftest import configuration
from graph_api import TOKEN, USER_ID, GraphApi
from runtime_api import Process
from template import ROOT, collector, observability, of_type, value

SERVICE, FUNCTION = "collector", "function"
DAY = 24 * 60
TEMPLATE, OBSERVABILITY = collector(), observability()
START, END = "<!-- alarms: start -->", "<!-- alarms: end -->"
DOC = ROOT / "docs" / "operations.md"


@dataclass
class Told:
    """What one invocation told: its lines, how long it took and whether it failed."""

    lines: list[dict]
    milliseconds: float
    failed: bool


@dataclass
class Runs:
    """An event of a schedule: its run, and where that failed the one that Lambda makes of it a minute later."""

    tries: list[Told] = field(default_factory=list)


class Recorder:
    """The real binary against the stand-in, and what it told of each event."""

    def __init__(self, package, folder, api: GraphApi):
        config = configuration(folder, api)
        secret = folder / "secret.ini"
        secret.write_text(f"[SECRET]\nig_user_id={USER_ID}\naccess_token={TOKEN}\nbucket=local_env\nconfig_file={config}\n")
        self.process = Process(package / "bootstrap", folder, {"SECRET_FILE": str(secret), "SERVICE": SERVICE})

    def told(self, job: str) -> Told:
        before = len(self.process.log())
        run = self.process.invoke({"job": job})
        return Told(self.process.log()[before:], run.seconds * 1000, not run.ok)

    def event(self, job: str) -> Runs:
        first = self.told(job)
        return Runs([first, self.told(job)] if first.failed else [first])


@pytest.fixture(scope="module")
def recorded(package, tmp_path_factory) -> dict[str, list[Runs]]:
    """Each kind of run, by name; a throttled hour is one event after the other, since a process remembers."""
    found = {}
    with GraphApi() as api:
        recorder = Recorder(package, tmp_path_factory.mktemp("days"), api)
        with recorder.process:
            for job in ("brand_media", "hashtag", "token"):
                found[job] = [recorder.event(job)]
            for name, missing in [("one account lost", {"fendi"}), ("two accounts lost", {"fendi", "prada"})]:
                api.missing = frozenset(missing)
                found[name] = [recorder.event("brand_media")]
            api.missing = frozenset()
            for days in (6, 1):
                api.days = days
                found[f"token of {days} days"] = [recorder.event("token")]
            api.throttled = True
            found["throttled accounts"] = [recorder.event("brand_media")]
            found["throttled hashtags"] = [recorder.event("hashtag") for _ in range(12)]
            api.throttled = False
            # An answered call ends what the process remembers of throttling.
            recorder.event("brand_media")
            api.dead = True
            found["dead accounts"] = [recorder.event("brand_media")]
            found["dead hashtags"] = [recorder.event("hashtag")]
            api.dead, api.refusing = False, True
            found["refused accounts"] = [recorder.event("brand_media")]
            found["refused hashtags"] = [recorder.event("hashtag")]
    return found


def lay_out(metrics: Metrics, minute: int, runs: Runs) -> None:
    """Puts what an event's runs told where CloudWatch would have it."""
    filters = of_type(OBSERVABILITY, "AWS::Logs::MetricFilter").values()
    for late, told in enumerate(runs.tries):
        for line in told.lines:
            for group in line.get("_aws", {}).get("CloudWatchMetrics", []):
                for names in group["Dimensions"]:
                    for metric in group["Metrics"]:
                        dimensions = {name: line[name] for name in names}
                        metrics.put(group["Namespace"], metric["Name"], dimensions, minute + late, line[metric["Name"]])
            for given in filters:
                (counted,) = given["MetricTransformations"]
                put = float(counted["MetricValue"]) if matches(given["FilterPattern"], line) else counted["DefaultValue"]
                metrics.put(resolve(counted["MetricNamespace"]), counted["MetricName"], {}, minute + late, put)
        function = {"FunctionName": FUNCTION}
        metrics.put("AWS/Lambda", "Errors", function, minute + late, float(told.failed))
        metrics.put("AWS/Lambda", "Duration", function, minute + late, told.milliseconds)
    if runs.tries[-1].failed:
        metrics.put("AWS/SQS", "NumberOfMessagesSent", {"QueueName": "failures"}, minute + len(runs.tries), 1)


GIVEN = TEMPLATE["Resources"]["Observability"]["Properties"]["Parameters"]
NAMES = {"Service": SERVICE, "FunctionName": FUNCTION, "FailureQueueName": "failures", "UndeliveredQueueName": "undelivered"}


def resolve(written):
    match written:
        case {"Ref": name}:
            return NAMES.get(name) or value(TEMPLATE, GIVEN[name])
        case {"Fn::Sub": text}:
            return text.replace("${Service}", SERVICE)
    return written


ALARMS = {name: Alarm(properties, resolve) for name, properties in of_type(OBSERVABILITY, "AWS::CloudWatch::Alarm").items()}


def page_rule() -> str:
    rule, names = OBSERVABILITY["Resources"]["PageAlarm"]["Properties"]["AlarmRule"]["Fn::Sub"]
    absent = names["Absent"]["Fn::If"]
    assert absent[0] == "RunsAreDue" and absent[2] == "FALSE"
    return rule.replace("${Absent}", absent[1]["Fn::Sub"]).replace("${", "").replace("}", "")


def day(recorded: dict, instead=lambda job, minute: None) -> list[tuple[int, Runs]]:
    """A day's events: those of a healthy one, or what `instead` gives."""
    due = [("brand_media", m) for m in range(0, DAY, 60)] + [("hashtag", m) for m in range(0, DAY, 5)] + [("token", 6 * 60 + 17)]
    return [(minute, instead(job, minute) or recorded[job][0]) for job, minute in due]


def gone_off(recorded: dict, events: list[tuple[int, Runs]]) -> dict[str, list[int]]:
    """The minutes of a day at which each alarm goes off, after a healthy day and before another."""
    metrics = Metrics()
    for offset, of_day in [(0, day(recorded)), (DAY, events), (2 * DAY, day(recorded))]:
        for minute, runs in of_day:
            lay_out(metrics, offset + minute, runs)
    states = dict.fromkeys([*ALARMS, "PageAlarm"], "OK")
    found: dict[str, list[int]] = {}
    rule = page_rule()
    # From noon on: by then each alarm knows what a healthy day is. A datapoint is seen in the minute after it.
    for now in range(DAY // 2, 2 * DAY + DAY // 2):
        before = dict(states)
        for name, alarm in ALARMS.items():
            states[name] = alarm.state(metrics, now, before[name])
        states["PageAlarm"] = composite(rule, states)
        for name, state in states.items():
            if state == "ALARM" and before[name] != "ALARM":
                found.setdefault(name, []).append(now - DAY)
    return found


def days(recorded: dict) -> dict[str, dict[str, list[int]]]:
    hour = range(10 * 60, 11 * 60)

    def lost(job: str, minute: int):
        return job == "brand_media" and recorded["two accounts lost" if minute >= DAY // 2 else "one account lost"][0]

    def for_an_hour(what: str):
        def instead(job: str, minute: int):
            kind = {"brand_media": f"{what} accounts", "hashtag": f"{what} hashtags"}.get(job)
            if minute in hour and kind:
                runs = recorded[kind]
                return runs[min((minute - hour.start) // 5, len(runs) - 1)]

        return instead

    def token(left: int):
        return lambda job, _: job == "token" and recorded[f"token of {left} days"][0]

    silent = [(minute, runs) for minute, runs in day(recorded) if not 10 * 60 <= minute < 14 * 60]
    kinds = {
        "healthy": day(recorded), "an account fails all day, a second one from 12:00 on": day(recorded, lost),
        "the API is dead from 10:00 to 11:00": day(recorded, for_an_hour("dead")),
        "throttled from 10:00 to 11:00": day(recorded, for_an_hour("throttled")),
        "the token is refused from 10:00 to 11:00": day(recorded, for_an_hour("refused")),
        "the token ends in 6 days": day(recorded, token(6)), "the token ends in 1 day": day(recorded, token(1)),
        "nothing runs from 10:00 to 14:00": silent,
    }
    return {name: gone_off(recorded, events) for name, events in kinds.items()}


@pytest.fixture(scope="module")
def told(recorded) -> dict[str, dict[str, list[int]]]:
    return days(recorded)


def clock(minutes: list[int]) -> str:
    return f"{minutes[0] // 60:02}:{minutes[0] % 60:02}" + (f" and {len(minutes) - 1} more" if len(minutes) > 1 else "")


def table(told: dict) -> str:
    rows = ["| day | pages | informs |", "| --- | --- | --- |"]
    for name, alarms in told.items():
        page = clock(alarms["PageAlarm"]) if "PageAlarm" in alarms else "—"
        others = "; ".join(f"{alarm.removesuffix('Alarm')} {clock(at)}" for alarm, at in sorted(alarms.items(), key=lambda a: a[1]) if alarm != "PageAlarm")
        rows.append(f"| {name} | {page} | {others or '—'} |")
    return "\n".join(rows)


def test_a_healthy_day_sets_off_nothing(told):
    assert told["healthy"] == {}


def test_an_account_that_fails_all_day_is_told_once_and_does_not_hide_the_next_one(told):
    alarms = told["an account fails all day, a second one from 12:00 on"]
    assert set(alarms) == {"BrandMediaFailedTopicsAlarm"}
    first, second = alarms["BrandMediaFailedTopicsAlarm"]
    assert first < 5 and DAY // 2 <= second < DAY // 2 + 5


def test_a_dead_hour_and_a_throttled_one_inform_and_do_not_page(told):
    dead, throttled = told["the API is dead from 10:00 to 11:00"], told["throttled from 10:00 to 11:00"]
    for name in (dead, throttled):
        assert "HashtagFailedTopicsAlarm" in name and "PageAlarm" not in name, name
    assert {"ErrorsAlarm", "FailureQueueAlarm"} <= set(dead) and "ThrottledAlarm" not in dead, dead
    # A throttled run is no error of the invocation's, so that Lambda repeats none.
    assert "ThrottledAlarm" in throttled and not {"ErrorsAlarm", "FailureQueueAlarm"} & set(throttled), throttled


def test_a_token_near_its_end_informs_first_and_then_pages(told):
    assert set(told["the token ends in 6 days"]) == {"TokenDaysAlarm"}
    assert set(told["the token ends in 1 day"]) == {"TokenDaysAlarm", "TokenEndsAlarm", "PageAlarm"}


def test_hours_without_a_run_page(told):
    alarms = told["nothing runs from 10:00 to 14:00"]
    assert set(alarms) == {"BrandMediaAbsentAlarm", "HashtagAbsentAlarm", "PageAlarm"} and len(alarms["PageAlarm"]) == 1


def test_a_refused_token_pages(told):
    alarms = told["the token is refused from 10:00 to 11:00"]
    assert {"RefusedAlarm", "PageAlarm"} <= set(alarms) and "ThrottledAlarm" not in alarms


@pytest.mark.parametrize("name, metric, dimensions, put", [
    ("UsageAlarm", "LuxuryBrandsDataCollector/usage_percent", {"service": SERVICE, "job": "hashtag"}, 81),
    ("DurationAlarm", "AWS/Lambda/Duration", {"FunctionName": FUNCTION}, 48_000),
    ("UndeliveredQueueAlarm", "AWS/SQS/NumberOfMessagesSent", {"QueueName": "undelivered"}, 1),
])
def test_an_alarm_that_no_day_has_goes_off_for_what_it_watches_and_not_for_another_stack(name, metric, dimensions, put):
    for theirs in (False, True):
        metrics = Metrics()
        named = {key: f"other-{value}" if theirs and key != "job" else value for key, value in dimensions.items()}
        metrics.put(*metric.rsplit("/", 1), named, 9, put)
        assert ALARMS[name].state(metrics, 10, "OK") == ("OK" if theirs else "ALARM")
        assert ALARMS[name].state(metrics, 20, "ALARM") == "OK"


def test_a_version_that_ends_within_a_month_is_told():
    for left, state in [(29, "ALARM"), (30, "OK")]:
        metrics = Metrics()
        metrics.put("LuxuryBrandsDataCollector", "version_days_left", {"service": SERVICE, "job": "token"}, 9, left)
        assert ALARMS["VersionDaysAlarm"].state(metrics, 10, "OK") == state


def test_a_day_without_a_token_run_is_told_and_not_where_the_schedules_are_off():
    assert ALARMS["TokenAbsentAlarm"].state(Metrics(), 2 * DAY, "OK") == "ALARM"
    conditions = {name: OBSERVABILITY["Resources"][name].get("Condition") for name in ALARMS}
    absent = {name: condition for name, condition in conditions.items() if "Absent" in name}
    assert absent == {"BrandMediaAbsentAlarm": "RunsAreDue", "HashtagAbsentAlarm": "RunsAreDue", "TokenAbsentAlarm": "Scheduled"}
    on = {"Fn::Equals": [{"Ref": "SchedulesState"}, "ENABLED"]}
    assert OBSERVABILITY["Conditions"]["Scheduled"] == on and on in OBSERVABILITY["Conditions"]["RunsAreDue"]["Fn::And"]


def test_any_of_four_alarms_pages():
    states = dict.fromkeys(ALARMS, "OK")
    assert composite(page_rule(), states) == "OK"
    for name in ("RefusedAlarm", "TokenEndsAlarm", "BrandMediaAbsentAlarm", "HashtagAbsentAlarm"):
        assert composite(page_rule(), states | {name: "ALARM"}) == "ALARM"


def test_the_manual_has_the_table(told):
    text = DOC.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    written = f"{before}{START}\n\n{table(told)}\n\n{END}{after}"
    print(table(told))
    if os.environ.get("ALARMS_WRITE"):
        DOC.write_text(written)
    assert DOC.read_text() == written, "run it with ALARMS_WRITE=1"
