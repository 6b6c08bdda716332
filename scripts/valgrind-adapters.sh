#!/usr/bin/env bash
# Runs the tests of the adapters that manage memory themselves under valgrind: their traps and long runs, and Lua programs on them.
#
# usage: scripts/valgrind-adapters.sh [NAME...]      (default: slab up_bump bump bump_free_list mimalloc mimalloc_shared)
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind > /dev/null || { echo "valgrind-adapters: valgrind is not installed" >&2; exit 1; }
names=("$@")
[ $# -gt 0 ] || names=(slab up_bump bump bump_free_list mimalloc mimalloc_shared)

# The path of a package's test program.
program() {
    cargo test --quiet --package "$1" --test adapters --no-run --message-format json |
        sed -n 's/.*"name":"adapters".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

for package in perilune-alloc-adapters perilune-stdlib; do
    test_program=$(program "$package")
    [ -x "$test_program" ] || { echo "valgrind-adapters: $package has no test program" >&2; exit 1; }
    for name in "${names[@]}"; do
        start=$SECONDS
        output=$(valgrind --quiet --error-exitcode=9 "$test_program" --exact "$name" --test-threads=1 2>&1) ||
            { echo "$output" | tail -n 60; echo "$package: $name FAILED" >&2; exit 1; }
        grep -q '^test result: ok. 1 passed' <<< "$output" || { echo "$package has no test $name" >&2; exit 1; }
        echo "$package: $name ok, $((SECONDS - start)) s"
    done
done
