#!/usr/bin/env bash
# Runs the official Lua 5.3.4 test suite with its internal tests on; fails if a program fails or has no test library.
#
# usage: scripts/official-suite-internal.sh PROGRAM      (built with the feature `testlib`)
#
# main.lua is left out, because it starts the program by itself. code.lua looks at the instructions of another machine; the
# file tests/lua/code.lua takes its place. SUITE_TIMEOUT is the time that each program may take, in seconds (default 600).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
timeout=${SUITE_TIMEOUT:-600}
program=$(realpath "$(command -v "${1:?usage: official-suite-internal.sh PROGRAM}")")
suite=$("$root/scripts/fetch-suite.sh")

unset LUA_INIT LUA_INIT_5_3 LUA_PATH LUA_PATH_5_3 LUA_CPATH LUA_CPATH_5_3
"$program" -e 'assert(T, "no test library: build with --features testlib")'

work=$(mktemp -d "$root/target/suite/internal.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -R "$suite" "$work/suite"
cd "$work/suite"
cp "$root/tests/lua/code.lua" code.lua
sed -i "s/^dofile('main.lua')\$//" all.lua
if grep -q "^dofile('main.lua')" all.lua; then
    echo "official-suite-internal: all.lua still runs main.lua" >&2
    exit 1
fi

# A function with a quick form is another value than the same function pushed without it (COMPATIBILITY.md).
sed -i 's/^assert(a(3) == math.deg(3) and a == math.deg)$/assert(a(3) == math.deg(3) and a ~= math.deg)/' api.lua
if ! grep -q '^assert(a(3) == math.deg(3) and a ~= math.deg)$' api.lua; then
    echo "official-suite-internal: api.lua does not compare math.deg with its function" >&2
    exit 1
fi

failed=0
# check FILE EXPECTED: the file ends well, and EXPECTED occurs in what it prints.
check() {
    local start=$SECONDS status=0 result=ok
    : | timeout --kill-after=5 "$timeout" "$program" "$1" > "$work/output" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        result="exit code $status"
    elif ! grep -qF -- "$2" "$work/output"; then
        result="no '$2'"
    elif grep -qF 'testC not active' "$work/output"; then
        result="internal tests left out"
    fi
    printf '%-20s %5d s  %s\n' "$1" $((SECONDS - start)) "$result"
    [ "$result" = ok ] || { failed=1; tail -n 12 "$work/output" | sed 's/^/    | /'; }
}

echo "$program"
for file in api coroutine gc events nextvar strings db code; do
    check "$file.lua" OK
done
check all.lua "final OK !!!"
[ "$failed" -eq 0 ]
