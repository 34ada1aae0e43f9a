"""Data as the collector stores it, made on its sandbox, for the consumers to load."""

import json
import os
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCAL = Path(os.environ.get("LOCAL_BINARY", ROOT / "target" / "debug" / "local")).resolve()
FORMATS = ["array", "ndjson"]
MODELS = ["brand", "media", "media_hashtag"]

# The last hour of one day and the first of the next: two folders a model.
HOURS = ["2026-11-23T23:00:00Z", "2026-11-24T00:00:00Z"]


@dataclass
class Collected:
    """A folder of collected data, and how to make statements for it."""

    folder: Path
    format: str

    def schema(self, engine: str, model: str | None = None) -> str:
        arguments = [LOCAL, "schema", *([model] if model else []), "--for", engine, "--from", self.folder / "sandbox_env"]
        return run(self.folder, *arguments)

    def statements(self, engine: str, model: str | None = None) -> list[str]:
        return statements(self.schema(engine, model))

    def objects(self, model: str) -> list[Path]:
        # By the day's first digit: `media_*` alone would find media_hashtag's too.
        return sorted((self.folder / "sandbox_env" / "raw").glob(f"{model}_2*/*.json"))

    def records(self, model: str) -> list[dict]:
        return [record for path in self.objects(model) for record in read(path, self.format)]


def read(path: Path, form: str) -> list[dict]:
    text = path.read_text(encoding="utf-8")
    if form == "array":
        assert "\n" not in text
        return json.loads(text)
    assert text.endswith("}\n")
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


def statements(script: str) -> list[str]:
    return [statement for statement in script.split(";\n") if statement.strip()]


def run(folder: Path, *arguments) -> str:
    done = subprocess.run([str(a) for a in arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def instant(record: dict) -> int:
    return int(datetime.strptime(record["timestamp"], "%Y-%m-%dT%H:%M:%S%z").timestamp())


def collect(folder: Path, form: str) -> Collected:
    configuration = (ROOT / "configure.ini").read_text(encoding="utf-8")
    given = configuration.replace("[common]", f"[common]\nformat = {form}")
    (folder / "configure.ini").write_text(given, encoding="utf-8")
    for hour in HOURS:
        # Fields and records that are bad in every way, so that the defaults are loaded too.
        event = json.dumps({"time": hour})
        run(folder, LOCAL, "brand_media", "--sandbox", "--fault", "dior=bad_records", "--event", event)
        for shard, hashtags in {"east": ["hermes", "chanel"], "west": ["dior"]}.items():
            event = json.dumps({"time": hour, "shard": shard, "hashtags": hashtags})
            run(folder, LOCAL, "hashtag", "--sandbox", "--fault", "#dior=bad_records", "--event", event)
    return Collected(folder, form)


@pytest.fixture(scope="session", params=FORMATS)
def collected(request, tmp_path_factory) -> Collected:
    assert LOCAL.exists(), f"{LOCAL} is not there: cargo build --bin local"
    return collect(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(params=MODELS)
def model(request) -> str:
    return request.param
