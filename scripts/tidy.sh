#!/usr/bin/env bash
# Checks that the code map in ARCHITECTURE.md names every source file of every crate, and no file that does not exist; and that
# the table of C names in COMPATIBILITY.md and the search aliases in the sources agree.
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

# The rows of the table: each C name, a tab, and what the right column begins with.
rows=$(awk '/^## / { inside = /^## The C API, name by name/ } inside && /^\| `/' COMPATIBILITY.md | awk -F ' *[|] *' '
    { n = split($2, names, /, */); for (i = 1; i <= n; i++) { gsub(/`/, "", names[i]); print names[i] "\t" $3 } }')
aliases=$(grep -rhoE 'doc\(alias = "[A-Za-z_0-9]+"' */src | cut -d '"' -f 2 | sort -u)
items=$(grep -rhoE '\b((const |unsafe )*fn|const|type|struct|enum|trait|mod) [A-Za-z_0-9]+|^ +[A-Z][A-Za-z]+( =|,|\()' */src |
    sed -E 's/^((const |unsafe )*fn|const|type|struct|enum|trait|mod) //; s/[ =,(]//g' | sort -u)
known() { grep -qxF -- "$1" <<< "$2"; }
mapped=0
while IFS=$'\t' read -r name here; do
    case $here in
        '`'*)
            mapped=$((mapped + 1))
            # `ours`, `Type::ours` or `module::ours`; the first word of code.
            item=${here#'`'}
            item=${item%%'`'*}
            item=${item##*::}
            known "$item" "$items" || { echo "COMPATIBILITY.md: $name is said to be $here, which does not exist" >&2; bad=1; }
            known "$name" "$aliases" || [ "$name" = "$item" ] || { echo "no doc(alias) for $name" >&2; bad=1; }
            ;;
        —*|Rust*|'a pair'*) ;;
        *) echo "COMPATIBILITY.md: the row of $name says nothing" >&2; bad=1 ;;
    esac
done <<< "$rows"
names=$(cut -f 1 <<< "$rows" | sort)
twice=$(uniq -d <<< "$names")
[ -z "$twice" ] || { echo "COMPATIBILITY.md names twice:" $twice >&2; bad=1; }
found=0
while read -r name; do
    found=$((found + 1))
    known "$name" "$names" || { echo "COMPATIBILITY.md does not name $name, which is an alias in the sources" >&2; bad=1; }
done < <(grep -rhoE 'doc\(alias = "luaL?_[A-Za-z_0-9]+"' vm/src stdlib/src | cut -d '"' -f 2 | sort -u)
[ "$mapped" -gt 200 ] || { echo "tidy: only $mapped C names have a counterpart in COMPATIBILITY.md" >&2; bad=1; }
[ "$found" -gt 150 ] || { echo "tidy: only $found aliases with C names were found" >&2; bad=1; }
[ "$bad" -eq 0 ] && echo "$count source files are in the code map, $mapped C names have counterparts"
