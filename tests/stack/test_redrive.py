"""`luxury-brands redrive` on the deployed stack: an event that really failed, in the queue that Lambda put it into."""

import json
import os
import subprocess
import time
from pathlib import Path

import template
from conftest import BUCKET, SECRET
from emulator import wait_for

LOCAL = Path(os.environ.get("CARGO_TARGET_DIR", template.ROOT / "target")) / "debug" / "local"
SECONDS = 30


def redrive(stack, *arguments: str) -> tuple[int, list[str]]:
    """The exit code and the lines. The queue is looked up in the function's own configuration."""
    done = subprocess.run(
        [LOCAL, "redrive", "--function", stack.ids["CollectorFunction"], *arguments], env=stack.cloud.env,
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines() + done.stderr.splitlines()


def waiting(stack) -> int:
    asked = stack.cloud.client("sqs").get_queue_attributes(
        QueueUrl=stack.ids["FailureQueue"], AttributeNames=["ApproximateNumberOfMessages"])
    return int(asked["Attributes"]["ApproximateNumberOfMessages"])


def use_secret(stack, name: str) -> None:
    functions, function = stack.cloud.client("lambda"), stack.ids["CollectorFunction"]
    now = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": now | {"SECRET_ID": name}})


def test_an_event_that_failed_is_run_again_when_its_cause_is_mended(stack):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    event = {"job": "brand_media", "time": at}
    stamp = at[:10] + "_" + at[11:19].replace(":", "")
    is_of_event = lambda line: f"brand_media  {at}" in line  # noqa: E731
    use_secret(stack, "nothing-of-that-name")
    functions = stack.cloud.client("lambda")
    # Twice, as a schedule may deliver it.
    for _ in range(2):
        functions.invoke(FunctionName=stack.ids["CollectorFunction"], InvocationType="Event", Payload=json.dumps(event))
    try:
        wait_for("the failed events", lambda: waiting(stack) >= 2, SECONDS)
        code, lines = redrive(stack, "--dry-run")
        listed = [*filter(is_of_event, lines)]
        assert code == 0 and len(listed) == 1, lines
        assert listed[0].startswith("wait") and "in 2 messages, secret: " in listed[0], lines
        code, lines = redrive(stack)
        assert code == 1 and any(line.startswith("FAIL") and "-> secret: " in line for line in lines), lines
        assert waiting(stack) >= 2, "what failed again is given back"
    finally:
        use_secret(stack, SECRET)
    code, lines = redrive(stack)
    ran = [*filter(is_of_event, lines)]
    assert code == 0 and len(ran) == 1 and ran[0].startswith("ok"), lines
    found = stack.cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"raw/brand_{at[:10]}/brand_{stamp}")
    assert found["KeyCount"] == 1
    # A scheduled run may have failed meanwhile, whose event has another time.
    code, lines = redrive(stack, "--dry-run")
    assert code == 0 and not any(map(is_of_event, lines)), lines
    stack.cloud.client("sqs").purge_queue(QueueUrl=stack.ids["FailureQueue"])
