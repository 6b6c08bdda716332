#!/usr/bin/env bash
# Runs the official Lua 5.3.4 test suite and prints a table; fails if a program fails or if there is no suite.
#
# usage: scripts/official-suite.sh [PROGRAM]      (default: target/release/perilune; `lua5.3` shows the reference's results)
#
# SUITE_TIMEOUT is the time that each program may take, in seconds (default 600). SUITE_ONLY is a pattern of names to run.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$root/target/release/perilune}
timeout=${SUITE_TIMEOUT:-600}
only=${SUITE_ONLY:-*}

program=$(command -v "$program") || { echo "official-suite: there is no program '${1:-$program}'; build it first" >&2; exit 1; }
program=$(realpath "$program")
suite=$("$root/scripts/fetch-suite.sh")

work=$(mktemp -d "$root/target/suite/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -R "$suite" "$work/suite"
cd "$work/suite"
# The same programs without main.lua, which tests the command line and runs by itself.
sed "s/^dofile('main.lua')\$//" all.lua > "$work/all.lua"
if cmp -s all.lua "$work/all.lua"; then
    echo "official-suite: all.lua has no line that runs main.lua" >&2
    exit 1
fi
cp "$work/all.lua" all-without-main.lua

unset LUA_INIT LUA_INIT_5_3 LUA_PATH LUA_PATH_5_3 LUA_CPATH LUA_CPATH_5_3

# Runs the program with standard input from a pipe, in a process group of its own (made by `timeout`). What is left of the
# group afterwards is ended: a failing main.lua leaves a script behind that never ends.
run() {
    : | timeout --kill-after=5 "$timeout" "$program" "$@" > "$work/output" 2>&1 &
    local group=$! status=0
    wait "$group" || status=$?
    kill -KILL -- "-$group" 2> /dev/null || true
    return "$status"
}

passed=0
failed=0

# check NAME EXPECTED TRIES ARGUMENTS...: a row of the table. EXPECTED must occur in the output, if it is not empty.
check() {
    local name=$1 expected=$2 tries=$3 start=$EPOCHREALTIME status try result
    shift 3
    # shellcheck disable=SC2254
    case $name in $only) ;; *) return 0 ;; esac
    for ((try = 1; try <= tries; try++)); do
        status=0
        run "$@" || status=$?
        [ "$status" -ne 0 ] || break
    done
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        result="no end after $timeout s"
    elif [ "$status" -ne 0 ]; then
        result="exit code $status"
    elif [ -n "$expected" ] && ! grep -qF -- "$expected" "$work/output"; then
        result="no '$expected'"
    else
        result=ok
    fi
    printf '%-34s %8.2f s  %s\n' "$name" "$(seconds_between "$start" "$EPOCHREALTIME")" "$result"
    if [ "$result" = ok ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 12 "$work/output" | sed 's/^/    | /'
    fi
}

# The seconds between two moments, which have six digits behind the point.
seconds_between() {
    local microseconds=$((${2/[.,]/} - ${1/[.,]/}))
    printf '%d.%06d' $((microseconds / 1000000)) $((microseconds % 1000000))
}

echo "$program"
files=(*.lua)
for file in "${files[@]}"; do
    [ "$file" != all-without-main.lua ] || continue
    check "$file (_port _soft)" "" 1 -e "_port=true _soft=true" "$file"
done
alone=$((passed + failed))
check "all.lua (_U)" "final OK !!!" 1 -e "_U=true" all.lua
check "all.lua (_port)" "final OK !!!" 1 -e "_port=true" all.lua
check "all.lua without main.lua" "final OK !!!" 1 all-without-main.lua
# The part of main.lua that interrupts running scripts is a race.
check "main.lua" "OK" 20 main.lua

echo "$passed passed, $failed failed"
if [ "$only" = '*' ] && [ "$alone" -lt 28 ]; then
    echo "official-suite: only $alone files were found" >&2
    exit 1
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
