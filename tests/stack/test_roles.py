"""What each role may do, against what asks for it: CloudFormation's schemas, the calls of the program and deploy.sh.

`pytest -s` prints the table.
"""

import json
import re
from fnmatch import fnmatchcase

import template
from emulator import REGION
from template import ROOT

COLLECTOR = template.collector()
ROLES = template.load(ROOT / "deploy" / "deploy-role.yaml")
# cfn-lint brings the schemas of CloudFormation's registry.
SCHEMAS = next((ROOT / ".venv-lint").glob("lib/python3*/site-packages/cfnlint/data/schemas"))
REGISTRY = json.loads((SCHEMAS / "providers" / f"{REGION}.json").read_text())

# What the schemas ask for and a deployment of this template never needs.
NOT_NEEDED = {
    "no network, no file system": ["ec2:*", "elasticfilesystem:*", "s3files:*"],
    "no key, no code signing, no layer, no version of the function": [
        "kms:*", "lambda:GetCodeSigningConfig", "lambda:*FunctionCodeSigningConfig", "lambda:GetLayerVersion", "lambda:PublishVersion", "s3:GetObjectVersion"],
    "no runtime, recursion or capacity of the function's own": [
        "lambda:AssociateRuntimeAlias", "lambda:Put*Config", "lambda:PassCapacityProvider"],
    "no managed policy, and none may be attached": ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
    "nobody may take the boundary away": ["iam:DeleteRolePermissionsBoundary"],
    "no key, index, policy, delivery or protection of the log": [
        "logs:*KmsKey", "logs:*IndexPolicy", "logs:*ResourcePolicy", "logs:PutDataProtectionPolicy", "logs:CreateLogDelivery",
        "logs:PutBearerTokenAuthentication", "logs:PutLogGroupDeletionProtection", "firehose:*", "s3:REST.PUT.OBJECT"],
    "no data protection of the topic": ["sns:PutDataProtectionPolicy"],
    "no such setting of the bucket": [
        "s3tables:*", "s3:CreateBucketMetadata*", "s3:UpdateBucketMetadata*", "s3:PutAccelerate*", "s3:PutAnalytics*", "s3:PutBucketAbac",
        "s3:PutBucketAcl", "s3:PutBucketCORS", "s3:PutBucketLogging", "s3:Put*ObjectLock*", "s3:PutBucketReplication", "s3:PutBucketWebsite",
        "s3:PutIntelligentTiering*", "s3:PutInventory*", "s3:PutMetrics*", "s3:PutReplication*", "s3:DeleteBucket?*"],
    "objects are nobody's business": ["s3:DeleteObject", "s3:PutObjectAcl"],
}
# The others of a pattern that CloudFormation reads in every case.
NEEDED = ["lambda:GetFunctionCodeSigningConfig", "lambda:PutFunctionEventInvokeConfig", "s3:DeleteBucketPolicy"]

SDK_CALL = re.compile(r"\.((?:get|put|head|list|delete|create|copy|upload|complete)_(?:object|secret)\w*)\(\)")
# What no call of the program asks for.
OF_SERVICES = {
    "CollectorRole": {
        "logs:CreateLogStream": "Lambda, for the log", "logs:PutLogEvents": "Lambda, for the log",
        "events:PutEvents": "Lambda, for OnSuccess (Events=on)",
        "kms:Decrypt": "S3 and Secrets Manager (KeyArns)", "kms:GenerateDataKey": "S3 and Secrets Manager (KeyArns)"},
    "SchedulerRole": {"lambda:InvokeFunction": "the three schedules"},
}
DEPLOY = {
    "aws cloudformation deploy": [
        "cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DescribeStacks",
        "cloudformation:GetTemplateSummary", "cloudformation:TagResource", "iam:PassRole"],
    "aws cloudformation package": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
    "aws s3api head-bucket, aws s3 mb": ["s3:ListBucket", "s3:CreateBucket"],
    "deploy.sh, if a deployment fails": ["cloudformation:DescribeStackEvents", "cloudformation:DeleteStack"],
    "deploy.sh --try": ["cloudformation:GetTemplate", "lambda:InvokeFunction"],
    "an update that hangs or cannot be rolled back": ["cloudformation:CancelUpdateStack", "cloudformation:ContinueUpdateRollback"],
}


def statements(policies: list) -> list[dict]:
    """The statements of policies, with those that depend on a condition."""
    found = [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]
    return [s["Fn::If"][1] if "Fn::If" in s else s for s in found]


def listed(written) -> list:
    return [each["Fn::If"][1] if isinstance(each, dict) and "Fn::If" in each else each for each in (written if isinstance(written, list) else [written])]


def actions(of: dict, role: str) -> set[str]:
    return {action for s in statements(of["Resources"][role]["Properties"]["Policies"]) for action in listed(s["Action"])}


def asked() -> dict[str, set[str]]:
    """The permissions that CloudFormation needs for the resources of the template, each with the types that need it.
    A deployment calls every handler but `list`."""
    found: dict[str, set[str]] = {}
    for kind in {r["Type"] for r in COLLECTOR["Resources"].values()}:
        handlers = json.loads((SCHEMAS / "resources" / f"{REGISTRY[kind]}.json").read_text())["handlers"]
        for name in handlers.keys() - {"list"}:
            for permission in handlers[name]["permissions"]:
                found.setdefault(permission, set()).add(f"{kind} {name}")
    return found


def is_needed(permission: str) -> bool:
    return permission in NEEDED or not any(fnmatchcase(permission, p) for patterns in NOT_NEEDED.values() for p in patterns)


def calls() -> dict[str, str]:
    """The actions that the program's own calls of AWS need, each with the file that calls."""
    found = {}
    for path in sorted((ROOT / "src").rglob("*.rs")):
        for call in SDK_CALL.findall(path.read_text()):
            service = "secretsmanager" if "secret" in call else "s3"
            found[f"{service}:{''.join(word.title() for word in call.split('_'))}"] = str(path.relative_to(ROOT))
    return found


def compare(role: str, has: set[str], reasons: dict[str, str]) -> None:
    for action in sorted(has | reasons.keys()):
        print(f"{role:<14} {action:<44} {reasons.get(action, 'NOTHING ASKS FOR IT')}{'' if action in has else '  MISSING'}")
    assert has == reasons.keys()


def test_the_maker_has_what_the_schemas_ask_for_and_no_more():
    needed = {permission: ", ".join(sorted(types)) for permission, types in asked().items() if is_needed(permission)}
    compare("MakerRole", actions(ROLES, "MakerRole"), needed)


def test_each_exception_is_one_to_what_the_schemas_ask_for():
    permissions = asked()
    for reason, patterns in NOT_NEEDED.items():
        for pattern in patterns:
            assert any(fnmatchcase(each, pattern) for each in permissions), f"{reason}: {pattern}"
    assert set(NEEDED) <= permissions.keys()


def test_the_roles_of_the_collector_have_what_the_program_calls_and_no_more():
    for role, of_services in OF_SERVICES.items():
        compare(role, actions(COLLECTOR, role), (calls() if role == "CollectorRole" else {}) | of_services)


def test_the_role_of_github_has_what_the_deployment_calls_and_no_more():
    compare("DeployRole", actions(ROLES, "DeployRole"), {action: caller for caller, each in DEPLOY.items() for action in each})


def test_the_boundary_permits_what_the_roles_of_the_collector_need_and_no_more():
    boundary = {action for s in statements([ROLES["Resources"]["Boundary"]["Properties"]]) for action in listed(s["Action"])}
    assert boundary == actions(COLLECTOR, "CollectorRole") | actions(COLLECTOR, "SchedulerRole")


def test_the_boundary_limits_each_role_of_the_collector():
    """The emulator gives no role of a stack its boundary."""
    for role in template.of_type(COLLECTOR, "AWS::IAM::Role").values():
        assert role["PermissionsBoundary"] == {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]}


def test_only_what_has_no_arn_is_permitted_on_everything():
    """A condition limits the keys instead."""
    everywhere = {action for role in ("DeployRole", "MakerRole") for s in statements(ROLES["Resources"][role]["Properties"]["Policies"])
                  if s["Resource"] == "*" for action in listed(s["Action"])}
    assert everywhere == {
        "cloudformation:GetTemplateSummary", "cloudwatch:DescribeAlarms", "logs:DescribeIndexPolicies", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
        "logs:PutQueryDefinition", "logs:DeleteQueryDefinition", "logs:DescribeQueryDefinitions",
        "sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"}


def test_the_maker_may_touch_each_name_of_the_template():
    """The emulator does not hold CloudFormation's role to its policies."""
    values = {"AWS::StackName": "service", "Service": "service", "AWS::Region": REGION, "AWS::AccountId": "1", "AWS::Partition": "aws", "BucketName": "bucket"}

    def filled(written) -> str:
        text = written["Fn::Sub"] if "Fn::Sub" in written else f"${{{written['Ref']}}}"
        return re.sub(r"\$\{([\w:]+)\}", lambda name: values[name[1]], text)

    arns = {
        "AWS::Lambda::Function": "arn:aws:lambda:{region}:1:function:{FunctionName}",
        "AWS::IAM::Role": "arn:aws:iam::1:role{Path}generated",
        "AWS::Logs::LogGroup": "arn:aws:logs:{region}:1:log-group:{LogGroupName}",
        "AWS::S3::Bucket": "arn:aws:s3:::{BucketName}",
        "AWS::SNS::Topic": "arn:aws:sns:{region}:1:{TopicName}",
        "AWS::Scheduler::Schedule": "arn:aws:scheduler:{region}:1:schedule/default/{Name}",
        "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{region}:1:alarm:{AlarmName}",
        "AWS::CloudWatch::Dashboard": "arn:aws:cloudwatch::1:dashboard/{DashboardName}",
    }
    permitted = [filled(each) for s in statements(ROLES["Resources"]["MakerRole"]["Properties"]["Policies"])
                 for each in listed(s["Resource"]) if isinstance(each, dict)]
    for kind, form in arns.items():
        for properties in template.of_type(COLLECTOR, kind).values():
            names = {key: filled(properties[key]) for key in re.findall(r"\{([A-Z]\w+)\}", form)}
            arn = form.format(region=REGION, **names)
            assert any(fnmatchcase(arn, each) for each in permitted), arn


def test_names_of_roles_fit_for_the_longest_name_and_region():
    pattern = ROLES["Parameters"]["Service"]["AllowedPattern"]
    longest = max((path.stem for path in (SCHEMAS / "providers").iterdir()), key=len)
    assert re.fullmatch(pattern, "a" * 40) and not re.fullmatch(pattern, "a" * 41)
    for resource in template.of_type(ROLES, "AWS::IAM::Role").values():
        name = resource["RoleName"]["Fn::Sub"].replace("${Service}", "a" * 40).replace("${AWS::Region}", longest)
        assert len(name) <= 64, name
