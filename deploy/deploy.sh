#!/usr/bin/env bash
# Deploys the template next to it. Needs the AWS CLI and credentials:
#
#     ./deploy.sh [--stack NAME] [--role-arn ARN] [--try] SecretArn=ARN BucketName=NAME [PARAMETER=VALUE ...]
#
# template.yaml describes the parameters. A parameter that is not given keeps its value. --role-arn names the role that
# CloudFormation works with. --try runs the job `token` afterwards, and restores the previous deployment if the function
# fails.
set -euo pipefail
export AWS_PAGER=""
folder="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

say() { printf 'deploy.sh: %s\n' "$*" >&2; }
refuse() { say "$@"; exit 2; }

# ---------------------------------------------------------------- the arguments

# The package of scale/template.yaml has a separate stack.
stack=luxury-brands-data-collector
if grep -q '^  Collector:' "$folder/template.yaml"; then stack=$stack-scale; fi
known="$(sed -n '/^Parameters:/,/^[A-Z]/s/^  \([A-Za-z]*\):.*/\1/p' "$folder/template.yaml")"
try="" role=() parameters=()
while [ $# -gt 0 ]; do
    case "$1" in
        --stack | --role-arn)
            [ $# -gt 1 ] || refuse "$1 needs a value"
            if [ "$1" = --stack ]; then stack="$2"; else role=(--role-arn "$2"); fi
            shift ;;
        --try) try=1 ;;
        *=*)
            grep -qx -- "${1%%=*}" <<< "$known" || refuse "no parameter is named ${1%%=*}; the parameters are ${known//$'\n'/, }"
            parameters+=("$1") ;;
        *) refuse "expected PARAMETER=VALUE, --stack NAME, --role-arn ARN or --try, not $1" ;;
    esac
    shift
done
# The names of the function, the schedules and the roles begin with it, and must not exceed 64 characters.
[[ $stack =~ ^[a-z][a-z0-9-]{0,39}$ ]] ||
    refuse "$stack has ${#stack} characters: the name of the stack begins with a letter and has at most 40 of a-z, 0-9 and hyphens"

# The value given for a parameter, by default $2.
given() {
    local each
    for each in ${parameters[@]+"${parameters[@]}"}; do
        if [ "${each%%=*}" = "$1" ]; then echo "${each#*=}"; return; fi
    done
    echo "$2"
}

# ---------------------------------------------------------------- the account

case "$(aws --version 2>&1 || true)" in
    aws-cli/2.* | aws-cli/1.[3-9][0-9].*) ;;
    *) refuse "the AWS CLI is missing or too old: version 2 is needed, or 1.30 and later" ;;
esac
# Version 1 reads only the second of the two variables.
region="${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}"
[ -n "$region" ] || refuse "no region is set: export AWS_DEFAULT_REGION, or run \`aws configure\`"
export AWS_DEFAULT_REGION="$region" AWS_REGION="$region"
account="$(aws sts get-caller-identity --query Account --output text)" || refuse "AWS does not accept the credentials"

secret_region="$(given SecretArn "" | cut -d: -f4)"
case "$secret_region" in
    "" | "$region") ;;
    *) refuse "the secret of SecretArn is in $secret_region, and the deployment is in $region" ;;
esac

# What describe-stacks says about the stack; empty if there is none.
described() {
    aws cloudformation describe-stacks --stack-name "$stack" --query "Stacks[0].$1" --output text 2> "$work/error" ||
        grep -q 'does not exist' "$work/error" || refuse "$(cat "$work/error")"
}
parameter() { echo "Parameters[?ParameterKey=='$1'].ParameterValue | [0]"; }
existing="$(described "[StackStatus, $(parameter BucketName), $(parameter CreateBucket)]")"
read -r status old_bucket old_create <<< "$existing"
case "$status" in
    ROLLBACK_COMPLETE | ROLLBACK_FAILED | DELETE_FAILED)
        refuse "the stack is $status and cannot be updated. Delete it first: aws cloudformation delete-stack --stack-name $stack" ;;
    UPDATE_ROLLBACK_FAILED)
        refuse "the stack is $status. First run: aws cloudformation continue-update-rollback --stack-name $stack" ;;
    REVIEW_IN_PROGRESS) status="" ;;
    *_IN_PROGRESS) refuse "the stack is $status: wait until that has ended" ;;
esac

# Whether a bucket of this name exists in any account. S3 says so without credentials.
exists() {
    local error
    error="$(aws s3api head-bucket --no-sign-request --bucket "$1" 2>&1)" && return
    case "$error" in *'(404)'*) return 1 ;; *'(301)'* | *'(400)'* | *'(403)'*) ;; *) refuse "$error" ;; esac
}
is_ours() { aws s3api head-bucket --bucket "$1" --expected-bucket-owner "$account" > "$work/error" 2>&1; }
bucket="$(given BucketName "$old_bucket")" create="$(given CreateBucket "${old_create:-true}")"
# The template of scale/ has no bucket.
if [ -n "$bucket" ] && [ "$bucket $create" != "$old_bucket $old_create" ]; then
    case "$create" in
        true) ! exists "$bucket" || refuse "a bucket named $bucket exists: choose another name, or use that bucket with CreateBucket=false" ;;
        false)
            exists "$bucket" || refuse "no bucket is named $bucket: CreateBucket=true creates it"
            is_ours "$bucket" || refuse "the bucket $bucket belongs to another account, or these credentials lack s3:ListBucket on it" ;;
    esac
fi

# ---------------------------------------------------------------- the deployment

# S3 makes each new bucket private and encrypted.
packages="luxury-brands-packages-$account-$region"
is_ours "$packages" || aws s3 mb "s3://$packages"
aws cloudformation package --template-file "$folder/template.yaml" --output-template-file "$work/template.yaml" \
    --s3-bucket "$packages" --s3-prefix "$stack" > "$work/log" 2>&1 || refuse "$(cat "$work/log")"

deploy() {
    aws cloudformation deploy --stack-name "$stack" --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset \
        --tags project=luxury-brands-data-collector ${role[@]+"${role[@]}"} --template-file "$@"
}
if [ -n "$try" ] && [ -n "$status" ]; then
    aws cloudformation get-template --stack-name "$stack" --query TemplateBody --output text > "$work/previous.yaml"
    aws cloudformation describe-stacks --stack-name "$stack" --output json \
        --query "Stacks[0].Parameters[].join('=', [ParameterKey, ParameterValue])" > "$work/previous.json"
fi
if ! deploy "$work/template.yaml" ${parameters[@]+--parameter-overrides "${parameters[@]}"} | tee "$work/log"; then
    # The reasons are the events since the start, the newest first. A change set that is refused starts nothing.
    if grep -q 'Waiting for stack' "$work/log"; then
        aws cloudformation describe-stack-events --stack-name "$stack" --output text \
            --query 'StackEvents[].[LogicalResourceId,ResourceStatus,ResourceStatusReason]' |
            awk -F '\t' -v stack="$stack" '$1 == stack && $2 ~ /^(CREATE|UPDATE)_IN_PROGRESS$/ { old = 1 }
                !old && $2 ~ /_FAILED$/ && $3 !~ /cancelled/ { print "  " $1 ": " $3 }' >&2
    fi
    status="$(described StackStatus)"
    case "$status" in
        # It would stop the next deployment.
        ROLLBACK_COMPLETE | REVIEW_IN_PROGRESS)
            aws cloudformation delete-stack --stack-name "$stack"
            aws cloudformation wait stack-delete-complete --stack-name "$stack"
            status="" ;;
    esac
    say "the deployment failed${status:+, and the stack is $status}"
    exit 1
fi
described 'Outputs[].[OutputKey,OutputValue]'
[ -n "$try" ] || exit 0

printf '{"job": "token"}' > "$work/event.json"
failed="$(aws lambda invoke --function-name "$stack" --payload "fileb://$work/event.json" --cli-read-timeout 120 \
    --query FunctionError --output text "$work/response.json")"
# A token that the API refuses is not the deployment's fault.
if [ "$failed" = None ] || grep -q '"errorType": *"nothing_collected"' "$work/response.json"; then exit 0; fi
say "the function fails: $(cat "$work/response.json")"
if [ -n "$status" ]; then
    deploy "$work/previous.yaml" --parameter-overrides "file://$work/previous.json"
    say "the previous deployment is restored"
fi
exit 1
