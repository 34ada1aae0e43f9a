"""What the templates say, without an account: parameters, schedules, ages, limits."""

import json
import re
import subprocess
from datetime import datetime

import cron
import pytest
from sandbox import LUXURY_BRANDS
from template import ROOT, collector, load, of_type, scale, schedules, value

TEMPLATE, SCALE = collector(), scale()
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


def test_the_template_is_small_enough_to_be_read():
    assert len((ROOT / "template.yaml").read_text().splitlines()) < 700


@pytest.mark.parametrize("template", [TEMPLATE, SCALE])
def test_every_parameter_says_what_happens_when_it_is_changed(template):
    for name, parameter in template["Parameters"].items():
        said = parameter["Description"]
        assert re.search(r"[Ii]f this is (changed|lowered|raised|emptied|0)|DISABLED deploys", said), name
        assert len(said) < 4000, name


def test_options_are_off_by_default_and_cost_nothing():
    defaults = {name: parameter.get("Default") for name, parameter in TEMPLATE["Parameters"].items()}
    assert {name for name, default in defaults.items() if default == "off"} == {"Dashboard", "TokenRenewal", "KeepResponses", "Events"}
    assert {name for name, default in defaults.items() if default == ""} == {"KeyArns", "AlarmEmail", "ConfigObject", "SecretPrefix", "PermissionsBoundary"}
    assert {name for name, default in defaults.items() if default is None} == {"SecretArn", "BucketName"}


def test_lambdas_log_filter_is_open():
    """It does not know the levels WARNING and CRITICAL, and the format JSON turns it on."""
    assert FUNCTION["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": {"Ref": "LogGroup"}}
    assert FUNCTION["Environment"]["Variables"]["LOG_LEVEL"] == {"Ref": "LogLevel"}


def test_roles_have_no_name_that_could_be_cut_or_collide_with_that_of_another_region():
    roles = of_type(TEMPLATE, "AWS::IAM::Role")
    assert len(roles) == 2
    for role in roles.values():
        assert "RoleName" not in role and role["Path"] == {"Fn::Sub": "/${AWS::StackName}/${AWS::Region}/"}
    name = TEMPLATE["Resources"]["RunsDashboard"]["Properties"]["DashboardName"]
    assert name == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}, "the names of dashboards are global"


def test_what_the_stack_of_shards_imports_is_exported():
    exports = {str(o["Export"]["Name"]["Fn::Sub"]) for o in TEMPLATE["Outputs"].values() if "Export" in o}
    imports = set(re.findall(r"\$\{Collector\}-\w+", (ROOT / "scale" / "template.yaml").read_text()))
    assert {name.replace("Collector", "AWS::StackName") for name in imports} == exports


@pytest.mark.parametrize("job", ["brand_media", "hashtag", "token"])
def test_a_schedule_starts_its_job_at_its_time_and_gives_up_before_the_next_run(job):
    schedule = schedules(TEMPLATE)[job]
    target = schedule["Target"]
    assert json.loads(target["Input"]) == {"job": job, "time": "<aws.scheduler.scheduled-time>"}
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    first, second = cron.times(expression(job), DAY, days=2)[:2]
    period = (second - first).total_seconds()
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] < period
    assert TEMPLATE["Resources"]["Invocations"]["Properties"]["MaximumEventAgeInSeconds"] < period
    assert FUNCTION["Timeout"] < period


def test_what_was_replaced_expires_and_snapshots_stay():
    """The emulator takes no lifecycle from a template."""
    written = TEMPLATE["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert TEMPLATE["Parameters"]["RawDays"]["Default"] == 0
    optional = [rule["Fn::If"] for rule in written if "Fn::If" in rule]
    assert {(condition, rule["Prefix"]) for condition, rule, _ in optional} == {("DeletesRaw", "raw/"), ("DeletesRaw", "answers/")}
    always = {rule["Id"]: rule for rule in written if "Fn::If" not in rule}
    assert set(always) == {"replaced", "unfinished-uploads", "quality", "partial"}
    assert always["replaced"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert all(always[name]["ExpirationInDays"] == {"Ref": "QualityDays"} for name in ("quality", "partial"))


def test_a_first_deployment_that_fails_leaves_no_bucket_behind_and_an_update_keeps_it():
    for name in ("Bucket", "BucketPolicy"):
        resource = TEMPLATE["Resources"][name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize("template, name", [(TEMPLATE, "AbsentAlarm"), (SCALE, "ShardedAbsentAlarm")])
def test_missing_runs_are_reported_later_than_the_next_run_is_due(template, name):
    properties = of_type(template, "AWS::CloudWatch::Alarm")[name]
    watched = {d["Value"]: m["MetricStat"]["Period"] for m in properties["Metrics"] if "MetricStat" in m
               for d in m["MetricStat"]["Metric"]["Dimensions"] if d["Name"] == "job"}
    assert set(watched) == {"brand_media", "hashtag"} and properties["TreatMissingData"] == "breaching"
    for job, period in watched.items():
        first, second = cron.times(value(template, schedules(template)[job]["ScheduleExpression"]), DAY, days=2)[:2]
        assert period > (second - first).total_seconds() + 600, "a run may start late, and a metric arrive late"
    assert "RunsAreDue" == TEMPLATE["Resources"]["AbsentAlarm"]["Condition"] and SCALE["Resources"]["ShardedAbsentAlarm"]["Condition"] == "Scheduled"


def test_each_alarm_is_reported_with_its_end_and_names_the_page_that_explains_it():
    imported = {"Fn::ImportValue": {"Fn::Sub": "${Collector}-TopicArn"}}
    pages = {name: (ROOT / "docs" / name).read_text() for name in ("operations.md", "scale.md")}
    for template, topic, page in [(TEMPLATE, {"Ref": "Topic"}, "operations.md"), (SCALE, imported, "scale.md")]:
        alarms = of_type(template, "AWS::CloudWatch::Alarm")
        assert 3 < len(alarms) <= 8
        for name, alarm in alarms.items():
            assert alarm["AlarmActions"] == alarm["OKActions"] == [topic], name
            assert alarm["AlarmName"] == {"Fn::Sub": f"${{AWS::StackName}}-{name}"}, name
            assert f"docs/{page}, " in alarm["AlarmDescription"] and name in pages[page], name


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


def test_the_roll_up_sends_the_metrics_that_the_alarms_of_its_stack_read():
    assert SCALE["Resources"]["RollupFunction"]["Properties"]["Environment"]["Variables"]["SERVICE"] == {"Ref": "AWS::StackName"}


def test_runs_over_shards_may_use_the_key_of_the_bucket():
    for role in ("ShardsRole", "RollupRole"):
        (policy,) = SCALE["Resources"][role]["Properties"]["Policies"]
        (granted,) = [s["Fn::If"][1] for s in policy["PolicyDocument"]["Statement"] if s.get("Fn::If", [None])[0] == "HasKeys"]
        assert granted["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"], role
