#!/bin/sh
# Runs one fuzz target for some seconds: fuzz/run.sh <target> [<seconds>]
# Only the stable toolchain is needed: RUSTC_BOOTSTRAP=1 is what lets it take cargo-fuzz's flags.
set -eu
cd "$(dirname "$0")/.."
target=$1
seconds=${2:-300}
case $target in
configuration) dict=ini.dict ;;
*) dict=json.dict ;;
esac
mkdir -p "fuzz/corpus/$target"
# 8 KiB at most: enough for a whole configure.ini, and small enough to be fast.
RUSTC_BOOTSTRAP=1 exec cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -dict="fuzz/$dict" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
