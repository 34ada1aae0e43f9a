"""1,000 accounts over 8 credentials, by the real state machine and the real binaries.

Both stacks are deployed into an emulator that has a result writer (step_functions.py); the API is the project's
own sandbox, which counts the calls of each token.
"""

import json
import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import stacks
import template
from emulator import Emulator, wait_for
from sandbox import LUXURY_BRANDS, Sandbox

COLLECTOR, STACK = "sharded", "sharded-scale"
BUCKET = "sharded-snapshots"
PREFIX = "luxury-brands-data-collector/"
KEYS = [f"arn:aws:kms:eu-west-1:000000000000:key/{n}" for n in (1, 2)]
ACCOUNTS, CREDENTIALS, CALLS_ALLOWED = 1_000, 8, 200
FIRST, AGAIN = "2026-01-31T05:00:00Z", "2026-01-31T06:00:00Z"
RUN_SECONDS = 240


def token(n: int) -> str:
    return f"placeholder-token-{n}"


def luxury_brands(cloud, folder: Path, *arguments) -> str:
    done = subprocess.run([LUXURY_BRANDS, *arguments], cwd=folder, env=cloud.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def objects(cloud, prefix: str) -> dict[str, bytes]:
    s3 = cloud.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    keys = [o["Key"] for page in pages for o in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def records(cloud, prefix: str) -> list[dict]:
    return [record for body in objects(cloud, prefix).values() for record in json.loads(body)]


def run(stack, event: dict) -> dict:
    """Runs the state machine to its end."""
    states = stack.cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=stack.machine, input=json.dumps(event))["executionArn"]
    ended = lambda: (e := states.describe_execution(executionArn=arn))["status"] != "RUNNING" and e  # noqa: E731
    return wait_for("the end of a run", ended, RUN_SECONDS)


def invoke(stack, event: dict, function: str = "CollectorFunction") -> dict:
    """What a function answers to an event of its own."""
    answer = stack.cloud.client("lambda").invoke(FunctionName=stack.ids[function], Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def summary(cloud, time: str) -> dict:
    stamp = time[:19].replace("T", "_").replace(":", "")
    (body,) = objects(cloud, f"summary/brand_media_{time[:10]}/brand_media_{stamp}.json").values()
    return json.loads(body)


def deploy(cloud, folder: Path, secret: str) -> dict[str, str]:
    """The physical ids of the resources of both stacks: the collector's, and the one that runs it over shards."""
    collector = {"BucketName": BUCKET, "SecretArn": secret, "SchedulesState": "DISABLED", "SecretPrefix": PREFIX,
                 "KeyArns": ",".join(KEYS)}
    stacks.deploy(cloud, template.emulated(template.PACKAGE, folder), COLLECTOR, collector)
    cloud.client("s3").delete_bucket_policy(Bucket=BUCKET)  # TLS only, and the emulator speaks plain HTTP
    scale = {"Collector": COLLECTOR, "SchedulesState": "DISABLED", "ToleratedFailurePercentage": "25", "ShardConcurrency": "4",
             "KeyArns": ",".join(KEYS)}
    stacks.deploy(cloud, template.emulated(template.SCALE_PACKAGE, folder), STACK, scale)
    return stacks.ids(cloud, COLLECTOR) | stacks.ids(cloud, STACK)


@pytest.fixture(scope="module")
def stack(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    (folder / "accounts.csv").write_text("name,user_id\n" + "".join(f"account{n},{10_000 + n}\n" for n in range(ACCOUNTS)))
    (folder / "credentials.csv").write_text("secret_id\n" + "".join(f"{PREFIX}ig-{n}\n" for n in range(CREDENTIALS)))
    cloud = Emulator(folder, ("python", Path(__file__).with_name("step_functions.py")))
    sandboxes: list[Sandbox] = []

    def sandbox(*arguments: str) -> Sandbox:
        """A sandbox with no calls counted yet, which the function's configuration now names."""
        sandboxes.append(Sandbox(folder, "--accounts-from", "accounts.csv", "--calls-allowed", str(CALLS_ALLOWED), *arguments))
        written = (template.ROOT / "configure.ini").read_text()
        (folder / "configure.ini").write_text(written.replace("https://graph.facebook.com", sandboxes[-1].address))
        return sandboxes[-1]

    try:
        arns = {}
        for name, n in [("own", 99)] + [(f"{PREFIX}ig-{n}", n) for n in range(CREDENTIALS)]:
            secret = {"ig_user_id": str(17_800 + n), "access_token": token(n), "bucket": BUCKET,
                      "config_file": str(folder / "configure.ini")}
            arns[name] = cloud.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(secret))["ARN"]
        ids = deploy(cloud, folder, arns["own"])
        print(luxury_brands(cloud, folder, "shard", "--config", template.ROOT / "configure.ini", "--accounts-from", "accounts.csv",
                            "--credentials", "credentials.csv", "--max-topics", "50", "--out", f"s3://{BUCKET}/shards"))
        yield SimpleNamespace(cloud=cloud, folder=folder, ids=ids, machine=ids["ShardsStateMachine"], sandbox=sandbox)
    finally:
        for each in sandboxes:
            each.stop()
        cloud.stop()


def manifest(stack, hour: str = "05") -> list[dict]:
    (body,) = objects(stack.cloud, f"shards/brand_media/{hour}.jsonl").values()
    return [json.loads(line) for line in body.splitlines()]


def renew_processes(stack, at: str) -> None:
    """New processes of the function, since one reads its configuration when it starts."""
    functions, name = stack.cloud.client("lambda"), stack.ids["CollectorFunction"]
    now = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": now | {"CHANGED_AT": at}})


def test_every_account_is_stored_once_within_the_limits_of_each_credential(stack):
    sandbox = stack.sandbox()
    ended = run(stack, {"job": "brand_media", "time": FIRST})
    assert ended["status"] == "SUCCEEDED", ended
    names = Counter(record["user_name"] for record in records(stack.cloud, "raw/brand_2026-01-31/brand_2026-01-31_050000"))
    assert names == Counter({f"account{n}": 1 for n in range(ACCOUNTS)})
    media = records(stack.cloud, "raw/media_2026-01-31/media_2026-01-31_050000")
    assert len(media) == ACCOUNTS * 25 and {m["user_id"] for m in media} == {str(10_000 + n) for n in range(ACCOUNTS)}
    counted = sandbox.counts()["tokens"]
    planned = Counter()
    for shard in manifest(stack):
        planned[token(int(shard["secret_id"].rsplit("-", 1)[1]))] += len(shard["accounts"])
    assert counted == planned and max(counted.values()) <= CALLS_ALLOWED * 0.9, counted
    total = summary(stack.cloud, FIRST)
    print(counted, total["totals"], total["credentials"])
    assert total["totals"]["topics"] == ACCOUNTS and total["totals"]["records"] == ACCOUNTS * 26
    assert (total["totals"]["failed_shards"], total["totals"]["failed_topics"], total["totals"]["api_calls"]) == (0, 0, ACCOUNTS)
    assert [c["secret_id"] for c in total["credentials"]] == [f"{PREFIX}ig-{n}" for n in range(CREDENTIALS)]


def test_shards_that_fail_lose_only_their_accounts_and_run_again_without_duplicates(stack):
    shards = manifest(stack, "06")
    used = Counter()
    for shard in shards:
        used[shard["secret_id"]] += len(shard["accounts"])
    # Two of different credentials that can be called for once more within the hour.
    room = [s for s in shards if used[s["secret_id"]] + len(s["accounts"]) <= CALLS_ALLOWED * 0.9]
    failing = list({s["secret_id"]: s for s in room}.values())[:2]
    lost = {account["name"] for shard in failing for account in shard["accounts"]}
    sandbox = stack.sandbox(*(word for name in sorted(lost) for word in ("--fault", f"{name}=permissionx1")))
    renew_processes(stack, "2")

    ended = run(stack, {"job": "brand_media", "time": AGAIN})
    assert ended["status"] == "SUCCEEDED", ended
    prefix = "raw/brand_2026-01-31/brand_2026-01-31_060000"
    there = {record["user_name"] for record in records(stack.cloud, prefix)}
    assert len(failing) == 2 and there == {f"account{n}" for n in range(ACCOUNTS)} - lost
    before = summary(stack.cloud, AGAIN)
    told = {s["shard"]: s["error"] for s in before["shards"] if s["error"]}
    assert set(told) == {s["shard"] for s in failing} and all(e.startswith("nothing_collected") for e in told.values()), told
    assert before["totals"]["failed_topics"] == len(lost)

    (results,) = [key for key in objects(stack.cloud, f"runs/brand_media/{AGAIN}/") if key.endswith("/manifest.json")]
    print(luxury_brands(stack.cloud, stack.folder, "shard", "--failed", f"s3://{BUCKET}/{results}", "--out", f"s3://{BUCKET}/shards/again.jsonl"))
    ended = run(stack, {"job": "brand_media", "time": AGAIN, "manifest": "shards/again.jsonl"})
    assert ended["status"] == "SUCCEEDED", ended
    names = Counter(record["user_name"] for record in records(stack.cloud, prefix))
    assert names == Counter({f"account{n}": 1 for n in range(ACCOUNTS)})
    after = summary(stack.cloud, AGAIN)["totals"]
    assert (after["shards"], after["failed_shards"], after["records"]) == (len(shards), 0, ACCOUNTS * 26)
    assert max(sandbox.counts()["tokens"].values()) <= CALLS_ALLOWED


def test_too_many_failed_shards_fail_the_run_and_are_summed_up_all_the_same(stack):
    time = "2026-01-31T07:00:00Z"
    stack.sandbox("--fault", "*=permission")
    renew_processes(stack, "3")
    ended = run(stack, {"job": "brand_media", "time": time})
    assert (ended["status"], ended["error"]) == ("FAILED", "TooManyFailed")
    kept = objects(stack.cloud, f"runs/brand_media/{time}/")
    assert any(key.endswith("/FAILED_0.json") for key in kept)
    total = summary(stack.cloud, time)["totals"]
    assert (total["failed_shards"], total["failed_topics"], total["records"]) == (total["shards"], ACCOUNTS, 0)


def begin(stack, job: str, time: str) -> dict:
    """Begins a run as a schedule does, and waits for what came of that."""
    states = stack.cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=stack.ids["BeginStateMachine"], input=json.dumps({"job": job, "time": time}))["executionArn"]
    return wait_for("the beginning", lambda: (e := states.describe_execution(executionArn=arn))["status"] != "RUNNING" and e, RUN_SECONDS)


def test_each_credential_is_asked_what_its_token_is_still_good_for(stack):
    sandbox = stack.sandbox()
    renew_processes(stack, "4")
    assert begin(stack, "token", "2026-01-31T06:17:00Z")["status"] == "SUCCEEDED"
    states = stack.cloud.client("stepfunctions")
    arn = stack.machine.replace(":stateMachine:", ":execution:") + ":token_2026-01-31T061700Z"
    ended = wait_for("the run", lambda: (e := states.describe_execution(executionArn=arn))["status"] != "RUNNING" and e, RUN_SECONDS)
    assert ended["status"] == "SUCCEEDED", ended
    assert {token(n) for n in range(CREDENTIALS)} <= set(sandbox.counts()["tokens"])


def test_a_run_is_begun_once_and_not_while_the_one_before_it_is_under_way(stack):
    """The sandbox is slow, so that the first run is still under way when the others would begin."""
    stack.sandbox("--latency", "600ms")
    renew_processes(stack, "5")
    states, first, second = stack.cloud.client("stepfunctions"), "2026-01-31T08:00:00Z", "2026-01-31T09:00:00Z"
    assert begin(stack, "brand_media", first)["status"] == "SUCCEEDED"
    arn = stack.machine.replace(":stateMachine:", ":execution:") + ":brand_media_2026-01-31T080000Z"
    assert states.describe_execution(executionArn=arn)["status"] == "RUNNING"
    assert begin(stack, "brand_media", first)["status"] == "SUCCEEDED", "an event that is delivered twice is no failure"
    refused = begin(stack, "brand_media", second)
    assert (refused["status"], refused["error"]) == ("FAILED", "Overlaps")
    assert begin(stack, "token", second)["status"] == "SUCCEEDED", "another job is free"
    wait_for("the end of the first run", lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING", RUN_SECONDS)
    assert begin(stack, "brand_media", first)["status"] == "SUCCEEDED"
    names = [e["name"] for e in states.list_executions(stateMachineArn=stack.machine)["executions"]]
    assert Counter(name for name in names if name.startswith("brand_media_")) == {"brand_media_2026-01-31T080000Z": 1}


def test_a_secret_outside_the_prefix_is_refused(stack):
    told = invoke(stack, {"job": "token", "secret_id": "another/secret"})
    assert told["errorType"] == "event" and "does not begin with" in told["errorMessage"]


def policies(stack, role: str) -> dict[str, list[dict]]:
    """The statements of a role, by policy."""
    iam, name = stack.cloud.client("iam"), stack.ids[role]
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    documents = {p: iam.get_role_policy(RoleName=name, PolicyName=p)["PolicyDocument"]
                 for p in iam.list_role_policies(RoleName=name)["PolicyNames"]}
    return {policy: document["Statement"] for policy, document in documents.items()}


def test_only_the_roll_up_reads_results_and_it_knows_no_secret(stack):
    allowed = {s["Sid"]: (s["Action"], s["Resource"]) for s in policies(stack, "RollupRole")["roll-up"]}
    keys = (["kms:Decrypt", "kms:GenerateDataKey"], KEYS)
    bucket = f"arn:aws:s3:::{BUCKET}"
    assert allowed.pop("WriteLogs")[0] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert allowed == {
        "ReadResults": ("s3:GetObject", [f"{bucket}/runs/*", f"{bucket}/summary/*"]),
        "StoreSummaries": ("s3:PutObject", f"{bucket}/summary/*"),
        "TellWhatIsNotThere": ("s3:ListBucket", bucket),
        "UseTheKeys": keys,
    }
    machine = {s["Sid"]: (s["Action"], s["Resource"]) for s in policies(stack, "ShardsRole")["run-shards"]}
    collector = {s["Sid"]: (s["Action"], s["Resource"]) for s in policies(stack, "CollectorRole")["collector"]}
    assert machine["UseTheKeys"] == collector["UseTheKeys"] == keys, "the state machine reads and writes the bucket, too"
    assert set(collector) == {"StoreObjects", "KeepWhatWasReported", "ReadSecrets", "UseTheKeys", "WriteLogs"}
    _, secrets = collector["ReadSecrets"]
    assert len(secrets) == 2 and secrets[1].endswith(f":secret:{PREFIX}*")


def test_the_machine_starts_only_itself_and_the_two_functions(stack):
    (begin_runs,) = [s for s in policies(stack, "BeginRole")["begin-runs"] if s["Sid"] == "BeginRuns"]
    assert begin_runs["Resource"] == stack.machine
    machine = policies(stack, "ShardsRole")
    (start,) = [s for s in machine["start-shards"] if s["Sid"] == "StartShards"]
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", stack.machine)
    invoked = next(s for s in machine["run-shards"] if s["Sid"] == "CollectAndRollUp")["Resource"]
    assert [arn.rsplit(":", 1)[1] for arn in invoked] == [stack.ids["CollectorFunction"], stack.ids["RollupFunction"]]


def test_with_shards_the_schedules_start_the_state_machine_and_the_function_only_for_the_token():
    own, sharded = template.schedules(template.collector()), template.schedules(template.scale())
    assert own["token"]["State"] == {"Ref": "SchedulesState"}
    assert set(sharded) == {"brand_media", "hashtag", "token"}
    for job, schedule in sharded.items():
        assert job == "token" or own[job]["State"] == {"Fn::If": ["RunsHere", {"Ref": "SchedulesState"}, "DISABLED"]}
        assert schedule["State"] == {"Ref": "SchedulesState"}
        assert schedule["FlexibleTimeWindow"] == own[job]["FlexibleTimeWindow"]
        assert {key: schedule[key] for key in ("Input", "RetryPolicy")} == {key: own[job]["Target"][key] for key in ("Input", "RetryPolicy")}
        when = template.value(template.scale(), schedule["ScheduleExpression"])
        assert when == template.value(template.collector(), own[job]["ScheduleExpression"])


def test_schedules_of_the_two_stacks_reach_their_targets(stack):
    scheduler = stack.cloud.client("scheduler")
    found = {s["Name"]: scheduler.get_schedule(Name=s["Name"]) for s in scheduler.list_schedules()["Schedules"]}
    targets = {name: (s["State"], s["Target"]["Arn"].rsplit(":", 1)[1]) for name, s in found.items()}
    machine, function = stack.ids["BeginStateMachine"].rsplit(":", 1)[1], stack.ids["CollectorFunction"]
    assert targets == {
        f"{COLLECTOR}-brand-media": ("DISABLED", function), f"{COLLECTOR}-hashtag": ("DISABLED", function),
        f"{COLLECTOR}-token": ("DISABLED", function),
        f"{STACK}-brand-media": ("DISABLED", machine), f"{STACK}-hashtag": ("DISABLED", machine),
        f"{STACK}-token": ("DISABLED", machine),
    }


def test_what_step_functions_bounds_is_kept(stack):
    states = stack.cloud.client("stepfunctions")
    definition = json.loads(states.describe_state_machine(stateMachineArn=stack.machine)["definition"])
    assert definition["States"]["Shards"]["MaxConcurrency"] == 4 and definition["TimeoutSeconds"] < 3600
    # 256 KiB is the most that an item, with all that goes along, may have.
    assert max(len(json.dumps(shard)) for shard in manifest(stack)) < 100_000
