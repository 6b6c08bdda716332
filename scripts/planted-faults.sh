#!/usr/bin/env bash
# Plants the faults of fuzz/faults, one at a time, and says what finds each of them, and how soon: the tests of the fuzz crate, run one
# by one as they are by default; where none of them does, the fuzz targets that the patch names, for five minutes in all. Prints a
# table, and fails if a fault is not found.
#
# usage: scripts/planted-faults.sh [NN...]      (default: all of them)
#
# What is tested is what is committed, in a work tree of its own in target/planted; the logs lie there, too. The tests take about two
# minutes a fault, and as long to build. For the fuzz targets nightly and cargo-fuzz are needed, as for scripts/fuzz.sh.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
place=${CARGO_TARGET_DIR:-$root/target}/planted
tree=$place/tree
logs=$place/logs
mkdir -p "$place" "$logs"
export CARGO_TARGET_DIR=$place/build
export PERILUNE_FUZZ_SHRINK=0
# How long one test may take, and all fuzz targets of a fault.
readonly TEST_SECONDS=300 FUZZ_SECONDS=300

patches=()
for number in "${@:-}"; do
    named=("$root/fuzz/faults/$number"*.patch)
    [ -f "${named[0]}" ] || { echo "planted-faults: there is no fault '$number'" >&2; exit 1; }
    patches+=("${named[@]}")
done

git -C "$root" worktree prune
if [ -e "$tree/.git" ]; then
    git -C "$tree" checkout --quiet --force --detach "$(git -C "$root" rev-parse HEAD)"
else
    git -C "$root" worktree add --quiet --force --detach "$tree" HEAD
fi

# The tree as it is committed: nothing planted, and no seeds kept of what was found before.
clean() {
    git -C "$tree" checkout --quiet --force
    git -C "$tree" clean --quiet --force -d
}

# Builds the tests, and prints the names and programs of all test targets.
programs() {
    (cd "$tree" && cargo test -p perilune-fuzz --no-run --lib --tests 2>&1) > "$logs/build" || return 1
    sed -nE 's/^ *Executable (unittests )?(src|tests)\/([^ ]*)\.rs \((.*)\)$/\3 \4/p' "$logs/build"
}

seconds_since() {
    awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'
}

# Runs all tests, one by one; prints the name of each that fails and how long it took. $1 is where the log goes.
failing() {
    local log=$1 list target program test start status
    : > "$log"
    list=$(programs) || { cat "$logs/build" >&2; echo "planted-faults: this does not compile" >&2; return 2; }
    [ -n "$list" ] || { echo "planted-faults: cargo named no test programs" >&2; return 2; }
    while read -r target program; do
        while read -r test; do
            start=$EPOCHREALTIME status=0
            (cd "$tree/fuzz" && CARGO_MANIFEST_DIR=$PWD timeout "$TEST_SECONDS" "$program" --exact "$test") >> "$log" 2>&1 < /dev/null || status=$?
            [ "$status" -eq 0 ] || echo "$target::$test $(seconds_since "$start") $status"
        done < <("$program" --list 2> /dev/null | sed -n 's/: test$//p')
    done <<< "$list"
}

# Runs the fuzz targets that a patch names; prints the name of the first that finds something, and how long all took until then.
fuzzed() {
    local patch=$1 log=$2 target start names
    cargo +nightly fuzz --version > /dev/null 2>&1 || { echo "planted-faults: this needs a nightly toolchain and cargo-fuzz" >&2; return 1; }
    read -ra names <<< "$(sed -n 's/^# Targets: //p' "$patch")"
    # What was found with other faults must not help with this one.
    rm -rf "$CARGO_TARGET_DIR/fuzz/corpus" "$CARGO_TARGET_DIR/fuzz/artifacts"
    (cd "$tree/fuzz/targets" && CARGO_TARGET_DIR=$CARGO_TARGET_DIR/fuzz cargo +nightly fuzz build --fuzz-dir .) >> "$log" 2>&1
    start=$EPOCHREALTIME
    for target in "${names[@]}"; do
        (cd "$tree" && scripts/fuzz.sh $((FUZZ_SECONDS / ${#names[@]})) "$target") >> "$log" 2>&1 || true
        if compgen -G "$CARGO_TARGET_DIR/fuzz/artifacts/$target/*" > /dev/null; then
            echo "fuzz target $target $(seconds_since "$start")"
            return
        fi
    done
}

clean
echo "planted-faults: the tests without a fault"
bad=$(failing "$logs/none") || exit 1
[ -z "$bad" ] || { echo "planted-faults: these tests fail without any fault:" $bad >&2; exit 1; }

missed=0
table=()
for patch in "${patches[@]}"; do
    name=$(basename "$patch" .patch)
    clean
    git -C "$tree" apply "$patch" || { echo "planted-faults: $name does not apply any more" >&2; exit 1; }
    bad=$(failing "$logs/$name") || { echo "planted-faults: $name is no fault that compiles" >&2; exit 1; }
    if [ -n "$bad" ]; then
        # The one that took the shortest time, and how many others.
        first=$(sort -k 2 -n <<< "$bad" | head -n 1)
        read -r by seconds _ <<< "$first"
        others=$(($(wc -l <<< "$bad") - 1))
        [ "$others" -eq 0 ] || by="$by, and $others more"
    else
        found=$(fuzzed "$patch" "$logs/$name") || exit 1
        by=${found% *} seconds=${found##* }
        [ -n "$found" ] || { by="NOTHING" seconds=-; missed=$((missed + 1)); }
    fi
    printf '%s: %s (%s s)\n' "$name" "$by" "$seconds"
    [ -z "$bad" ] || sed 's/^/    /' <<< "$bad"
    table+=("$(printf '%-24s %-70s %8s' "$name" "$by" "$seconds")")
done
clean

printf '\n%-24s %-70s %8s\n' fault "found by" seconds
printf '%s\n' "${table[@]}"
[ "$missed" -eq 0 ] || { echo "planted-faults: $missed were not found" >&2; exit 1; }
