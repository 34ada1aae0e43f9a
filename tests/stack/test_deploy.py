"""The way from GitHub: deploy/deploy-role.yaml and .github/deploy.py, with the role's own credentials, which the emulator
holds to their policies; and what a deployment that fails leaves behind."""

import base64
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import boto3
import pytest
import stacks
import template
from botocore.exceptions import ClientError
from conftest import configuration
from emulator import Emulator
from graph_api import TOKEN, USER_ID, GraphApi

STACK = "luxury-brands-data-collector"
BUCKET, TAKEN = "deployed-snapshots", "taken"
PROVIDER = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"


@pytest.fixture(scope="module")
def account(package, tmp_path_factory):
    """An account with the roles, the secret and a bucket of somebody's."""
    folder = tmp_path_factory.mktemp("deploy")
    cloud = Emulator(folder)
    try:
        with GraphApi() as api:
            secret = {"ig_user_id": USER_ID, "access_token": TOKEN, "bucket": BUCKET, "config_file": str(configuration(folder, api))}
            arn = cloud.client("secretsmanager").create_secret(Name="collector", SecretString=json.dumps(secret))["ARN"]
            cloud.client("s3").create_bucket(Bucket=TAKEN, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            given = {"Repository": "owner/repository", "BucketName": BUCKET, "ProviderArn": PROVIDER}
            formation = cloud.client("cloudformation")
            formation.create_stack(
                StackName="deploy-role", TemplateBody=(template.ROOT / "deploy" / "deploy-role.yaml").read_text(), Capabilities=["CAPABILITY_NAMED_IAM"],
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()])
            formation.get_waiter("stack_create_complete").wait(StackName="deploy-role", WaiterConfig={"Delay": 1})
            outputs = formation.describe_stacks(StackName="deploy-role")["Stacks"][0]["Outputs"]
            roles = {o["OutputKey"]: o["OutputValue"] for o in outputs}
            yield SimpleNamespace(cloud=cloud, arn=arn, roles=roles, built=template.emulated())
    finally:
        cloud.stop()


def as_typed(account, folder, *arguments: str, answers: tuple[str, ...] = ()) -> str:
    """What `sam deploy` tells in a folder that is like the project's after `cp` and `sam build`; the build itself is
    `.ci/stack`'s."""
    if not (folder / "samconfig.toml").exists():
        shutil.copy(template.ROOT / "samconfig.example.toml", folder / "samconfig.toml")
        shutil.copytree(template.BUILT, folder / ".aws-sam" / "build")
        shutil.copy(account.built, folder / ".aws-sam" / "build" / "template.yaml")
    confirmed = "" if arguments else "--no-confirm-changeset"
    done = subprocess.run([f"{sys.prefix}/bin/sam", "deploy", *arguments, *confirmed.split()], cwd=folder, env=account.cloud.env,
                          input="".join(f"{answer}\n" for answer in answers), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout + done.stderr


def status(account) -> str | None:
    try:
        return account.cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def secret_of_the_function(account) -> str:
    name = stacks.ids(account.cloud, STACK)["CollectorFunction"]
    return account.cloud.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]["SECRET_ID"]


def token(subject: str) -> str:
    """What GitHub says of a run, unsigned: the emulator reads its claims and checks no signature."""
    claims = {"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": subject}
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, claims)]
    return ".".join([*encoded, "unsigned"])


def assumed(account, subject: str = "repo:owner/repository:environment:production") -> dict:
    role = account.roles["DeployRoleArn"]
    answer = account.cloud.client("sts").assume_role_with_web_identity(RoleArn=role, RoleSessionName="github", WebIdentityToken=token(subject))
    return answer["Credentials"]


def from_github(account, *parameters: str) -> subprocess.CompletedProcess:
    """Runs what the workflow runs, with the credentials that its role gets."""
    role, s3 = assumed(account), account.cloud.client("s3")
    for bucket in (b["Name"] for b in s3.list_buckets()["Buckets"] if "samcli" in b["Name"]):
        s3.delete_bucket_policy(Bucket=bucket)  # TLS only, and the emulator speaks plain HTTP
    own = {"AWS_ACCESS_KEY_ID": role["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
           "AWS_SESSION_TOKEN": role["SessionToken"], "AWS_MAKER_ROLE": account.roles["MakerRoleArn"],
           "WATCH_MINUTES": "0", "TEMPLATE": str(account.built), "PATH": f"{sys.prefix}/bin:/usr/bin:/bin"}
    return subprocess.run([sys.executable, ".github/deploy.py", STACK, *parameters], cwd=template.ROOT, env=account.cloud.env | own,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)


def test_a_first_deployment_that_fails_leaves_nothing_that_stops_the_second_by_the_page(account, tmp_path):
    with pytest.raises(AssertionError, match="(?i)bucket"):
        stacks.deploy(account.cloud, account.built, STACK, {"SecretArn": account.arn, "BucketName": TAKEN})
    assert status(account) is None
    told = as_typed(account, tmp_path, "--guided", answers=("", "", account.arn, BUCKET, *[""] * 12, "y"))
    assert status(account) == "CREATE_COMPLETE"
    asked = re.findall(r"Parameter (\w+) \[", told)
    assert sorted(asked) == sorted(template.collector()["Parameters"]) and len(asked) <= 8
    kept = (tmp_path / "samconfig.toml").read_text()
    assert account.arn in kept and f'stack_name = "{STACK}"' in kept
    # A later deployment asks for nothing.
    assert "No changes to deploy" in as_typed(account, tmp_path)


def test_the_role_of_github_deploys_and_tries_the_function(account):
    done = from_github(account, "AlarmEmail=someone@example.com")
    assert done.returncode == 0 and "the function answers: token" in done.stdout, done.stdout[-3000:] + done.stderr
    assert status(account) == "UPDATE_COMPLETE"


def test_a_deployment_whose_function_fails_is_taken_back(account):
    wrong = account.arn[:-6] + "AbCdEf"
    done = from_github(account, f"SecretArn={wrong}")
    assert done.returncode == 1 and "the function fails with secret" in done.stderr, done.stdout[-3000:] + done.stderr
    assert "the deployment before it is back" in done.stderr
    assert secret_of_the_function(account) == account.arn and status(account) == "UPDATE_COMPLETE"


def test_an_alarm_that_goes_off_takes_a_deployment_back_and_one_that_was_on_does_not(account, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NO_PROXY"):
        monkeypatch.setenv(name, account.cloud.env[name])
    monkeypatch.setenv("WATCH_MINUTES", "0")
    spec = importlib.util.spec_from_file_location("deploy", template.ROOT / ".github" / "deploy.py")
    deploy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(deploy)
    assert deploy.watch(STACK, set()) is None
    alarm = f"{STACK}-ErrorsAlarm"
    account.cloud.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    assert deploy.watch(STACK, set()) == f"{alarm} went off" and deploy.watch(STACK, {alarm}) is None
    alarms = template.of_type(template.observability(), "AWS::CloudWatch::Alarm") | template.of_type(template.observability(), "AWS::CloudWatch::CompositeAlarm")
    assert set(deploy.ALARMS) <= set(alarms)


@pytest.mark.parametrize("subject", [
    "repo:owner/other:environment:production", "repo:owner/repository:environment:staging", "repo:owner/repository:ref:refs/heads/main",
])
def test_no_other_run_of_github_gets_the_role(account, subject):
    with pytest.raises(ClientError, match="AccessDenied"):
        assumed(account, subject)


def test_the_role_of_github_can_touch_nothing_else(account):
    role = assumed(account)

    def client(service: str):
        return boto3.client(service, endpoint_url=account.cloud.endpoint, region_name="eu-west-1", aws_access_key_id=role["AccessKeyId"],
                            aws_secret_access_key=role["SecretAccessKey"], aws_session_token=role["SessionToken"])

    for refused in (
        lambda: client("secretsmanager").get_secret_value(SecretId=account.arn),
        lambda: client("s3").list_objects_v2(Bucket=BUCKET),
        lambda: client("iam").create_role(RoleName="mine", AssumeRolePolicyDocument="{}"),
        lambda: client("lambda").update_function_configuration(FunctionName=stacks.ids(account.cloud, STACK)["CollectorFunction"]),
        lambda: client("cloudformation").delete_stack(StackName="deploy-role"),
    ):
        with pytest.raises(ClientError, match="AccessDenied|not authorized"):
            refused()
