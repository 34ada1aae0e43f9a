"""What the templates say, without an account: parameters, schedules, ages, limits."""

import json
import re
import subprocess
from datetime import datetime

import cron
import pytest
from sandbox import LUXURY_BRANDS
from template import ROOT, collector, load, observability, of_type, scale, schedules, value

TEMPLATE, OBSERVABILITY, SCALE = collector(), observability(), scale()
FUNCTION = TEMPLATE["Resources"]["CollectorFunction"]["Properties"]
DAY = datetime(2026, 3, 1)


def expression(job: str) -> str:
    return value(TEMPLATE, schedules(TEMPLATE)[job]["ScheduleExpression"])


@pytest.mark.parametrize("job, a_day", [("brand_media", 24), ("hashtag", 288), ("token", 1)])
def test_each_job_fires_as_often_as_planned_on_every_day_of_two_years(job, a_day):
    fires = cron.times(expression(job), DAY, days=731)
    assert len(fires) == 731 * a_day
    gaps = {later - earlier for earlier, later in zip(fires, fires[1:])}
    assert len(gaps) == 1, gaps


def test_the_schedules_are_those_that_the_configuration_weighs_the_calls_against():
    written = (ROOT / "configure.ini").read_text()
    for job, by_default in [("brand_media", 1), ("hashtag", 12)]:
        given = re.search(rf"^{job}_runs_per_hour\s*=\s*(\d+)", written, re.MULTILINE)
        assert len(cron.times(expression(job), DAY)) / 24 == (int(given[1]) if given else by_default)


@pytest.mark.parametrize("impossible", [
    "cron(0 24 * * ? *)", "cron(60 * * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 * 13 ? *)", "cron(0 0 ? * 8 *)",
    "cron(0 * * * * *)", "cron(0 * ? * ? *)", "cron(0 * * * ?)", "cron(0/0 * * * ? *)", "cron(a * * * ? *)", "every hour",
])
def test_an_expression_that_aws_refuses_is_noticed(impossible):
    with pytest.raises(cron.CronError):
        cron.times(impossible, DAY)


@pytest.mark.parametrize("never", ["cron(0 0 30 2 ? *)", "cron(0 0 31 4,6,9,11 ? *)", "cron(0 0 1 1 ? 1999)"])
def test_an_expression_that_never_fires_is_noticed(never):
    assert cron.times(never, DAY, days=1500) == []


@pytest.mark.parametrize("template", [TEMPLATE, SCALE])
def test_every_parameter_says_what_happens_when_it_is_changed(template):
    for name, parameter in template["Parameters"].items():
        told = parameter["Description"]
        assert re.search(r"Changed|Raised|[Ll]owered|Halved|[Ee]mptied|Below|DEBUG adds|DISABLED deploys", told), name
        assert len(told) < 4000, name
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(p for g in groups for p in g["Parameters"]) == sorted(template["Parameters"])


def test_a_deployment_asks_for_few_things_and_the_stack_within_for_nothing_of_its_own():
    assert len(TEMPLATE["Parameters"]) <= 8 and len(SCALE["Parameters"]) <= 8
    given = TEMPLATE["Resources"]["Observability"]["Properties"]["Parameters"]
    assert sorted(given) == sorted(OBSERVABILITY["Parameters"])
    assert not any("Default" in parameter for parameter in OBSERVABILITY["Parameters"].values())


def test_every_setting_is_used():
    text = (ROOT / "template.yaml").read_text()
    for group, values in TEMPLATE["Mappings"]["Settings"].items():
        for key in values:
            assert f"!FindInMap [Settings, {group}, {key}]" in text, (group, key)


def test_a_configuration_in_s3_is_read_where_it_is_set_and_that_object_alone():
    assert TEMPLATE["Mappings"]["Settings"]["Options"]["ConfigObject"] == "off"
    condition = {"Fn::Equals": [{"Fn::FindInMap": ["Settings", "Options", "ConfigObject"]}, "off"]}
    assert TEMPLATE["Conditions"]["ReadsConfig"] == {"Fn::Not": [condition]}
    optional = [p["Fn::If"] for p in TEMPLATE["Resources"]["CollectorRole"]["Properties"]["Policies"] if "Fn::If" in p]
    granted = {condition: policy for condition, policy, _ in optional}["ReadsConfig"]["PolicyDocument"]["Statement"]
    place = {"Object": {"Fn::FindInMap": ["Settings", "Options", "ConfigObject"]}}
    assert [(s["Action"], s["Resource"]) for s in granted] == [
        ("s3:GetObject", {"Fn::Sub": ["arn:${AWS::Partition}:s3:::${Object}", place]})]
    given = FUNCTION["Environment"]["Variables"]["CONFIG_FILE"]
    assert given == {"Fn::If": ["ReadsConfig", {"Fn::Sub": ["s3://${Object}", place]}, "packaged"]}


def test_what_the_stack_of_shards_imports_is_exported():
    exports = {str(o["Export"]["Name"]["Fn::Sub"]) for o in TEMPLATE["Outputs"].values() if "Export" in o}
    imports = set(re.findall(r"\$\{Collector\}-\w+", (ROOT / "scale" / "template.yaml").read_text()))
    assert {name.replace("Collector", "AWS::StackName") for name in imports} == exports


@pytest.mark.parametrize("job", ["brand_media", "hashtag", "token"])
def test_a_schedule_starts_its_job_at_its_time_and_gives_up_before_the_next_run(job):
    schedule = schedules(TEMPLATE)[job]
    assert json.loads(schedule["Input"]) == {"job": job, "time": "<aws.scheduler.scheduled-time>"}
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}
    first, second = cron.times(expression(job), DAY, days=2)[:2]
    period = (second - first).total_seconds()
    assert schedule["RetryPolicy"]["MaximumEventAgeInSeconds"] < period
    assert FUNCTION["EventInvokeConfig"]["MaximumEventAgeInSeconds"] < period
    assert value(TEMPLATE, FUNCTION["Timeout"]) < period


def test_the_settings_are_such_as_lambda_takes():
    function = TEMPLATE["Mappings"]["Settings"]["Function"]
    assert function["SlowAfter"] == function["Timeout"] * 800, "80 % in milliseconds"
    assert 128 <= function["Memory"] <= 10_240 and 10 <= function["Timeout"] <= 240
    assert function["LogLevel"] in ("DEBUG", "INFO")
    assert function["LogDays"] in (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)


def test_what_was_replaced_goes_after_a_while_and_snapshots_stay():
    """The emulator takes no lifecycle from a template."""
    rules = {r["Id"]: r for r in TEMPLATE["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]}
    states = {name: value(TEMPLATE, rule["Status"]) for name, rule in rules.items()}
    assert states == {"replaced": "Enabled", "unfinished-uploads": "Enabled", "snapshots": "Disabled", "answers": "Disabled", "quality": "Enabled", "partial": "Enabled"}
    assert value(TEMPLATE, rules["replaced"]["NoncurrentVersionExpiration"]["NoncurrentDays"]) == 30
    assert all(value(TEMPLATE, rule["ExpirationInDays"]) > 0 for rule in rules.values() if "ExpirationInDays" in rule)


def test_a_first_deployment_that_fails_leaves_no_bucket_behind_and_an_update_keeps_it():
    for name in ("Bucket", "BucketPolicy"):
        resource = TEMPLATE["Resources"][name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_an_absence_is_told_later_than_the_next_run_is_due():
    given = TEMPLATE["Resources"]["Observability"]["Properties"]["Parameters"]
    for job, alarm in [("brand_media", "BrandMediaAbsent"), ("hashtag", "HashtagAbsent"), ("token", "TokenAbsent")]:
        properties = of_type(OBSERVABILITY, "AWS::CloudWatch::Alarm")[f"{alarm}Alarm"]
        first, second = cron.times(expression(job), DAY, days=2)[:2]
        waits = properties["Period"] * value(TEMPLATE, given[properties["EvaluationPeriods"]["Ref"]])
        assert waits > (second - first).total_seconds()
        assert properties["TreatMissingData"] == "breaching"
        # CloudWatch's own limits: a day, or a week for periods of an hour and more.
        assert waits <= (86_400 if properties["Period"] < 3600 else 7 * 86_400)


def test_one_alarm_pages_the_others_inform():
    imported = lambda topic: {"Fn::ImportValue": {"Fn::Sub": f"${{Collector}}-{topic}TopicArn"}}  # noqa: E731
    paging = {"PageAlarm", "ShardedRunsAlarm", "ShardedBrandMediaAbsentAlarm", "ShardedHashtagAbsentAlarm"}
    for template, stack, topic in [(OBSERVABILITY, "Service", lambda t: {"Ref": f"{t}Topic"}), (SCALE, "AWS::StackName", imported)]:
        kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        alarms = of_type(template, kinds[0]) | of_type(template, kinds[1])
        assert len(alarms) > 4
        for name, alarm in alarms.items():
            assert alarm["AlarmActions"] == alarm["OKActions"] == [topic("Paging" if name in paging else "Notice")], name
            assert alarm["AlarmName"] == {"Fn::Sub": f"${{{stack}}}-{name}"}, name
            assert alarm["AlarmDescription"].endswith(f"docs/operations.md, {name}."), name


def test_the_tables_are_those_that_the_program_prints():
    done = subprocess.run([LUXURY_BRANDS, "schema", "--for", "athena", "--config", ROOT / "configure.ini"], capture_output=True, text=True, check=True)
    printed = {name: dict(re.findall(r"'([\w.]+)' = '([^']+)'", body)) for name, body in
               re.findall(r"CREATE EXTERNAL TABLE IF NOT EXISTS `(\w+)` \((.*?)\);", done.stdout, re.DOTALL)}
    tables = of_type(load(ROOT / "deploy" / "consumers.yaml"), "AWS::Glue::Table").values()
    made = {t["TableInput"]["Name"]: dict(t["TableInput"]["Parameters"]) for t in tables}
    for parameters in made.values():
        place = parameters["storage.location.template"]["Fn::Sub"][0]
        parameters["storage.location.template"] = place.replace("${Bucket}", "BUCKET").replace("${!", "${")
    assert made.items() <= printed.items() and len(made) == 4


def test_the_compaction_runs_the_statements_that_the_program_prints_and_deletes_no_snapshot():
    done = subprocess.run([LUXURY_BRANDS, "schema", "compaction", "--for", "athena", "--config", ROOT / "configure.ini"], capture_output=True, text=True, check=True)
    template = load(ROOT / "deploy" / "compaction.yaml")
    _, tables, schedules_of = template["Resources"]["Fn::ForEach::Tables"]
    written, _ = schedules_of["Compact&{Table}"]["Properties"]["Target"]["Input"]["Fn::Sub"]
    calls = [json.loads(written.replace("${Table}", table)) for table in tables]
    assert sorted(call["QueryString"] for call in calls) == sorted(re.findall(r"^INSERT INTO .*(?=;$)", done.stdout, re.MULTILINE))
    tokens = {call["ClientRequestToken"].replace("<aws.scheduler.scheduled-time>", "2026-11-24T04:30:00Z") for call in calls}
    assert len(tokens) == len(calls) and all(32 <= len(token) <= 128 for token in tokens), "as Athena takes them"
    (policy,) = template["Resources"]["Role"]["Properties"]["Policies"]
    (writes,) = [s["Resource"] for s in policy["PolicyDocument"]["Statement"] if "s3:DeleteObject" in s["Action"]]
    assert writes["Fn::Sub"][0].endswith("/iceberg/*")


def test_runs_over_shards_are_watched_where_they_are_due():
    alarms = of_type(SCALE, "AWS::CloudWatch::Alarm")
    for job, name in [("brand_media", "ShardedBrandMediaAbsentAlarm"), ("hashtag", "ShardedHashtagAbsentAlarm")]:
        assert SCALE["Resources"][name]["Condition"] == "Scheduled"
        dimensions = {d["Name"]: d["Value"] for d in alarms[name]["Dimensions"]}
        assert dimensions == {"service": {"Ref": "AWS::StackName"}, "job": job}
        first, second = cron.times(value(SCALE, schedules(SCALE)[job]["ScheduleExpression"]), DAY, days=2)[:2]
        assert alarms[name]["Period"] * alarms[name]["EvaluationPeriods"] > (second - first).total_seconds()
    assert SCALE["Resources"]["RollupFunction"]["Properties"]["Environment"]["Variables"]["SERVICE"] == {"Ref": "AWS::StackName"}
