#!/usr/bin/env bash
# The allocation-failure sweep: each script is run with memory failing at each of its requests, once and from there on, and the
# table says what that came to (see fuzz/src/sweep.rs). Fails if anything went wrong.
#
# usage: scripts/failure-sweep.sh [chosen|all] [POINTS]
#
# `chosen` (the default) takes two minutes: most of tests/lua, and of the official suite what is quick. `all` is every script that
# needs nothing but memory; it takes hours, a day for gc.lua alone. POINTS is how many requests of a script fail at most, evenly
# spread (400 and 20 000).
# SWEEP_PROGRAM is the program `sweep`, if it is built already.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
set=${1:-chosen}
target=${CARGO_TARGET_DIR:-$root/target}
program=${SWEEP_PROGRAM:-$target/sweep/debug/sweep}

# With debug assertions, but optimised, since the instruments are what takes most of the time.
if [ -z "${SWEEP_PROGRAM:-}" ]; then
    (cd "$root" && CARGO_TARGET_DIR=$target/sweep CARGO_PROFILE_DEV_OPT_LEVEL=2 cargo build --quiet -p perilune-fuzz --bin sweep)
fi
program=$(realpath "$program")
suite=$("$root/scripts/fetch-suite.sh")

# What of the official suite runs by itself, in its soft form. Without main.lua (the command line), all.lua (the others again)
# and verybig.lua (a file of a million lines).
quick=(api bitwise calls code coroutine errors events goto math pm strings tpack utf8 vararg)
slow=(attrib big closure constructs db files gc literals locals nextvar sort)
# Folders of tests/lua that need nothing but memory; what takes long in them.
folders=(base bit32 coroutine debug error gc lang math mime os package string table utf8)
long=(lang/limits.lua coroutine/metamethods.lua)

case $set in
    chosen) points=${2:-400} ;;
    all) points=${2:-20000} ;;
    *) echo "usage: scripts/failure-sweep.sh [chosen|all] [POINTS]" >&2; exit 1 ;;
esac

cd "$root/tests/lua"
# The scripts of sockets that do not wait.
files=(code.lua socket/except.lua socket/limits.lua socket/names.lua socket/options.lua
    socket/select.lua socket/stats.lua socket/tcp.lua)
for folder in "${folders[@]}"; do
    for file in "$folder"/*.lua; do
        case " ${long[*]} " in *" $file "*) [ "$set" = all ] || continue ;; esac
        files+=("$file")
    done
done
[ "${#files[@]}" -gt 30 ] || { echo "failure-sweep: only ${#files[@]} scripts were found" >&2; exit 1; }
"$program" --points "$points" "${files[@]}" > /dev/null

# In a copy, since some write files beside themselves.
work=$(mktemp -d "$root/target/suite/sweep.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -R "$suite/." "$work"
cd "$work"
names=("${quick[@]}")
[ "$set" = chosen ] || names+=("${slow[@]}")
"$program" --points "$points" "${names[@]/%/.lua}" > /dev/null
