#!/usr/bin/env bash
# Builds a function and makes the folder that it is deployed from, and the folder's archive:
#
#     deploy/package.sh [--scale] [arm64|x86_64]
#
# Needs Rust, its target for the processor, and deploy/requirements.txt. The folder holds bootstrap.zip, template.yaml
# and deploy.sh. With --scale it is that of scale/template.yaml.
set -euo pipefail
cd "$(dirname "$0")/.."

name=luxury-brands-data-collector binary=data-collector manifest=Cargo.toml files=(template.yaml)
if [ "${1:-}" = --scale ]; then
    shift
    name=$name-scale binary=rollup manifest=scale/rollup/Cargo.toml files=(scale/{template,shards.asl,begin.asl}.yaml)
fi
case "${1:-arm64}" in
    arm64) architecture=arm64 option=--arm64 ;;
    x86_64) architecture=x86_64 option=--x86-64 ;;
    *) echo "package.sh: $1 is not a processor of Lambda (arm64 or x86_64)" >&2; exit 2 ;;
esac

target="${CARGO_TARGET_DIR:-target}"
cargo lambda build --release --locked --manifest-path "$manifest" --bin "$binary" "$option" --lambda-dir "$target/lambda"

folder="$target/package/$name-$architecture"
rm -rf "$folder"
mkdir -p "$folder"
cp "${files[@]}" LICENSE deploy/deploy.sh "$folder"
# The same program gives the same archive, whenever it is packed.
touch -t 198001010000 "$target/lambda/$binary/bootstrap"
python3 -m zipfile --create "$folder/bootstrap.zip" "$target/lambda/$binary/bootstrap"
# The template in the repository is for arm64.
sed -i.before "s/Architectures: \[.*\]/Architectures: [$architecture]/" "$folder/template.yaml"
rm "$folder/template.yaml.before"
tar -czf "$folder.tar.gz" -C "$target/package" "${folder##*/}"
echo "$folder"
