"""Data as the collector stores it, made on its sandbox, for the consumers to load."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LUXURY_BRANDS = Path(os.environ.get("LUXURY_BRANDS", ROOT / "target" / "debug" / "luxury-brands")).resolve()
FORMATS = ["array", "ndjson"]
MODELS = ["brand", "media", "media_hashtag"]

# The last hour of one day and the first of the next: two folders a model.
HOURS = ["2026-11-23T23:00:00Z", "2026-11-24T00:00:00Z"]


@dataclass
class Collected:
    """A folder of collected data, and how to make statements for it."""

    folder: Path
    format: str

    def schema(self, engine: str, part: str | None = None) -> str:
        arguments = [LUXURY_BRANDS, "schema", *([part] if part else []), "--for", engine, "--from", self.folder / "sandbox_env"]
        return run(self.folder, *arguments)

    def statements(self, engine: str, part: str | None = None) -> list[str]:
        return statements(self.schema(engine, part))

    def key(self, path: Path) -> str:
        return path.relative_to(self.folder / "sandbox_env").as_posix()

    def objects(self, model: str) -> list[Path]:
        # By the day's first digit: `media_*` without it would find media_hashtag's too.
        return sorted((self.folder / "sandbox_env" / "raw").glob(f"{model}_2*/*.json"))

    def records(self, model: str) -> list[dict]:
        return [record for path in self.objects(model) for record in read(path, self.format)]

    def rows(self, model: str) -> list[tuple]:
        """The rows of the model's table, with instants in seconds since 1970."""
        rows = []
        for path in self.objects(model):
            for record in read(path, self.format):
                values = [instant(value) if name == "timestamp" else value for name, value in record.items()]
                rows.append((*values, collected_at(path), self.key(path)))
        return rows

    def quality(self) -> list[dict]:
        return [json.loads(path.read_text()) for path in (self.folder / "sandbox_env" / "quality").glob("*_2*/*.json")]

    def copy(self, folder: Path) -> "Collected":
        """The same data in a folder of its own, to be changed."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Collected(folder, self.format)


def read(path: Path, form: str) -> list[dict]:
    text = path.read_text(encoding="utf-8")
    if form == "array":
        assert "\n" not in text
        return json.loads(text)
    assert text.endswith("}\n")
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


def statements(script: str) -> list[str]:
    """The statements without the comments before them."""
    script = re.sub("^--.*\n", "", script, flags=re.MULTILINE)
    return [statement.strip() for statement in script.split(";\n") if statement.strip()]


def run(folder: Path, *arguments) -> str:
    done = subprocess.run([str(a) for a in arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(path: Path, form: str, records: list[dict]) -> None:
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
    text = f"[{','.join(lines)}]" if form == "array" else "".join(f"{line}\n" for line in lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def instant(timestamp: str) -> int:
    return int(datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S%z").timestamp())


def collected_at(path: Path) -> int:
    digits = re.sub(r"\D", "", re.search(r"\d{4}-?\d\d-?\d\d[_T]\d{6}", path.name)[0])
    return int(datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())


# The columns that a table has besides the record's fields.
ADDED = ["collected_at", "source_key"]

# The views that docs/tables.md describes, and what tells their rows apart.
VIEWS = {
    "brand": "source_key, user_id",
    "media": "source_key, user_id, media_id",
    "media_hashtag": "source_key, user_id, media_id",
    "brand_over_time": "source_key, user_id",
    "media_over_time": "source_key, user_id, media_id",
    "media_hashtag_over_time": "source_key, user_id, media_id",
    "latest_media": "user_id, media_id",
    "latest_media_hashtag": "user_id, media_id",
    "topic_runs": "job, time, topic, asked_at",
    "runs": "job, time",
    "followers_over_time": "user_id, asked_at",
    "followers_daily": "day, user_id",
    "post_gains": "user_id, media_id, asked_at",
    "engagement_over_time": "user_id, asked_at",
    "posts": "user_id, media_id",
    "hashtag_posts": "day, hashtag",
    "share_of_voice": "day, user_id",
}

# What the shipped configuration does not have: the types `json` and `int?`, other names of objects.
OPTIONAL = {
    "ymd = %Y-%m-%d": "ymd = %Y%m%d",
    "datetime = %Y-%m-%d_%H%M%S": "datetime = %Y%m%dT%H%M%S",
    "profiles_location = raw/brand_{ymd}/": "profiles_location = raw/houses + more/",
    "like_count = like_count int": "like_count = like_count int?",
    "permalink = permalink url": "permalink = permalink url\nchildren = children{id,media_type} json",
}


def configured(folder: Path, form: str, changes: dict[str, str]) -> None:
    configuration = (ROOT / "configure.ini").read_text(encoding="utf-8")
    for line, other in {"[common]": f"[common]\nformat = {form}", **changes}.items():
        assert line in configuration
        configuration = configuration.replace(line, other)
    (folder / "configure.ini").write_text(configuration, encoding="utf-8")


def collect(folder: Path, form: str, changes: dict[str, str] = {}) -> Collected:
    configured(folder, form, changes)
    for hour in HOURS:
        # Fields and records that are bad in every way, so that the defaults are loaded too.
        event = json.dumps({"time": hour})
        run(folder, LUXURY_BRANDS, "brand_media", "--sandbox", "--fault", "dior=bad_records", "--event", event)
        for shard, hashtags in {"east": ["hermes", "chanel"], "west": ["dior"]}.items():
            event = json.dumps({"time": hour, "shard": shard, "hashtags": hashtags})
            run(folder, LUXURY_BRANDS, "hashtag", "--sandbox", "--fault", "#dior=bad_records", "--event", event)
    return Collected(folder, form)


@pytest.fixture(scope="session", params=FORMATS)
def collected(request, tmp_path_factory) -> Collected:
    assert LUXURY_BRANDS.exists(), f"{LUXURY_BRANDS} is not there: cargo build --bin luxury-brands"
    return collect(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="session")
def optional(tmp_path_factory) -> Collected:
    """Data of a configuration that uses what the shipped one does not."""
    return collect(tmp_path_factory.mktemp("optional"), "array", OPTIONAL)


# What data may lack: the objects of a model, as with `hashtags =`, or the quality objects.
LACKING = [*MODELS, "quality"]


def without(collected: Collected, part: str, folder: Path) -> Collected:
    """The same data without the folders of a part."""
    data = collected.copy(folder)
    folders = ["quality"] if part == "quality" else [f"{kind}/{part}_2*" for kind in ["raw", "quality"]]
    for path in [path for name in folders for path in (folder / "sandbox_env").glob(name)]:
        shutil.rmtree(path)
    return data


@pytest.fixture(params=MODELS)
def model(request) -> str:
    return request.param


# As rare as Spark needs it: it reads each object as a job of its own.
EVERY = {"brand_media": 3600, "hashtag": 1800}


@pytest.fixture(scope="session")
def day(tmp_path_factory) -> Collected:
    """A day with everything that can be wrong in one: lost topics, repeats, repairs, shards, gaps, bad quality objects."""
    folder = tmp_path_factory.mktemp("day")
    configured(folder, "array", {"[topic]": "[limits]\nhashtag_runs_per_hour = 2\n\n[topic]"})
    # fendi lacks its count once, dior has bad records, celine fails twice.
    faults = [fault for name in ["dior=bad_recordsx3", "celine=permissionx2", "#gucci=not_therex4"] for fault in ("--fault", name)]
    run(folder, LUXURY_BRANDS, "sandbox", "day", "--hours", "27", "--until", "2026-11-24T22:00:00Z", *faults)

    def collect(job, *faults, **event):
        arguments = [argument for fault in faults for argument in ("--fault", fault)]
        run(folder, LUXURY_BRANDS, job, "--sandbox", *arguments, "--event", json.dumps(event))

    # Two halves of an hour: the repeat goes to partial/.
    collect("brand_media", "gucci=permission", time="2026-11-24T22:00:00Z")
    collect("brand_media", "dior=permission", time="2026-11-24T22:00:00Z")
    # A repair that is late, and brings once more what had not failed.
    collect("brand_media", time="2026-11-24T05:00:00Z", accounts=["prada", "celine"])
    # Shards that overlap.
    collect("hashtag", time="2026-11-24T22:00:00Z", shard="east", hashtags=["hermes", "chanel"])
    collect("hashtag", time="2026-11-24T22:00:00Z", shard="west", hashtags=["chanel", "dior"])
    quality = folder / "sandbox_env" / "quality"
    for hour, text in {"02": None, "07": '{"model":"brand', "08": OLD_FORM}.items():
        path = quality / "brand_2026-11-24" / f"brand_2026-11-24_{hour}0000.json"
        path.write_text(text) if text else path.unlink()
    # An hour without a run.
    for model in ["brand", "media"]:
        for path in (folder / "sandbox_env").glob(f"*/{model}_2026-11-24/*_030000.json"):
            path.unlink()
    # A count of followers that was not stored, and zeros that were counted.
    for hour, ids in {"10": [], "11": ["17841401861170314"]}.items():
        path = folder / "sandbox_env" / "raw" / "brand_2026-11-24" / f"brand_2026-11-24_{hour}0000.json"
        records = json.loads(path.read_text())
        write(path, "array", [r | {"followers_count": 0} if r["user_id"] in ids else r for r in records])
        listed = quality / path.parent.name / path.name
        cases = {"followers_count": {"wrong type": [{"id": id} for id in ids]}}
        listed.write_text(json.dumps(json.loads(listed.read_text()) | {"defaulted": cases if ids else {}}))
    return Collected(folder, "array")


# A quality object of before topics were listed.
OLD_FORM = json.dumps({
    "model": "brand", "job": "brand_media", "time": "2026-11-24T08:00:00Z",
    "object": "raw/brand_2026-11-24/brand_2026-11-24_080000.json", "counts": {"records": 11, "rejected": 0, "defaulted": 0},
    "failed_topics": [], "rejected": [], "defaulted": {},
})
