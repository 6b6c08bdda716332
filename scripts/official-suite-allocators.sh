#!/usr/bin/env bash
# Runs the official test suite on the allocators of the program, one after the other, and shows the last line of each.
#
# usage: scripts/official-suite-allocators.sh [PROGRAM [NAME...]]
#
# The default program is target/release/perilune; the default names are all that it lists.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/target/release/perilune}")
shift || true
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    mapfile -t names < <("$program" --allocs | cut -d ' ' -f 1)
fi
[ ${#names[@]} -gt 0 ] || { echo "official-suite-allocators: no allocators" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for name in "${names[@]}"; do
    # The suite runs one program without options, so it gets one that adds them.
    printf '#!/bin/sh\nexec "%s" --alloc "%s" "$@"\n' "$program" "$name" > "$work/perilune-$name"
    chmod +x "$work/perilune-$name"
    if "$root/scripts/official-suite.sh" "$work/perilune-$name" > "$work/output" 2>&1; then
        printf '%-16s %s\n' "$name" "$(tail -n 1 "$work/output")"
    else
        printf '%-16s FAILED\n' "$name"
        cat "$work/output"
        failed=1
    fi
done
exit "$failed"
