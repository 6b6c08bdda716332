#!/usr/bin/env bash
# Runs the fuzz targets of fuzz/targets with address sanitizer, one after the other, and prints a table; fails if one finds something.
#
# usage: scripts/fuzz.sh [SECONDS] [TARGET...]      (default: 10 seconds for each of all targets)
#
# Needs a nightly toolchain (`rustup toolchain install nightly`) and cargo-fuzz (`cargo install cargo-fuzz`). Inputs that reach new
# code are kept in target/fuzz/corpus, and used again; what fails lies in target/fuzz/artifacts. FUZZ_JOBS is how many targets run at
# the same time (default 1), FUZZ_SEED a number from which chance follows (default: another one each time).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root/fuzz/targets"

seconds=${1:-10}
[ $# -eq 0 ] || shift
cargo +nightly fuzz --version > /dev/null 2>&1 || { echo "fuzz: this needs a nightly toolchain and cargo-fuzz" >&2; exit 1; }
target=${CARGO_TARGET_DIR:-$root/target}/fuzz
export CARGO_TARGET_DIR=$target
host=$(rustc --version --verbose | sed -n 's/^host: //p')

cargo +nightly fuzz build --fuzz-dir . 2>&1 | { grep -E '^(warning|error)' || true; } >&2
names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(cargo +nightly fuzz list --fuzz-dir .)
[ "${#names[@]}" -gt 0 ] || { echo "fuzz: there are no targets" >&2; exit 1; }
(cd "$root" && CARGO_TARGET_DIR=${target%/fuzz} cargo run --quiet -p perilune-fuzz --bin seeds -- "$target/seeds")

# What a target's last lines say, as a row of the table; its end is the row's.
run() {
    local name=$1 log=$target/$1.log result=ok status=0 executions speed edges all cpu TIMEFORMAT=%U
    mkdir -p "$target/corpus/$name" "$target/artifacts/$name"
    local options=(-max_total_time="$seconds" -timeout=30 -rss_limit_mb=4096 -max_len=8192 -seed="${FUZZ_SEED:-0}" -print_final_stats=1
        -artifact_prefix="$target/artifacts/$name/")
    [ ! -f "dictionaries/$name.dict" ] || options+=(-dict="dictionaries/$name.dict")
    # A request that is too large is refused, which is what allocators and runtimes are tested with.
    cpu=$({ time ASAN_OPTIONS=allocator_may_return_null=1:${ASAN_OPTIONS:-} \
        "$target/$host/release/$name" "${options[@]}" "$target/corpus/$name" "$target/seeds/$name" > "$log" 2>&1; } 2>&1) || status=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
    speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    all=$(sed -n 's/^INFO: Loaded .* (\([0-9]*\) inline.*/\1/p' "$log")
    [ "$status" -eq 0 ] || result="FAILED, see $log"
    [ "${executions:-0}" -gt 0 ] || { status=1; result="did nothing, see $log"; }
    printf '%-24s %10s %12s %10s %15s  %s\n' "$name" "${cpu:--}" "${executions:--}" "${speed:--}" "${edges:--} of ${all:--}" "$result"
    return "$status"
}

printf '%-24s %10s %12s %10s %15s  %s\n' target CPU-seconds executions a-second edges result
failed=0
running=0
for name in "${names[@]}"; do
    [ -x "$target/$host/release/$name" ] || { echo "fuzz: there is no target '$name'" >&2; exit 1; }
    if [ "$running" -ge "${FUZZ_JOBS:-1}" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    run "$name" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
