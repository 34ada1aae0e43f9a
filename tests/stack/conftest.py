"""The package, the emulated account and the stack in it, each made once."""

import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import stacks  # noqa: E402
import template  # noqa: E402
from emulator import Emulator  # noqa: E402
from graph_api import TOKEN, USER_ID, GraphApi  # noqa: E402
from runtime_api import Process  # noqa: E402

STACK = "collector"
BUCKET = "snapshots"
SECRET = "luxury-brands-data-collector"


def configuration(folder: Path, api: GraphApi) -> Path:
    """The project's own configure.ini with the mock's address instead of the API's."""
    path = folder / "configure.ini"
    written = (template.ROOT / "configure.ini").read_text()
    assert "https://graph.facebook.com" in written
    path.write_text(written.replace("https://graph.facebook.com", api.address))
    return path


def process(package: Path, folder: Path, config_file: Path | str, bucket: str = "local_env", **environment: str) -> Process:
    """A process of the program outside the emulator."""
    secret = folder / "secret.ini"
    secret.write_text(f"[SECRET]\nig_user_id={USER_ID}\naccess_token={TOKEN}\nbucket={bucket}\nconfig_file={config_file}\n")
    return Process(package / "bootstrap", folder, {"SECRET_FILE": str(secret), "SERVICE": STACK, **environment})


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """A folder with the program of the package."""
    assert template.PACKAGE.exists(), "no package: run `bash .ci/stack`"
    folder = tmp_path_factory.mktemp("package")
    program = zipfile.ZipFile(template.PACKAGE / "bootstrap.zip").extract("bootstrap", folder)
    Path(program).chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def api():
    with GraphApi() as api:
        yield api


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    cloud = Emulator(tmp_path_factory.mktemp("ministack"))
    yield cloud
    cloud.stop()


def lift_tls_only(cloud, function: str) -> tuple[dict, list[dict]]:
    """Shows that the bucket refuses plain HTTP, which is what the emulator speaks, and then takes away
    the policy that refuses it, so that the rest can be shown as well. Returns the refused run's answer
    and the policy's statements."""
    event = json.dumps({"job": "brand_media", "accounts": ["hermes"]})
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=event)["Payload"].read()
    s3 = cloud.client("s3")
    policy = s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    s3.delete_bucket_policy(Bucket=BUCKET)
    return json.loads(answer), json.loads(policy)["Statement"]


@pytest.fixture(scope="session")
def stack(cloud, api, tmp_path_factory):
    """The stack, deployed from its package, with hashtags every minute."""
    config = configuration(tmp_path_factory.mktemp("config"), api)
    secret = {"ig_user_id": USER_ID, "access_token": TOKEN, "bucket": BUCKET}
    collecting = secret | {"config_file": str(config)}
    arn = cloud.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(collecting))["ARN"]
    parameters = {"SecretArn": arn, "BucketName": BUCKET, "AlarmEmail": "someone@example.com"}
    every_minute = {"HashtagSchedule": {"ScheduleExpression": "cron(0/1 * * * ? *)"}}
    stacks.deploy(cloud, template.emulated(template.PACKAGE, tmp_path_factory.mktemp("deployed"), every_minute), STACK, parameters)
    ids = stacks.ids(cloud, STACK)
    tls_only = lift_tls_only(cloud, ids["CollectorFunction"])
    return SimpleNamespace(cloud=cloud, api=api, secret=secret, collecting=collecting, ids=ids, arn=arn, tls_only=tls_only)
