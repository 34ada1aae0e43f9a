"""Deploys the built stack, tries the function and watches its alarms. If one of these checks fails, it restores the
previous deployment.

    python .github/deploy.py STACK [PARAMETER=VALUE ...]

Reads AWS's own variables, and AWS_MAKER_ROLE, the role that CloudFormation works with (deploy/deploy-role.yaml), and
WATCH_MINUTES, 10 by default. Parameters that are not given keep their values.
"""

import json
import os
import subprocess
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# What a package or a setting can be at fault for; throttling and a token near its end cannot be mended by another.
ALARMS = ("PageAlarm", "ErrorsAlarm", "DurationAlarm")
POLL_SECONDS = 20


def client(service: str):
    return boto3.client(service, config=Config(read_timeout=300, retries={"max_attempts": 3}))


def before(stack: str) -> dict | None:
    """The deployment that stands, to put back; none on the first one."""
    formation = client("cloudformation")
    try:
        found = formation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    template = formation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    body = template if isinstance(template, str) else json.dumps(template)
    values = [{"ParameterKey": p["ParameterKey"], "ParameterValue": p["ParameterValue"]} for p in found.get("Parameters", [])]
    return {"TemplateBody": body, "Parameters": values}


def deploy(stack: str, parameters: list[str]) -> bool:
    role = os.environ.get("AWS_MAKER_ROLE")
    command = ["sam", "deploy", "--config-file", os.path.abspath("samconfig.example.toml"), "--stack-name", stack,
               "--no-confirm-changeset", *(["--role-arn", role] if role else []),
               *(["--template-file", os.environ["TEMPLATE"]] if "TEMPLATE" in os.environ else []),
               *(["--parameter-overrides", *parameters] if parameters else [])]
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


def trouble(stack: str) -> str | None:
    """What the function says to the job `token`, where that is the deployment's fault."""
    outputs = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    name = next(o["OutputValue"] for o in outputs if o["OutputKey"] == "FunctionName")
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps({"job": "token"}))
    told = json.loads(answer["Payload"].read())
    if "FunctionError" not in answer:
        print(f"the function answers: {told.get('body')}")
        return None
    kind = told.get("errorType")
    if kind == "nothing_collected":
        print(f"the function runs, and the API gave it nothing: {told.get('errorMessage')}")
        return None
    return f"the function fails with {kind}: {told.get('errorMessage')}"


def on(stack: str) -> set[str]:
    """The alarms that are on."""
    names = [f"{stack}-{name}" for name in ALARMS]
    kinds = ["MetricAlarm", "CompositeAlarm"]
    found = client("cloudwatch").describe_alarms(AlarmNames=names, AlarmTypes=kinds, StateValue="ALARM")
    return {alarm["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for alarm in found.get(kind, [])}


def watch(stack: str, known: set[str]) -> str | None:
    """The first alarm that goes off while the deployment is new."""
    end = time.monotonic() + 60 * float(os.environ.get("WATCH_MINUTES", "10"))
    while True:
        if new := on(stack) - known:
            return f"{', '.join(sorted(new))} went off"
        if time.monotonic() >= end:
            return None
        time.sleep(POLL_SECONDS)


def put_back(stack: str, previous: dict) -> None:
    role = os.environ.get("AWS_MAKER_ROLE")
    formation = client("cloudformation")
    formation.update_stack(StackName=stack, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"], **previous,
                           **({"RoleARN": role} if role else {}))
    formation.get_waiter("stack_update_complete").wait(StackName=stack)


def main(stack: str, parameters: list[str]) -> int:
    previous, known = before(stack), on(stack)
    if not deploy(stack, parameters):
        return 1
    why = trouble(stack) or watch(stack, known)
    if why is None:
        return 0
    print(why, file=sys.stderr)
    if previous is None:
        print("it is the first deployment: it stays, and its schedules run", file=sys.stderr)
    else:
        put_back(stack, previous)
        print("the deployment before it is back", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
