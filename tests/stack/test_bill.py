"""The monthly bill, from the template and from a day of the real binary against the sandbox.

`BILL_WRITE=1` writes it into docs/operations.md. Its words must then be the same, and its numbers nearly: the length of a
log line varies.
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from math import isclose

import cron
import pytest
from conftest import BUCKET, configuration, process
from graph_api import VERSION
from object_store import ObjectStore
from sandbox import Sandbox
from template import ROOT, collector, of_type, schedules

TEMPLATE = collector()
START, END = "<!-- bill: start -->", "<!-- bill: end -->"
DOC = ROOT / "docs" / "operations.md"
DAY = datetime(2026, 1, 31, tzinfo=timezone.utc)
DAYS = 730 / 24

# List prices in us-east-1 in dollars, and what AWS gives every account each month for an unlimited time. From the price
# pages of each service (aws.amazon.com/<service>/pricing), as of 2026-11-24.
LAMBDA_GB_SECOND, LAMBDA_FREE_GB_SECONDS = 0.0000133334, 400_000
LAMBDA_REQUEST, LAMBDA_FREE_REQUESTS = 0.20 / 1e6, 1e6
METRIC, FREE_METRICS = 0.30, 10
ALARM_METRIC, FREE_ALARM_METRICS = 0.10, 10
DASHBOARD = 3.00
LOG_GB, LOG_GB_STORED, LOG_FREE_GB = 0.50, 0.03, 5
S3_PUT, S3_GB = 0.005 / 1000, 0.023
SECRET, SECRET_READ = 0.40, 0.05 / 10_000
SCHEDULE, FREE_SCHEDULES = 1.00 / 1e6, 14e6
OUT_GB, OUT_FREE_GB = 0.09, 100

# What the day does not show. A run takes 1.5 s, mostly for TLS (dev_logs/2026-11-24-deployed-stack.md), so 2 s are paid.
# Lambda logs START, END and REPORT of each. A call sends its request and its share of a TLS handshake. The captions and
# addresses of the sandbox are shorter than real ones, with which a record has 900 bytes.
RUN_SECONDS, LAMBDA_LOG_BYTES, CALL_BYTES, RECORD_BYTES = 2, 400, 2_000, 900


@dataclass
class Counted:
    """What a day of the real binary came to."""

    runs: int
    calls: int
    log_bytes: int
    metric_hours: int
    puts: int
    stored_bytes: int
    records: int


@pytest.fixture(scope="module")
def counted(package, tmp_path_factory) -> Counted:
    """Each run of a day's schedules, in one process. A metric is paid for each hour in which it is sent."""
    folder = tmp_path_factory.mktemp("bill")
    events = sorted((time, each["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", time.isoformat()))
                    for each in schedules(TEMPLATE).values() for time in cron.times(each["ScheduleExpression"], DAY))
    # A version whose end is known sends a metric more.
    api = Sandbox(folder, "--fault", f"*=version:{VERSION}")
    try:
        with ObjectStore() as store:
            with process(package, folder, configuration(folder, api), BUCKET, **store.environment) as running:
                assert all(running.invoke(json.loads(event)).ok for _, event in events)
                lines, log_bytes = running.log(), running.log_file.stat().st_size
        calls = sum(api.counts()["tokens"].values())
    finally:
        api.stop()
    sent = [line for line in lines if "_aws" in line]
    hours = {(time.hour, line["job"], metric["Name"]) for (time, _), line in zip(events, sent, strict=True)
             for group in line["_aws"]["CloudWatchMetrics"] for metric in group["Metrics"]}
    records = sum(line.get("records", 0) for line in sent)
    quality = sum(size for path, size in store.puts if "/quality/" in path)
    return Counted(len(events), calls, log_bytes, len(hours), len(store.puts), records * RECORD_BYTES + quality, records)


@dataclass
class Item:
    """A line of the bill, in dollars a month: at list price, and with what is free for every account."""

    name: str
    counts: str
    list: float
    free: float


def paid(count: float, price: float, free: float = 0) -> tuple[float, float]:
    return count * price, max(count - free, 0) * price


def bill(day: Counted) -> list[Item]:
    function = TEMPLATE["Resources"]["CollectorFunction"]["Properties"]
    alarms = of_type(TEMPLATE, "AWS::CloudWatch::Alarm").values()
    alarm_metrics = sum(len([m for m in alarm["Metrics"] if "MetricStat" in m]) if "Metrics" in alarm else 1 for alarm in alarms)
    (group,) = of_type(TEMPLATE, "AWS::Logs::LogGroup").values()
    runs, puts, calls = day.runs * DAYS, day.puts * DAYS, day.calls * DAYS
    seconds = runs * RUN_SECONDS * function["MemorySize"] / 1024
    log = (day.log_bytes + day.runs * LAMBDA_LOG_BYTES) * DAYS / 1e9
    stored, metrics, out = day.stored_bytes * DAYS / 1e9, day.metric_hours / 24, calls * CALL_BYTES / 1e9
    work = [paid(seconds, LAMBDA_GB_SECOND, LAMBDA_FREE_GB_SECONDS), paid(runs, LAMBDA_REQUEST, LAMBDA_FREE_REQUESTS)]
    logged = [paid(log, LOG_GB, LOG_FREE_GB), paid(log * group["RetentionInDays"] / DAYS, LOG_GB_STORED, LOG_FREE_GB)]
    return [
        Item("Lambda", f"{day.runs} runs per day by the schedules = {runs:,.0f}; {RUN_SECONDS} s of {function['MemorySize']} MB = {seconds:,.0f} GB-s",
             *map(sum, zip(*work))),
        Item("Metrics", f"{day.metric_hours} hours with a value of a metric in the day's log = {metrics:.2f} metrics × {METRIC:.2f}, {FREE_METRICS} free",
             *paid(metrics, METRIC, FREE_METRICS)),
        Item("Alarms", f"{alarm_metrics} metrics of {len(alarms)} alarms in the template × {ALARM_METRIC:.2f}, {FREE_ALARM_METRICS} free",
             *paid(alarm_metrics, ALARM_METRIC, FREE_ALARM_METRICS)),
        Item("Log", f"{day.log_bytes / 1e3:,.0f} KB in the day's log, and {LAMBDA_LOG_BYTES} B of Lambda's own per run = {log * 1e3:.0f} MB × {LOG_GB:.2f} per GB, "
             f"kept {group['RetentionInDays']} days × {LOG_GB_STORED}; {LOG_FREE_GB} GB free", *map(sum, zip(*logged))),
        Item("S3, requests", f"{day.puts} objects stored on the day = {puts:,.0f} × 0.005 per 1,000", *paid(puts, S3_PUT)),
        Item("S3, storage", f"{day.records:,} records of {RECORD_BYTES} B per day, and their quality objects = {stored:.1f} GB × {S3_GB}; each further month adds the same",
             *paid(stored, S3_GB)),
        Item("Secret", f"{SECRET:.2f}, and at most one read per run × 0.05 per 10,000", *(SECRET + each for each in paid(runs, SECRET_READ))),
        Item("Scheduler", f"{runs:,.0f} × 1.00 per million, 14 million free", *paid(runs, SCHEDULE, FREE_SCHEDULES)),
        Item("Data sent", f"{day.calls:,} calls on the day by the sandbox's count, 2 KB each = {out:.2f} GB × {OUT_GB}, {OUT_FREE_GB} GB free",
             *paid(out, OUT_GB, OUT_FREE_GB)),
    ]


def table(items: list[Item], records: int) -> str:
    rows = [f"| {each.name} | {each.counts} | {each.list:.2f} | {each.free:.2f} |" for each in items]
    whole = sum(each.list for each in items), sum(each.free for each in items)
    rows.append(f"| **Sum** | | **{whole[0]:.2f}** | **{whole[1]:.2f}** |")
    thousand = [price / records / DAYS * 1000 for price in whole]
    return "\n".join([
        "| item | counts and where they come from | list | with the free tier |", "| --- | --- | --- | --- |", *rows, "",
        f"1,000 stored records cost {thousand[0]:.5f} dollars, with the free tier {thousand[1]:.5f}. `Dashboard=on` adds {DASHBOARD:.2f}, or "
        "nothing for one of the account's first three dashboards."])


def test_a_month_costs_at_most_4_dollars_and_70_cents_with_the_free_tier(counted):
    items = bill(counted)
    assert sum(each.list for each in items) <= 4.00 and sum(each.free for each in items) <= 0.70


def test_nothing_that_is_paid_by_the_hour_is_left_out_of_the_bill():
    free = {"AWS::Lambda::EventInvokeConfig", "AWS::IAM::Role", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription",
            "AWS::Logs::MetricFilter", "AWS::Logs::QueryDefinition", "AWS::SNS::Topic"}
    billed = {"AWS::Lambda::Function", "AWS::CloudWatch::Alarm", "AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::Scheduler::Schedule"}
    default = {r["Type"] for r in TEMPLATE["Resources"].values() if r.get("Condition") != "HasDashboard"}
    assert default <= free | billed and TEMPLATE["Parameters"]["Dashboard"]["Default"] == "off"


NUMBER = r"\d[\d,]*\.?\d*"


def test_the_manual_has_the_bill(counted):
    before, rest = DOC.read_text().split(START)
    written, after = rest.split(END)
    new = f"\n\n{table(bill(counted), counted.records)}\n\n"
    if os.environ.get("BILL_WRITE"):
        written = new
        DOC.write_text(f"{before}{START}{written}{END}{after}")
    assert re.sub(NUMBER, "0", written) == re.sub(NUMBER, "0", new), "run it with BILL_WRITE=1"
    for old, now in zip(re.findall(NUMBER, written), re.findall(NUMBER, new), strict=True):
        assert isclose(float(old.replace(",", "")), float(now.replace(",", "")), rel_tol=0.05, abs_tol=0.01), (old, now)
