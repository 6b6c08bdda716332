#!/usr/bin/env bash
# Checks that the code map in ARCHITECTURE.md names every source file of every crate, and no file that does not exist.
set -euo pipefail
cd "$(dirname "$0")/.."

bad=0
count=0
# The part of ARCHITECTURE.md below a heading that names a crate's src directory.
section() {
    awk -v crate="\`$1\`" '/^##/ { inside = index($0, crate) > 0 } inside' ARCHITECTURE.md
}
for src in */src; do
    map=$(section "$src")
    [ -n "$map" ] || { echo "ARCHITECTURE.md has no section for $src" >&2; bad=1; continue; }
    while read -r file; do
        count=$((count + 1))
        name=${file#"$src/"}
        # Files of one folder may be named by their last part, behind the folder's mod.rs.
        if ! grep -qF "\`$name\`" <<< "$map" && ! { grep -qF "\`$(dirname "$name")/mod.rs\`" <<< "$map" && grep -qF "\`$(basename "$name")\`" <<< "$map"; }; then
            echo "ARCHITECTURE.md does not name $file" >&2
            bad=1
        fi
    done < <(find "$src" -name '*.rs' | sort)
    while read -r name; do
        if [ -z "$(find "$src" -path "*/$name" -print -quit)" ] && ! ls */src/"$name" > /dev/null 2>&1; then
            echo "ARCHITECTURE.md names $src/$name, which does not exist" >&2
            bad=1
        fi
    done < <(grep '^|' <<< "$map" | grep -o '`[a-z0-9_/]*\.rs`' | tr -d '`' | sort -u)
done
[ "$count" -gt 50 ] || { echo "tidy: only $count source files were found" >&2; exit 1; }
[ "$bad" -eq 0 ] && echo "$count source files are in the code map"
