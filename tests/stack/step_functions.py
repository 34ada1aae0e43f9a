"""MiniStack with what it lacks of Step Functions: definitions in YAML, the result writer and the name of an error.

MiniStack 1.5.33 accepts definitions only as JSON; CloudFormation takes YAML too, and fills the substitutions in
before it reads either. It runs a Distributed Map with its item reader, item selector, concurrency and
thresholds, but passes over `ResultWriter`: the map's result is the list of outputs, and nothing is written. This
adds what AWS documents of it
(docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html): a manifest.json and the files of
succeeded and failed child executions under the prefix, and their place as the map's result. What it writes is
made of what MiniStack keeps of each child. The state machine itself runs as scale/shards.asl.yaml has it. It
writes as the emulator and not as the machine's role, so that `s3:PutObject` of that role is not shown here;
neither is the role's `s3:GetObject`, since MiniStack's item reader asks no policy. An error of the service itself
gets the name that a task has for it, such as StepFunctions.ExecutionAlreadyExistsException.
"""

import json
import sys
import uuid

import yaml
from ministack import app
from ministack.services import s3, stepfunctions
from ministack.services.cloudformation import provisioners

FIELDS = {"ExecutionArn": "executionArn", "Input": "input", "Name": "name", "Output": "output", "StartDate": "startDate",
          "StateMachineArn": "stateMachineArn", "Status": "status", "StopDate": "stopDate", "Error": "error", "Cause": "cause"}
without_writer = stepfunctions._run_distributed_map
as_written = provisioners._sfn_definition
as_named = stepfunctions._invoke_nested_start_execution


def as_json(properties: dict) -> str:
    """A definition as JSON, of which YAML is more."""
    return json.dumps(yaml.safe_load(as_written(properties)))


def begun(resource, request):
    try:
        return as_named(resource, request)
    except stepfunctions._ExecutionError as error:
        raise stepfunctions._ExecutionError(f"StepFunctions.{error.error}Exception", error.cause) from error


def described(child: dict) -> dict:
    """A child execution as the result writer describes it."""
    return {name: child[key] for name, key in FIELDS.items() if child.get(key) is not None}


def put(bucket: str, key: str, content) -> dict:
    body = json.dumps(content).encode()
    status, _, answer = s3._put_object(bucket, key, body, {"content-type": "application/json"})
    assert status == 200, answer
    return {"Key": key, "Size": len(body)}


def write(state: dict, effective, execution: dict, ctx) -> dict:
    """Writes the newest map run of the execution and returns where."""
    run = [r for r in stepfunctions._map_runs.values() if r["executionArn"] == execution["executionArn"]][-1]
    children = [e for e in list(stepfunctions._executions.values()) if e.get("mapRunArn") == run["mapRunArn"]]
    place = stepfunctions._resolve_params_obj(state["ResultWriter"]["Parameters"], effective, ctx)
    folder = f"{place['Prefix']}/{uuid.uuid4()}"
    files = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status, listed in files.items():
        if of_status := [described(c) for c in children if c["status"] == status]:
            listed.append(put(place["Bucket"], f"{folder}/{status}_0.json", of_status))
    key = f"{folder}/manifest.json"
    put(place["Bucket"], key, {"DestinationBucket": place["Bucket"], "MapRunArn": run["mapRunArn"], "ResultFiles": files})
    return {"MapRunArn": run["mapRunArn"], "ResultWriterDetails": {"Bucket": place["Bucket"], "Key": key}}


def with_writer(state, raw_input, effective, iterator, execution, ctx):
    if "ResultWriter" not in state:
        return without_writer(state, raw_input, effective, iterator, execution, ctx)
    try:
        _, following = without_writer({**state, "ResultPath": "$"}, raw_input, effective, iterator, execution, ctx)
    except stepfunctions._ExecutionError:
        # AWS keeps what came of a run that fails as well.
        write(state, effective, execution, ctx)
        raise
    result = stepfunctions._apply_result_selector(state, write(state, effective, execution, ctx))
    output = stepfunctions._apply_result_path(state, raw_input, result)
    return stepfunctions._apply_output_path(state, output, ctx), following


if __name__ == "__main__":
    stepfunctions._run_distributed_map = with_writer
    provisioners._sfn_definition = as_json
    stepfunctions._invoke_nested_start_execution = begun
    sys.exit(app.main())
