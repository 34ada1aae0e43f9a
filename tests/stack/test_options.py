"""Each option of the template, switched on by an update and doing its work with the role's policies enforced."""

import json
import re
import time
from types import SimpleNamespace

import pytest
import stacks
import template
from emulator import Emulator, wait_for
from graph_api import RENEWED, TOKEN, USER_ID, GraphApi

STACK, BUCKET = "options", "options-snapshots"
SETTINGS = "settings/configure.ini"
SECONDS = 30


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A stack without an option, whose token ends in 5 days."""
    folder = tmp_path_factory.mktemp("options")
    cloud = Emulator(folder)
    try:
        with GraphApi() as api:
            api.days = 5
            yield deployed(cloud, api, template.emulated(template.PACKAGE, folder))
    finally:
        cloud.stop()


def deployed(cloud, api, package) -> SimpleNamespace:
    secret = {"ig_user_id": USER_ID, "access_token": TOKEN, "bucket": BUCKET, "app_id": "app", "app_secret": TOKEN}
    arn = cloud.client("secretsmanager").create_secret(Name="collector", SecretString=json.dumps(secret))["ARN"]
    stacks.deploy(cloud, package, STACK, {"SecretArn": arn, "BucketName": BUCKET, "SchedulesState": "DISABLED"})
    cloud.client("s3").delete_bucket_policy(Bucket=BUCKET)  # TLS only, and the emulator speaks plain HTTP
    stack = SimpleNamespace(cloud=cloud, api=api, arn=arn, package=package)
    store_configuration(stack)
    switch_on(stack, ConfigObject=f"{BUCKET}/{SETTINGS}")
    return stack


def store_configuration(stack, change=lambda text: text) -> None:
    written = (template.ROOT / "configure.ini").read_text().replace("https://graph.facebook.com", stack.api.address)
    stack.cloud.client("s3").put_object(Bucket=BUCKET, Key=SETTINGS, Body=change(written))


def switch_on(stack, **parameters: str) -> None:
    stacks.deploy(stack.cloud, stack.package, STACK, parameters)


def invoke(stack, event: dict) -> dict:
    response = stack.cloud.client("lambda").invoke(FunctionName=STACK, Payload=json.dumps(event))
    return json.loads(response["Payload"].read())


def lines(stack, since: float) -> list[dict]:
    pages = stack.cloud.client("logs").get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{STACK}", startTime=int(since * 1000))
    return [json.loads(e["message"]) for page in pages for e in page["events"] if e["message"].startswith("{")]


def stored(stack, prefix: str) -> list[str]:
    return [o["Key"] for o in stack.cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def test_a_configuration_in_s3_is_followed_without_a_deployment(stack):
    def profiles() -> int:
        return invoke(stack, {"job": "brand_media"})["summary"]["files"][0]["records"]

    assert profiles() == 11
    store_configuration(stack, lambda text: text.replace("hermes chanelofficial dior", "hermes dior"))
    assert profiles() == 10


def test_a_configuration_in_s3_that_breaks_is_critical_and_the_last_good_one_is_used(stack):
    since = time.time()
    store_configuration(stack, lambda text: text.replace("[topic]", "[topics]"))
    response = invoke(stack, {"job": "brand_media"})
    assert response["statusCode"] == 200, response
    critical = [line for line in lines(stack, since) if line["level"] == "CRITICAL"]
    assert critical and {line["kind"] for line in critical} == {"config"} and all(line["requestId"] for line in critical)
    store_configuration(stack)


def test_responses_are_kept_only_if_the_option_permits_it(stack):
    location = "answers_location = answers/{job}_{ymd}/{job}_{datetime}.jsonl.gz"
    store_configuration(stack, lambda text: text.replace("[common]", f"[common]\n{location}"))
    since = time.time()
    assert invoke(stack, {"job": "brand_media"})["statusCode"] == 200
    assert any("the responses are not kept" in line["message"] for line in lines(stack, since))
    switch_on(stack, KeepResponses="on")
    assert invoke(stack, {"job": "brand_media"})["statusCode"] == 200
    (key,) = stored(stack, "answers/brand_media_")
    assert key.endswith(".jsonl.gz")
    store_configuration(stack)


def test_a_token_near_its_end_is_renewed_only_if_the_option_permits_it(stack):
    secrets = stack.cloud.client("secretsmanager")

    def token() -> str:
        return json.loads(secrets.get_secret_value(SecretId=stack.arn)["SecretString"])["access_token"]

    before = token()
    assert "renewal" not in invoke(stack, {"job": "token"})["summary"]["token"] and token() == before
    switch_on(stack, TokenRenewal="on")
    renewed = invoke(stack, {"job": "token"})["summary"]["token"]
    assert renewed["renewal"]["end"] == "renewed" and before != token() == RENEWED, json.dumps(renewed)


def test_an_object_is_an_event_and_the_end_of_a_run_has_somewhere_to_go(stack):
    sqs, events, functions = (stack.cloud.client(name) for name in ("sqs", "events", "lambda"))
    url = sqs.create_queue(QueueName="loads")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [BUCKET]}}}
    events.put_rule(Name="loads", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="loads", Targets=[{"Id": "queue", "Arn": arn}])
    invoke(stack, {"job": "brand_media", "accounts": ["dior"]})
    assert not sqs.receive_message(QueueUrl=url).get("Messages"), "the option is off"
    switch_on(stack, Events="on")
    to = functions.get_function_event_invoke_config(FunctionName=STACK, Qualifier="$LATEST")["DestinationConfig"]["OnSuccess"]
    assert to["Destination"].endswith(":event-bus/default")
    invoke(stack, {"job": "brand_media", "accounts": ["dior"]})
    (message, *_) = wait_for("an event", lambda: sqs.receive_message(QueueUrl=url).get("Messages"), SECONDS)
    assert json.loads(message["Body"])["detail"]["object"]["key"].startswith(("raw/", "quality/"))


def test_the_rule_of_the_page_starts_a_load_for_the_run_of_its_job(stack):
    """The emulator sends no event for an invocation that succeeded: the test sends what Lambda would."""
    sqs, events = stack.cloud.client("sqs"), stack.cloud.client("events")
    url = sqs.create_queue(QueueName="runs")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    (pattern,) = re.findall(r"--event-pattern '(.+?)'", (template.ROOT / "docs" / "operations.md").read_text(), re.DOTALL)
    function = stack.cloud.client("lambda").get_function_configuration(FunctionName=STACK)["FunctionArn"]
    events.put_rule(Name="runs", EventPattern=pattern.replace("FUNCTION_ARN", function))
    events.put_targets(Rule="runs", Targets=[{"Id": "queue", "Arn": queue}])
    for job in ("token", "brand_media"):
        event = {"job": job, "time": "2026-01-30T05:00:00Z"}
        detail = {"requestContext": {"functionArn": f"{function}:$LATEST"}, "requestPayload": event, "responsePayload": invoke(stack, event)}
        events.put_events(Entries=[
            {"Source": "lambda", "DetailType": "Lambda Function Invocation Result - Success", "Detail": json.dumps(detail)}])
    (message,) = wait_for("the event", lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"), SECONDS)
    summary = json.loads(message["Body"])["detail"]["responsePayload"]["summary"]
    assert [f["key"] for f in summary["files"]] == [f"raw/{m}_2026-01-30/{m}_2026-01-30_050000.json" for m in ("brand", "media")]
    assert summary["failures"] == [] and not sqs.receive_message(QueueUrl=url).get("Messages"), "a run of token loads nothing"


def test_the_other_options_change_what_they_name(stack):
    key = "arn:aws:kms:eu-west-1:000000000000:key/1234abcd"
    switch_on(stack, Dashboard="on", RawDays="365", LogLevel="DEBUG", AlarmEmail="someone@example.com", KeyArns=key)
    ids = stacks.ids(stack.cloud, STACK)
    assert stack.cloud.client("cloudwatch").get_dashboard(DashboardName=f"{STACK}-eu-west-1")["DashboardBody"]
    statements = stack.cloud.client("iam").get_role_policy(RoleName=ids["CollectorRole"], PolicyName="collector")["PolicyDocument"]["Statement"]
    assert [s["Resource"] for s in statements if s["Sid"] == "UseTheKeys"] == [[key]]
    since = time.time()
    invoke(stack, {"job": "brand_media", "accounts": ["dior"]})
    assert any(line["level"] == "DEBUG" for line in lines(stack, since))
