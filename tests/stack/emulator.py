"""MiniStack: starts it on loopback, waits for it, and ends it by its process id."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

REGION = "eu-west-1"
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what: str, found, seconds: float = 30):
    """What `found` returns once it is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.25)
    raise AssertionError(f"{what}: not within {seconds} s")


class Emulator:
    """An emulated AWS account, empty at first, that enforces the policies of roles."""

    def __init__(self, folder: Path, program: tuple = ("ministack",)):
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log_file = folder / "ministack.log"
        # What a person would have set; a real account's credentials must not get here. The emulator has
        # it too and hands the address on to the functions, whose own variables stay the template's.
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "NO_PROXY": "127.0.0.1",
            # The AWS CLI of requirements.txt.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        server = {
            "GATEWAY_PORT": str(port), "MINISTACK_REGION": REGION, "PERSIST_STATE": "0", "S3_DATA_DIR": str(folder / "s3"),
            # Without BIND_HOST it listens on every interface, and its MQTT broker does so even with it.
            "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
            # Roles may do what their policies say, and no more.
            "AUTH": "true",
            # Lambda waits a minute before it repeats a failed run.
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",
        }
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name(program[0]), *program[1:]], cwd=folder, env=self.env | server,
            stdin=subprocess.DEVNULL, stdout=self.log_file.open("wb"), stderr=subprocess.STDOUT)
        wait_for("the emulator's start", self.is_up, START_SECONDS)

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log_file.read_text()
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/ready", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def client(self, service: str):
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id="test",
            aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}, proxies={}))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
