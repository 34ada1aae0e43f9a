"""Deploying as docs/operations.md says: by deploy.sh from the folder of a release, by a person and by the role that GitHub's
runs get. The emulator holds each role to its policies."""

import base64
import json
import re
import subprocess
import tarfile
from types import SimpleNamespace

import boto3
import pytest
import stacks
import template
from botocore.exceptions import ClientError
from conftest import configuration
from emulator import REGION, Emulator, wait_for
from graph_api import TOKEN, USER_ID, GraphApi

STACK = "luxury-brands-data-collector"
BUCKET, TAKEN = "deployed-snapshots", "taken"
ACCOUNT, OTHER_ACCOUNT = "000000000000", "111111111111"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
# The two forms of a repository in the subject of GitHub's token.
REPOSITORIES = ["owner/repository", "owner@12/repository@345"]


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """An account with a secret, a bucket of somebody's and the roles for GitHub, and the archive of a release, unpacked."""
    folder = tmp_path_factory.mktemp("deploy")
    with tarfile.open(f"{template.PACKAGE}.tar.gz") as archive:
        archive.extractall(folder / "release", filter="data")
    package = folder / "release" / template.PACKAGE.name
    release = template.emulated(package, folder)
    broken = template.emulated(package, folder / "broken", {"ThrottledLines": {"LogGroupName": "nothing"}})
    cloud = Emulator(folder)
    try:
        with GraphApi() as api:
            secret = {"ig_user_id": USER_ID, "access_token": TOKEN, "bucket": BUCKET, "config_file": str(configuration(folder, api))}
            arn = cloud.client("secretsmanager").create_secret(Name="collector", SecretString=json.dumps(secret))["ARN"]
            cloud.client("s3").create_bucket(Bucket=TAKEN, CreateBucketConfiguration={"LocationConstraint": REGION})
            roles = [with_roles(cloud, n, repository, arn) for n, repository in enumerate(REPOSITORIES)]
            yield SimpleNamespace(cloud=cloud, release=release, broken=broken, arn=arn, roles=roles)
    finally:
        cloud.stop()


def with_roles(cloud, n: int, repository: str, secret: str) -> dict[str, str]:
    """The outputs of deploy/deploy-role.yaml for a repository; the first is that of the stack under its default name."""
    service = f"other-{n}" if n else STACK
    given = {"Repository": repository, "BucketName": BUCKET, "ProviderArn": PROVIDER, "SecretArns": secret, "Service": service}
    formation, stack = cloud.client("cloudformation"), f"{service}-deploy-role"
    formation.create_stack(
        StackName=stack, TemplateBody=(template.ROOT / "deploy" / "deploy-role.yaml").read_text(), Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()])
    formation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    return {o["OutputKey"]: o["OutputValue"] for o in formation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]}


def on_the_page(section: str, beginning: str) -> list[list[str]]:
    """The commands of a section of docs/operations.md that begin so, with the test's names in place of the page's."""
    text = (template.ROOT / "docs" / "operations.md").read_text().partition(f"\n{section}\n")[2].partition("\n## ")[0]
    for name, value in {"BUCKET": BUCKET, "ADDRESS": "someone@example.com", "ACCOUNT": ACCOUNT, "REGION": REGION}.items():
        text = re.sub(rf"\b{name}\b", value, text)
    return [line.split() for line in re.findall(rf"^ +({re.escape(beginning)}.*)$", text, re.MULTILINE)]


def given(account, **parameters: str) -> list[str]:
    return [f"{name}={value}" for name, value in ({"SecretArn": account.arn, "BucketName": BUCKET} | parameters).items()]


def status(account, stack: str = STACK) -> str | None:
    try:
        return account.cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def variables(account) -> dict[str, str]:
    return account.cloud.client("lambda").get_function_configuration(FunctionName=STACK)["Environment"]["Variables"]


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize("arguments, variables, words", [
    (["--stack", "a" * 41], {}, "has 41 characters: the name of the stack begins with a letter and has at most 40"),
    (["--stack", "Collector"], {}, "at most 40 of a-z, 0-9 and hyphens"),
    (["BucketNam=x"], {}, "no parameter is named BucketNam; the parameters are SecretArn, BucketName, "),
    (["now"], {}, "expected PARAMETER=VALUE"),
    ([f"SecretArn=arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:collector-AbCdEf"], {}, "is in us-east-1, and the deployment is in eu-west-1"),
    ([f"BucketName={TAKEN}"], {}, "a bucket named taken exists"),
    (["CreateBucket=false"], {}, f"no bucket is named {BUCKET}"),
    ([f"BucketName={TAKEN}", "CreateBucket=false"], {"AWS_ACCESS_KEY_ID": OTHER_ACCOUNT}, "the bucket taken belongs to another account"),
    ([f"BucketName={TAKEN}", "CreateBucket=false", "Events=on"], {}, "Events=on and CreateBucket=false exclude each other"),
    ([f"BucketName={TAKEN}", "CreateBucket=false", "RawDays=30"], {}, "RawDays and CreateBucket=false exclude each other"),
    ([], {"AWS_DEFAULT_REGION": ""}, "no region is set"),
    ([], {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}, "AWS does not accept the credentials"),
    ([], {"PATH": "/usr/bin:/bin"}, "the AWS CLI is missing or too old"),
])
def test_what_cannot_work_is_refused_before_anything_is_created(account, arguments, variables, words):
    named = {each.partition("=")[0] for each in arguments}
    rest = [each for each in given(account) if each.partition("=")[0] not in named]
    done = stacks.run(account.cloud, account.release, *rest, *arguments, **variables)
    assert done.returncode != 0 and words in done.stderr, done.stdout + done.stderr
    assert status(account) is None


@pytest.mark.parametrize("repository, is_taken", [
    *((each, True) for each in REPOSITORIES), ("owner", False), ("owner/repository@345", False), ("https://github.com/owner/repository", False),
])
def test_a_repository_is_taken_in_both_forms_and_in_no_other(repository, is_taken):
    pattern = template.load(template.ROOT / "deploy" / "deploy-role.yaml")["Parameters"]["Repository"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, repository)) == is_taken


# ---------------------------------------------------------------- by a person


def test_a_first_deployment_that_fails_leaves_nothing_and_says_why(account):
    done = stacks.run(account.cloud, account.broken, *given(account))
    assert done.returncode == 1 and re.search("ThrottledLines: .*log group", done.stderr), done.stdout + done.stderr
    assert status(account) is None
    assert BUCKET not in [b["Name"] for b in account.cloud.client("s3").list_buckets()["Buckets"]]


def test_a_stack_that_cannot_be_updated_is_refused_with_the_way_out(account):
    left = {"Resources": {"Filter": {"Type": "AWS::Logs::MetricFilter", "Properties": {
        "LogGroupName": "nothing", "FilterPattern": "x", "MetricTransformations": [{"MetricNamespace": "x", "MetricName": "x", "MetricValue": "1"}]}}}}
    account.cloud.client("cloudformation").create_stack(StackName="left", TemplateBody=json.dumps(left))
    wait_for("the end of the rollback", lambda: status(account, "left") == "ROLLBACK_COMPLETE")
    done = stacks.run(account.cloud, account.release, "--stack", "left", *given(account))
    assert done.returncode == 2 and "aws cloudformation delete-stack --stack-name left" in done.stderr, done.stderr
    account.cloud.client("cloudformation").delete_stack(StackName="left")


def test_one_command_deploys_and_a_second_one_changes_an_option(account):
    ((_, *arguments),) = on_the_page("## Deploying", "./deploy.sh")
    done = stacks.run(account.cloud, account.release, *(each.replace("=ARN", f"={account.arn}") for each in arguments))
    assert done.returncode == 0 and f"FunctionName\t{STACK}\n" in done.stdout, done.stdout + done.stderr
    assert variables(account)["LOG_LEVEL"] == "INFO"
    stacks.deploy(account.cloud, account.release, STACK, {"LogLevel": "DEBUG"})
    assert variables(account)["LOG_LEVEL"] == "DEBUG" and variables(account)["SECRET_ID"] == account.arn


def test_an_update_that_fails_leaves_everything_as_it_was(account):
    done = stacks.run(account.cloud, account.broken, "LogLevel=INFO")
    assert done.returncode == 1 and "ThrottledLines: " in done.stderr and "the stack is UPDATE_ROLLBACK_COMPLETE" in done.stderr, done.stderr
    assert variables(account)["LOG_LEVEL"] == "DEBUG"
    refused = stacks.run(account.cloud, account.release, "AlarmEmail=nobody")
    assert refused.returncode == 1 and "'AlarmEmail'" in refused.stderr and "ThrottledLines" not in refused.stderr, refused.stderr


# ---------------------------------------------------------------- from GitHub


def token(subject: str) -> str:
    """GitHub's token of a run, unsigned: the emulator reads its claims and checks no signature."""
    claims = {"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": subject}
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, claims)]
    return ".".join([*encoded, "unsigned"])


def assumed(account, subject: str = f"repo:{REPOSITORIES[0]}:environment:production", n: int = 0) -> dict:
    answer = account.cloud.client("sts").assume_role_with_web_identity(
        RoleArn=account.roles[n]["DeployRoleArn"], RoleSessionName="github", WebIdentityToken=token(subject))
    return answer["Credentials"]


def from_github(account, *arguments: str):
    """Runs what the workflow runs, with the credentials that its role gets."""
    role = assumed(account)
    return stacks.run(
        account.cloud, account.release, "--try", "--role-arn", account.roles[0]["MakerRoleArn"],
        f"PermissionsBoundary={account.roles[0]['BoundaryArn']}", *given(account), *arguments,
        AWS_ACCESS_KEY_ID=role["AccessKeyId"], AWS_SECRET_ACCESS_KEY=role["SecretAccessKey"], AWS_SESSION_TOKEN=role["SessionToken"])


def test_the_role_of_github_deploys_and_tries_the_function(account):
    done = from_github(account, "Dashboard=on", "AlarmEmail=someone@example.com")
    assert done.returncode == 0, done.stdout + done.stderr
    assert status(account) == "UPDATE_COMPLETE"


def test_a_deployment_whose_function_fails_is_taken_back(account):
    done = from_github(account, f"SecretArn={account.arn[:-6]}AbCdEf")
    assert done.returncode == 1 and '"errorType": "secret"' in done.stderr and "the previous deployment is restored" in done.stderr, done.stderr
    assert variables(account)["SECRET_ID"] == account.arn and status(account) == "UPDATE_COMPLETE"


@pytest.mark.parametrize("n, repository", list(enumerate(REPOSITORIES)))
def test_only_runs_of_the_environment_of_the_repository_get_the_role(account, n, repository):
    assert assumed(account, f"repo:{repository}:environment:production", n)
    for subject in ("repo:owner/other:environment:production", f"repo:{repository}:environment:staging", f"repo:{repository}:ref:refs/heads/main"):
        with pytest.raises(ClientError, match="AccessDenied"):
            assumed(account, subject, n)


def test_the_role_of_github_can_touch_nothing_else(account):
    done = from_github(account, "--stack", "other")
    assert done.returncode == 2 and "not authorized to perform: cloudformation:DescribeStacks" in done.stderr, done.stderr
    role = assumed(account)

    def client(service: str):
        return boto3.client(service, endpoint_url=account.cloud.endpoint, region_name=REGION, aws_access_key_id=role["AccessKeyId"],
                            aws_secret_access_key=role["SecretAccessKey"], aws_session_token=role["SessionToken"])

    for refused in (
        lambda: client("secretsmanager").get_secret_value(SecretId=account.arn),
        lambda: client("s3").list_objects_v2(Bucket=BUCKET),
        lambda: client("iam").create_role(RoleName="mine", AssumeRolePolicyDocument="{}"),
        lambda: client("lambda").update_function_configuration(FunctionName=STACK),
        lambda: client("cloudformation").delete_stack(StackName=f"{STACK}-deploy-role"),
    ):
        with pytest.raises(ClientError, match="AccessDenied|not authorized"):
            refused()


# ---------------------------------------------------------------- the end


def test_the_commands_of_the_page_remove_everything(account):
    def typed(*command: str) -> None:
        done = subprocess.run(command, env=account.cloud.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    formation, s3 = account.cloud.client("cloudformation"), account.cloud.client("s3")
    commands = on_the_page("## Removing everything", "aws cloudformation delete-stack")
    for command in commands:
        typed(*command)
        formation.get_waiter("stack_delete_complete").wait(StackName=command[-1], WaiterConfig={"Delay": 1})
    assert [s["StackName"] for s in formation.describe_stacks()["Stacks"]] == ["other-1-deploy-role"]
    packages = f"luxury-brands-packages-{ACCOUNT}-{REGION}"
    assert sorted(b["Name"] for b in s3.list_buckets()["Buckets"]) == [BUCKET, packages, TAKEN]
    assert account.cloud.client("logs").describe_log_groups()["logGroups"] == []
    s3.delete_bucket_policy(Bucket=BUCKET)  # TLS only, and the emulator speaks plain HTTP
    for command in on_the_page("## Removing everything", "aws s3 rb"):
        typed(*command)
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == [TAKEN]
