"""The emulator's S3 as a store of the terminal, by the standard variables and a profile."""

import os
import subprocess

from emulator import REGION
from sandbox import LUXURY_BRANDS, Sandbox
from template import ROOT

BUCKET = "a-store"


def test_an_endpoint_in_a_services_section_is_used_without_checksums(cloud, tmp_path):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    api = Sandbox(tmp_path)
    try:
        written = (ROOT / "configure.ini").read_text()
        (tmp_path / "configure.ini").write_text(written.replace("https://graph.facebook.com", api.address))
        (tmp_path / "secret.ini").write_text(
            f"[SECRET]\nig_user_id = 17841400000000000\naccess_token = placeholder-of-a-token\nbucket = {BUCKET}\n")
        # A host name: the SDK addresses an IP path-style by itself.
        end_point = cloud.endpoint.replace("127.0.0.1", "localhost")
        (tmp_path / "profile").write_text(
            f"[default]\nregion = {REGION}\nservices = local\naws_access_key_id = test\naws_secret_access_key = test\n"
            f"[services local]\ns3 =\n  endpoint_url = {end_point}\n")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
            "SECRET_FILE": "secret.ini", "AWS_CONFIG_FILE": "profile", "HOME": str(tmp_path),
            "NO_PROXY": "127.0.0.1,localhost", "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }
        run = subprocess.run([LUXURY_BRANDS, "brand_media"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    finally:
        api.stop()
    assert run.returncode == 0, run.stderr
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert sorted(key.split("/")[0] for key in keys) == ["quality", "quality", "raw", "raw"], keys
