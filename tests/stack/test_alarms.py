"""Every alarm of template.yaml over days of the real binary's own metrics and log.

The binary runs each kind of run that a day has. What it wrote is laid out over that day's schedule, between a healthy day
and another one, and CloudWatch's rules say when which alarm changes (cloudwatch.py). `ALARMS_WRITE=1` writes the table of
docs/operations.md.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import cron
import pytest
from cloudwatch import DAY, HOUR, Alarm, Metrics, Reading, matches
from conftest import BUCKET, STACK, configuration, process
from graph_api import GraphApi
from object_store import ObjectStore
from runtime_api import Process
from template import ROOT, collector, of_type

FUNCTION = "function"
TEMPLATE = collector()
START, END = "<!-- alarms: start -->", "<!-- alarms: end -->"
DOC = ROOT / "docs" / "operations.md"
CONFIG = f"/{BUCKET}/settings/configure.ini"
REFUSED = {"code": 190, "error_subcode": 463, "message": "Error validating access token"}
THROTTLED = {"code": 4, "message": "Application request limit reached"}


@dataclass(frozen=True)
class Invocation:
    """What an invocation left: its lines, whether it failed, and its duration in minutes."""

    lines: list[dict]
    failed: bool
    minutes: int = 0


def runs(running: Process, **counts: int) -> dict[str, list[Invocation]]:
    """What a number of runs of each job left."""

    def run(job: str) -> Invocation:
        before = len(running.log())
        ended = running.invoke({"job": job})
        return Invocation(running.log()[before:], failed=not ended.ok)

    return {job: [run(job) for _ in range(count)] for job, count in counts.items()}


@pytest.fixture(scope="module")
def recorded(package, tmp_path_factory) -> dict[str, dict[str, list[Invocation]]]:
    """What the runs of each kind left, by job. A process remembers throttling, so its hashtag runs are those of an hour."""
    found = {}
    with GraphApi() as api, ObjectStore() as store:
        folder = tmp_path_factory.mktemp("days")
        config = configuration(folder, api)
        with process(package, folder, config) as running:
            found["healthy"] = runs(running, brand_media=1, hashtag=1, token=1)
            api.missing = frozenset({"fendi"})
            found["account missing"], found["hashtag missing"] = runs(running, brand_media=1), runs(running, hashtag=1)
            api.missing = frozenset({"fendi", "prada"})
            found["two accounts missing"] = runs(running, brand_media=1)
            api.missing, api.days = frozenset(), 6
            found["token ends"] = runs(running, token=1)
            api.error = THROTTLED
            found["throttled"] = runs(running, brand_media=1, hashtag=12)
            api.error = None
            # A call that succeeds ends what the process remembers of throttling.
            runs(running, brand_media=1)
            api.dead = True
            found["dead"] = runs(running, brand_media=1, hashtag=1)
            api.dead, api.error = False, REFUSED
            found["refused"] = runs(running, brand_media=1, hashtag=1, token=1)
            api.error, api.usage = None, 96
            found["used up"] = runs(running, brand_media=1, hashtag=1)
            api.usage = 12
        store.objects[CONFIG] = config.read_bytes()
        with process(package, tmp_path_factory.mktemp("kept"), f"s3:/{CONFIG}", BUCKET, **store.environment) as running:
            runs(running, brand_media=1)
            store.denied = True
            found["denied"] = runs(running, brand_media=1, hashtag=1)
            store.denied, store.objects[CONFIG] = False, b"[API]\n"
            found["kept configuration"] = runs(running, brand_media=1, hashtag=1)
        with process(package, tmp_path_factory.mktemp("started"), f"s3:/{CONFIG}", BUCKET, **store.environment) as running:
            found["no configuration"] = runs(running, hashtag=1)
    (line,) = [line for line in found["healthy"]["token"][0].lines if "_aws" in line]
    found["version ends"] = {"token": [Invocation([line | {"version_days_left": 20}], failed=False)]}
    for kind in ("throttled", "denied"):
        found[f"{kind} accounts"] = {"brand_media": found[kind]["brand_media"]}
    # Lambda ends the process at the timeout. Only Lambda's own metric shows it.
    found["timeout"] = dict.fromkeys(["brand_media", "hashtag"], [Invocation([], failed=True, minutes=1)])
    found["absent"] = {"brand_media": [], "hashtag": [], "token": []}
    found["accounts absent"] = {"brand_media": []}
    return found


def resolve(written):
    match written:
        case {"Ref": "AWS::StackName"}:
            return STACK
        case {"Ref": "CollectorFunction"}:
            return FUNCTION
        case {"Fn::Sub": text}:
            return text.replace("${AWS::StackName}", STACK)
    return written


ALARMS = {name: Alarm(properties, resolve) for name, properties in of_type(TEMPLATE, "AWS::CloudWatch::Alarm").items()}
FILTERS = [(each["FilterPattern"], each["MetricTransformations"][0]) for each in of_type(TEMPLATE, "AWS::Logs::MetricFilter").values()]


def due() -> list[tuple[str, int]]:
    """The job and the minute of each run of a day, by the schedules. Every second run of a job starts a minute late."""
    day = datetime(2026, 11, 27, tzinfo=timezone.utc)
    return [(json.loads(each["Target"]["Input"])["job"], (time - day).seconds // 60 + number % 2)
            for each in of_type(TEMPLATE, "AWS::Scheduler::Schedule").values()
            for number, time in enumerate(cron.times(each["ScheduleExpression"], day))]


DUE = due()


def minutes(first: int, last: int) -> range:
    """Those from one hour of the day to another."""
    return range(first * HOUR, last * HOUR)


@dataclass
class Day:
    """A day: the one alarm that its cause sets off, from when to when the cause lasts, the runs that differ from a healthy
    day's, of which the last one counts, and the minutes whose values arrive when they are over."""

    what: str
    alarm: str | None = None
    cause: range = range(0)
    runs: tuple[tuple[range, str], ...] = ()
    delayed: range = range(0)

    def kind(self, minute: int) -> str:
        return next((kind for during, kind in reversed(self.runs) if minute in during), "healthy")


def cause(what: str, alarm: str, during: range, kind: str) -> Day:
    return Day(what, alarm, during, ((during, kind),))


HEALTHY = Day("healthy")
BEHIND = range(10 * HOUR, 10 * HOUR + 20)
DAYS = [
    HEALTHY,
    Day("CloudWatch is 20 minutes behind at 10:00", delayed=BEHIND),
    Day("one hashtag run fails, and its repetition succeeds", runs=((range(605, 607), "dead"),)),
    cause("an account fails all day", "AccountsAlarm", minutes(0, 24), "account missing"),
    cause("an account fails from 12:00 on", "AccountsAlarm", minutes(12, 24), "account missing"),
    Day("an account fails all day, a second one from 12:00 on", "AccountsAlarm", minutes(0, 24),
        ((minutes(0, 12), "account missing"), (minutes(12, 24), "two accounts missing"))),
    cause("a hashtag fails all day", "HashtagsAlarm", minutes(0, 24), "hashtag missing"),
    cause("the API does not respond from 10:00 to 11:00", "FailingAlarm", minutes(10, 11), "dead"),
    cause("the API throttles from 10:00 to 11:00", "ThrottledAlarm", minutes(10, 11), "throttled"),
    cause("the API throttles brand_media all day", "ThrottledAlarm", minutes(0, 24), "throttled accounts"),
    cause("the API's usage is at 96 % from 10:00 to 12:00", "ThrottledAlarm", minutes(10, 12), "used up"),
    cause("the token is refused from 10:00 to 13:00", "FailingAlarm", minutes(10, 13), "refused"),
    cause("the token is invalid all day", "FailingAlarm", minutes(0, 24), "refused"),
    cause("the token ends in 6 days, and is renewed on the next day", "TokenAlarm", range(377, DAY + 377), "token ends"),
    cause("the version ends in 20 days, and is changed on the next day", "VersionAlarm", range(377, DAY + 377), "version ends"),
    cause("S3 refuses every object from 10:00 to 12:00", "FailingAlarm", minutes(10, 12), "denied"),
    cause("S3 refuses the objects of brand_media all day", "FailingAlarm", minutes(0, 24), "denied accounts"),
    # The process that is kept goes on with the last good configuration, and Lambda starts another one at 11:00.
    Day("the configuration in S3 is invalid from 10:00 to 12:00", "FailingAlarm", minutes(10, 12),
        ((minutes(10, 12), "kept configuration"), (range(660, 662), "no configuration"))),
    cause("runs reach the timeout from 10:00 to 11:00", "FailingAlarm", minutes(10, 11), "timeout"),
    cause("nothing runs from 10:00 to 14:00", "AbsentAlarm", minutes(10, 14), "absent"),
    Day("brand_media does not run from 10:00 to 14:00, and one hashtag run fails once", "AbsentAlarm", minutes(10, 14),
        ((minutes(10, 14), "accounts absent"), (range(625, 627), "dead"))),
]


def invocations(recorded: dict, day: Day) -> Iterator[tuple[int, Invocation]]:
    """What a day's invocations left, with the minutes of their starts. A run that fails is repeated once, a minute after
    its end."""

    def kept(job: str, minute: int) -> list[Invocation]:
        return recorded[day.kind(minute)].get(job, recorded["healthy"][job])

    for job, minute in DUE:
        if found := kept(job, minute):
            first = found[minute % HOUR // 5 % len(found)]
            yield minute, first
            again = minute + first.minutes + 1
            if first.failed:
                yield again, kept(job, again)[0]


def lay_out(metrics: Metrics, start: int, invocation: Invocation, late: int) -> None:
    """Puts what an invocation left where CloudWatch has it."""
    for line in invocation.lines:
        for group in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for names in group["Dimensions"]:
                for metric in group["Metrics"]:
                    metrics.put(group["Namespace"], metric["Name"], {name: line[name] for name in names}, start, line[metric["Name"]], late)
        for pattern, counted in FILTERS:
            if matches(pattern, line):
                metrics.put(resolve(counted["MetricNamespace"]), counted["MetricName"], {}, start, float(counted["MetricValue"]), late)
    # Lambda's own metrics have the time of the invocation's start.
    metrics.put("AWS/Lambda", "Errors", {"FunctionName": FUNCTION}, start, float(invocation.failed), invocation.minutes + late)


def messages(recorded: dict, day: Day, reading: Reading) -> dict[str, list[tuple[int, str]]]:
    """What each alarm sends, with the minutes. Healthy hours are before the day, and others after it."""
    metrics = Metrics()
    for midnight, each in [(-DAY, HEALTHY), (0, day), (DAY, HEALTHY)]:
        for minute, invocation in invocations(recorded, each):
            lay_out(metrics, midnight + minute, invocation, each.delayed.stop - minute if minute in each.delayed else 0)
    changes = {name: alarm.changes(metrics, range(-18 * HOUR, 36 * HOUR), reading) for name, alarm in ALARMS.items()}
    sent = {name: [change for change in found if change[0] >= 0] for name, found in changes.items()}
    return {name: found for name, found in sent.items() if found}


@pytest.fixture(scope="module")
def sent(recorded) -> dict[str, dict[str, list[tuple[int, str]]]]:
    return {day.what: messages(recorded, day, Reading()) for day in DAYS}


def clock(minute: int) -> str:
    return f"{minute % DAY // HOUR:02}:{minute % HOUR:02}{' on the next day' if minute >= DAY else ''}"


def table(sent: dict) -> str:
    rows = ["| day | alarm | on | over | messages |", "| --- | --- | --- | --- | --- |"]
    for day, alarms in sent.items():
        for name, found in alarms.items() or [("none", [])]:
            on, over = (", ".join(clock(minute) for minute, state in found if state == wanted) for wanted in ("ALARM", "OK"))
            rows.append(f"| {day} | {name} | {on} | {over} | {len(found)} |")
    return "\n".join(rows)


def check(day: Day, found: dict[str, list[tuple[int, str]]]) -> None:
    """One cause sets off one alarm, which reports it soon, lasts as long as the cause, and reports its end."""
    assert set(found) == ({day.alarm} if day.alarm else set()), (day.what, found)
    for (on, first), (over, second) in found.values():
        assert (first, second) == ("ALARM", "OK"), (day.what, found)
        assert day.cause.start <= on <= day.cause.start + 90 and day.cause.stop <= over <= day.cause.stop + 3 * HOUR, (day.what, found)


def test_one_cause_sets_off_one_alarm_with_a_message_and_one_when_it_is_over(sent):
    for day in DAYS:
        check(day, sent[day.what])
    assert {day.alarm for day in DAYS} == {None, *ALARMS}


@pytest.mark.parametrize("reading, behind", [(Reading(extra=30, fills_empty=False), 11 * HOUR), (Reading(extra=0), 11 * HOUR + 1)])
def test_the_same_holds_for_each_reading_of_the_guide_and_if_cloudwatch_is_behind(recorded, reading, behind):
    for day in DAYS:
        check(day, messages(recorded, replace(day, delayed=range(behind, behind + 20)), reading))


def test_an_alarm_watches_its_own_stack_only():
    for name, alarm in ALARMS.items():
        for (namespace, _, dimensions), _ in alarm.stats.values():
            own = {"service": STACK, "FunctionName": FUNCTION}
            assert namespace.endswith(f"/{STACK}") or own.items() & set(dimensions), name


def test_runs_are_watched_only_where_the_stack_starts_them():
    conditions = {name: resource["Condition"] for name, resource in TEMPLATE["Resources"].items() if name in ALARMS and "Condition" in resource}
    assert conditions == {"AccountsAlarm": "RunsHere", "HashtagsAlarm": "RunsHere", "AbsentAlarm": "RunsAreDue"}


def test_the_manual_has_the_table(sent):
    text = DOC.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    written = f"{before}{START}\n\n{table(sent)}\n\n{END}{after}"
    if os.environ.get("ALARMS_WRITE"):
        DOC.write_text(written)
    assert DOC.read_text() == written, "run it with ALARMS_WRITE=1"
