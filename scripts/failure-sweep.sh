#!/usr/bin/env bash
# The allocation-failure sweep: each script is run with memory failing at each of its requests, once and from there on, and the
# table says what that came to (see fuzz/src/sweep/mod.rs). Fails if anything went wrong.
#
# usage: scripts/failure-sweep.sh [chosen|all] [POINTS]
#
# `chosen` (the default) takes two minutes: all that needs little but memory. `all` is that, what takes long at each request, and
# what waits for connections: on two cores half an hour for what is in both, six hours for the rest. POINTS is how many requests of a
# script fail at most, evenly spread (300 and 20 000).
# SWEEP_PROGRAM is the program `sweep`, if it is built already; SWEEP_JOBS says how many processes run at the same time at most,
# if not one for each processor.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
set=${1:-chosen}
target=${CARGO_TARGET_DIR:-$root/target}
program=${SWEEP_PROGRAM:-$target/sweep/sweep}
if [ -z "${SWEEP_PROGRAM:-}" ]; then
    (cd "$root" && CARGO_TARGET_DIR=$target cargo build --quiet --profile sweep -p perilune-fuzz --bin sweep)
fi
program=$(realpath "$program")
suite=$("$root/scripts/fetch-suite.sh")

# What of the official suite runs by itself, in its soft form. Without main.lua (the command line), all.lua (the others again)
# and verybig.lua (a file of a million lines).
names=(api attrib big bitwise calls closure code constructs coroutine db errors events files gc goto literals locals math nextvar
    pm sort strings tpack utf8 vararg)
# Folders of tests/lua that need nothing but memory and files, and single scripts: those of sockets that do not wait.
folders=(base bit32 coroutine debug error gc io lang math mime os package string table utf8)
files=(code.lua beyond/yields.lua beyond/socket_yields.lua socket/except.lua socket/limits.lua socket/names.lua socket/options.lua
    socket/select.lua socket/stats.lua socket/tcp.lua)
# What takes long.
long=(beyond/callbacks.lua lang/depth.lua socket/chain.lua socket/connect.lua socket/dns.lua socket/errors.lua
    socket/receive.lua socket/send.lua socket/serial.lua socket/timeout.lua socket/udp.lua socket/unix.lua)

case $set in
    chosen) points=${2:-300} ;;
    all) points=${2:-20000} ;;
    *) echo "usage: scripts/failure-sweep.sh [chosen|all] [POINTS]" >&2; exit 1 ;;
esac

options=(--points "$points")
[ -z "${SWEEP_JOBS:-}" ] || options+=(--jobs "$SWEEP_JOBS")

cd "$root/tests/lua"
for folder in "${folders[@]}"; do
    for file in "$folder"/*.lua; do
        [[ " ${long[*]} " == *" $file "* ]] || files+=("$file")
    done
done
[ "$set" = chosen ] || files+=("${long[@]}")
[ "${#files[@]}" -gt 30 ] || { echo "failure-sweep: only ${#files[@]} scripts were found" >&2; exit 1; }
"$program" "${options[@]}" "${files[@]}" > /dev/null

# In a copy, since some write files beside themselves.
work=$(mktemp -d "$root/target/suite/sweep.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -R "$suite/." "$work"
cd "$work"
"$program" "${options[@]}" "${names[@]/%/.lua}" > /dev/null
