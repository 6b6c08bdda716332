#!/usr/bin/env bash
# Runs generated programs in optimised builds of both forms of the handlers, joined by tail calls and in a loop, and compares what they
# come to.
#
# usage: scripts/dispatch-agrees.sh [FIRST LAST]      (seeds; default: 0 20000)
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
first=${1:-0}
last=${2:-20000}
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
# Each form has a directory of its own, as in .ci/run.
run() {
    export PERILUNE_DISPATCH=$1 CARGO_TARGET_DIR=$2
    cargo build --quiet --release -p perilune-fuzz --example outcomes
    "$2/release/examples/outcomes" "$first" "$last" > "$results/$1"
}
run tail "$target"
run loop "$target/loop"
lines=$(wc -l < "$results/tail")
[ "$lines" -gt 0 ] || { echo "no programs were run" >&2; exit 1; }
if ! diff "$results/tail" "$results/loop"; then
    echo "the two forms differ on programs of these seeds" >&2
    exit 1
fi
echo "$((last - first)) programs come to the same in both forms"
