"""The template, deployed into an emulated account and run there.

Three things differ from an account of AWS. The emulator knows no saved queries and no alarms of metric math: template.py
takes them out. It does not fill in <aws.scheduler.scheduled-time>, so that a scheduled run names its objects after its
start, with a WARNING. It speaks plain HTTP, so that conftest.py removes the bucket's policy once it has refused that.
"""

import json
import re
import time

import pytest
from botocore.exceptions import ClientError
from conftest import BUCKET, SECRET, STACK
from emulator import wait_for
from graph_api import TOKEN
from stacks import resources
from template import collector, is_emulated

JOB_SECONDS = 30
# A schedule of every minute, and the emulator's first look at it.
SCHEDULE_SECONDS = 150


def keys(stack, prefix: str = "") -> list[str]:
    listed = stack.cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [o["Key"] for o in listed.get("Contents", [])]


def invoke(stack, event: dict) -> dict:
    """Runs an event and waits for the answer."""
    answer = stack.cloud.client("lambda").invoke(FunctionName=stack.ids["CollectorFunction"], Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()) | {"failed": "FunctionError" in answer}


def queue(stack, event) -> None:
    """Hands an event over as EventBridge Scheduler does: to Lambda's own queue."""
    function = stack.ids["CollectorFunction"]
    answer = stack.cloud.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))
    assert answer["StatusCode"] == 202


def log(stack) -> list[str]:
    """The function's log so far."""
    pages = stack.cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{STACK}")
    return [event["message"] for page in pages for event in page["events"]]


def summaries(stack) -> list[dict]:
    """The summary of each run that has ended, from the last line of its log."""
    lines = (json.loads(line) for line in log(stack) if '"summary"' in line)
    return [line["summary"] for line in lines]


def change_function(stack, **variables: str) -> None:
    """Gives the function other environment variables, and with them a new process."""
    functions, name = stack.cloud.client("lambda"), stack.ids["CollectorFunction"]
    now = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": now | variables})


def change_secret(stack, secret: dict) -> None:
    """Gives the secret a new value and the function a new process, since one reads it when it starts."""
    stack.cloud.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=json.dumps(secret))
    change_function(stack, CHANGED_AT=str(time.monotonic()))


@pytest.fixture
def other_secret(stack):
    yield lambda secret: change_secret(stack, secret)
    change_secret(stack, stack.collecting)


def test_the_stack_completes_with_every_resource(stack):
    formation = stack.cloud.client("cloudformation")
    assert formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    wanted = {n for n, r in collector()["Resources"].items() if is_emulated(r) and r.get("Condition") != "HasDashboard"}
    assert wanted <= set(stack.ids)
    assert {r["ResourceStatus"] for r in resources(stack.cloud, STACK)} == {"CREATE_COMPLETE"}


def test_the_bucket_is_private_encrypted_versioned_and_requires_tls(stack):
    s3 = stack.cloud.client("s3")
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    answer, (statement,) = stack.tls_only
    assert answer["errorType"] == "store" and "explicit deny in a resource-based policy" in answer["errorMessage"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_role_may_do_what_a_run_needs_and_nothing_else(stack):
    iam = stack.cloud.client("iam")
    role = stack.ids["CollectorRole"]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["collector"]
    granted = iam.get_role_policy(RoleName=role, PolicyName="collector")["PolicyDocument"]["Statement"]
    region, account = "eu-west-1", "000000000000"
    log_group = f"arn:aws:logs:{region}:{account}:log-group:/aws/lambda/{STACK}:*"
    assert granted == [
        {"Sid": "StoreObjects", "Effect": "Allow", "Action": "s3:PutObject",
         "Resource": [f"arn:aws:s3:::{BUCKET}/{folder}/*" for folder in ("raw", "quality", "partial")]},
        {"Sid": "KeepWhatWasReported", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
         "Resource": f"arn:aws:s3:::{BUCKET}/notices.json"},
        {"Sid": "ReadSecrets", "Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [stack.arn]},
        {"Sid": "WriteLogs", "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": log_group},
    ]


def test_a_schedule_fires_the_real_binary_and_objects_land(stack):
    prefix = "raw/media_hashtag_"
    (key, *_) = wait_for("a scheduled run's object", lambda: keys(stack, prefix), SCHEDULE_SECONDS)
    assert re.fullmatch(r"raw/media_hashtag_(\d{4}-\d\d-\d\d)/media_hashtag_\1_\d{6}\.json", key)
    stored = stack.cloud.client("s3").get_object(Bucket=BUCKET, Key=key)
    assert stored["ContentType"] == "application/json"
    records = json.loads(stored["Body"].read())
    # 11 hashtags of three media, of which one has no id.
    assert len(records) == 22
    assert list(records[0]) == ["user_id", "media_id", "timestamp", "caption", "media_type", "like_count", "comments_count"]
    assert all(value is not None for record in records for value in record.values())
    assert keys(stack, key.replace("raw/", "quality/", 1)) == [key.replace("raw/", "quality/", 1)]


def test_an_event_delivered_twice_leaves_one_object(stack):
    event = {"job": "brand_media", "time": "2026-01-31T23:00:00Z"}
    wanted = ["raw/brand_2026-01-31/brand_2026-01-31_230000.json", "raw/media_2026-01-31/media_2026-01-31_230000.json"]
    for times in (1, 2):
        queue(stack, event)
        ended = lambda: [run for run in summaries(stack) if run["time"] == event["time"]]  # noqa: E731
        wait_for(f"the end of run {times}", lambda: len(ended()) == times, JOB_SECONDS)  # noqa: B023
    of_that_day = [k for k in keys(stack, "raw/") if "2026-01-31" in k]
    assert sorted(of_that_day) == wanted


def test_a_snapshot_that_was_replaced_can_be_brought_back(stack):
    s3, key = stack.cloud.client("s3"), "raw/brand_2026-01-31/brand_2026-01-31_230000.json"
    versions = [v for v in s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"] if not v["IsLatest"]]
    assert len(versions) == 1, "the event was delivered twice"
    earlier = s3.get_object(Bucket=BUCKET, Key=key, VersionId=versions[0]["VersionId"])["Body"].read()
    assert len(json.loads(earlier)) == 11


def test_a_token_run_succeeds_and_stores_nothing(stack):
    before = keys(stack, "raw/brand_")
    answer = invoke(stack, {"job": "token", "time": "2026-01-31T06:17:00Z"})
    assert not answer["failed"] and answer["summary"]["token"]["days_left"] == 40
    assert keys(stack, "raw/brand_") == before


def test_a_bad_event_is_repeated_once_and_the_log_has_its_reason(stack):
    queue(stack, {"job": "nonsense"})

    def reasons() -> list[dict]:
        return [line for line in map(json.loads, (text for text in log(stack) if "nonsense" in text)) if line.get("kind") == "event"]

    wait_for("the second try", lambda: len(reasons()) >= 2, JOB_SECONDS)
    assert [bool(line["requestId"] and line["summary"]) for line in reasons()] == [True, True]


def test_the_package_brings_its_configuration(stack, other_secret):
    """A subset that is not configured is refused, with what is, before any call: the secret here
    names no configuration, so what answers is the one that was packed."""
    other_secret(stack.secret)
    answer = invoke(stack, {"job": "brand_media", "accounts": ["nobody"]})
    assert answer["failed"] and answer["errorType"] == "event", answer
    assert "expected: hermes, chanelofficial, dior" in answer["errorMessage"]


def test_a_bucket_that_the_stack_does_not_name_is_refused(stack, other_secret):
    stack.cloud.client("s3").create_bucket(Bucket="not-ours", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    other_secret(stack.collecting | {"bucket": "not-ours"})
    answer = invoke(stack, {"job": "brand_media", "accounts": ["hermes"]})
    assert answer["failed"] and answer["errorType"] == "store", answer
    assert "AccessDenied" in answer["errorMessage"]


def test_a_secret_that_the_stack_does_not_name_is_refused(stack):
    stack.cloud.client("secretsmanager").create_secret(Name="another", SecretString=json.dumps(stack.collecting))
    change_function(stack, SECRET_ID="another")
    answer = invoke(stack, {"job": "brand_media", "accounts": ["hermes"]})
    change_function(stack, SECRET_ID=stack.arn)
    assert answer["failed"] and answer["errorType"] == "secret", answer
    assert "AccessDenied" in answer["errorMessage"]


def test_the_log_is_grouped_by_request_and_holds_no_token(stack):
    lines = log(stack)
    assert not any(TOKEN in line for line in lines)
    ends = [json.loads(line) for line in lines if '"summary"' in line]
    assert ends and all(line["requestId"] for line in ends)


def test_deleting_the_stack_keeps_the_bucket_and_its_objects(stack):
    before = keys(stack)
    formation = stack.cloud.client("cloudformation")
    formation.delete_stack(StackName=STACK)

    def gone() -> bool:
        try:
            return formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
        except ClientError as error:
            assert "does not exist" in str(error)
            return True

    wait_for("the stack's end", gone, JOB_SECONDS)
    with pytest.raises(ClientError, match="not found|NotFound"):
        stack.cloud.client("lambda").get_function(FunctionName=stack.ids["CollectorFunction"])
    assert before and set(before) <= set(keys(stack))
