"""The package, the emulated account and the stack in it, each made once."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import stacks  # noqa: E402
import template  # noqa: E402
from emulator import Emulator  # noqa: E402
from graph_api import TOKEN, USER_ID, GraphApi  # noqa: E402

STACK = "collector"
BUCKET = "snapshots"
SECRET = "luxury-brands-data-collector"


def configuration(folder: Path, api: GraphApi) -> Path:
    """The project's own configure.ini with the stand-in's address for the API's."""
    path = folder / "configure.ini"
    written = (template.ROOT / "configure.ini").read_text()
    assert "https://graph.facebook.com" in written
    path.write_text(written.replace("https://graph.facebook.com", api.address))
    return path


@pytest.fixture(scope="session")
def package() -> Path:
    """The folder of the collector that `sam build` made for this machine's processor; `.ci/stack` makes it."""
    folder = template.BUILT / "CollectorFunction"
    assert (folder / "bootstrap").exists(), "no package: run `bash .ci/stack`"
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
def stack(cloud, api, package, tmp_path_factory):
    """The stack, deployed by `sam deploy` from the built template, with hashtags every minute."""
    config = configuration(tmp_path_factory.mktemp("config"), api)
    secret = {"ig_user_id": USER_ID, "access_token": TOKEN, "bucket": BUCKET}
    collecting = secret | {"config_file": str(config)}
    arn = cloud.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(collecting))["ARN"]
    parameters = {"SecretArn": arn, "BucketName": BUCKET, "AlarmEmail": "someone@example.com"}
    stacks.deploy(cloud, template.emulated({"Hashtag": {"Schedule": "cron(0/1 * * * ? *)"}}), STACK, parameters)
    ids = stacks.ids(cloud, STACK)
    tls_only = lift_tls_only(cloud, ids["CollectorFunction"])
    return SimpleNamespace(cloud=cloud, api=api, secret=secret, collecting=collecting, ids=ids, arn=arn, tls_only=tls_only)
