#!/usr/bin/env bash
# Checks the machine code of the fast handlers (`op_*`, rules I2 and I4 of vm/src/exec/interp.rs): none holds a call, but to what
# never returns, and none pushes registers on the way through it that the compiler laid out first, which ends with the first jump
# to another word's handler, but for the exceptions below. It reads x86-64 code.
#
# usage: scripts/handlers.sh [PROGRAM]      (default: the release build; it must have its symbols and be built for tail calls)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-${CARGO_TARGET_DIR:-$root/target}/release/perilune}

# Handlers that push, and how many registers at most; this script insists that a row is lowered or taken out once its handler does
# with less. Five arguments leave four registers free. Stores into fields have the table, its node, the key and the value alive at
# once, those of globals the upvalue too; comparisons with a constant have its place and the types of both; the others copy runs of
# values, or ask of a function what kind it is while they look for the room that it needs.
pushes='
op_eq_k 1
op_not_eq_k 1
op_set_field_k 1
op_set_tab_up 1
op_set_tab_up_k 2
op_tail_call 1
op_vararg 1
'
# Handlers whose code the optimiser has merged with that of others, which are checked in their place.
merged=''

fail() { echo "handlers: $*" >&2; exit 1; }
command -v objdump > /dev/null || fail "objdump is not there (Debian: apt-get install binutils)"
[ -x "$program" ] || fail "there is no program $program (cargo build --release -p perilune)"
objdump -f "$program" | grep -q 'architecture: i386:x86-64' || fail "$program is not a program for x86-64, whose code this script reads"

# What the source names: one handler for each row of the opcode table.
names=$(sed -nE 's/^ +Op::[A-Za-z0-9]+ => [a-z_]+::(op_[a-z0-9_]+),$/\1/p' "$root/vm/src/exec/handlers/mod.rs" | sort -u)
[ "$(wc -l <<< "$names")" -ge 80 ] || fail "found only $(wc -l <<< "$names") handlers in the source"

# The rows `NAME calls pushes jumps instructions` of all handlers in the program. A call that the trap `ud2` follows does not return;
# room that is made on the stack counts as a push.
code=$(objdump -d -C --no-show-raw-insn --no-addresses "$program" | awk '
    /^<.*>:$/ {
        name = ""
        if (match($0, /exec::handlers::[a-z_]+::op_[a-z0-9_]+>:$/)) {
            name = substr($0, RSTART, RLENGTH - 2)
            sub(/.*::/, "", name)
            calls[name] = pushes[name] = jumps[name] = count[name] = 0
        }
        was_call = 0
        next
    }
    name != "" && NF {
        count[name]++
        if (was_call && $1 == "ud2") calls[name]--
        was_call = $1 ~ /^call/
        if (was_call) calls[name]++
        if ($1 == "jmp" && $2 ~ /^\*/) jumps[name]++
        if (jumps[name] == 0 && ($1 ~ /^push/ || ($1 == "sub" && $NF ~ /,%rsp$/))) pushes[name]++
    }
    END { for (name in count) print name, calls[name], pushes[name], jumps[name], count[name] }')

bad=0
complain() { echo "handlers: $*" >&2; bad=1; }
checked=0
jumping=0
for name in $names; do
    row=$(awk -v name="$name" '$1 == name' <<< "$code")
    if [ -z "$row" ]; then
        [[ " $merged " == *" $name "* ]] || complain "$name is not in the program"
        continue
    fi
    [[ " $merged " != *" $name "* ]] || complain "$name is in the program, so it need no longer be called merged"
    read -r _ calls pushed jumps count <<< "$row"
    checked=$((checked + 1))
    [ "$jumps" -eq 0 ] || jumping=$((jumping + 1))
    [ "$count" -ge 3 ] || complain "$name has only $count instructions: was it read rightly?"
    [ "$calls" -eq 0 ] || complain "$name holds $calls calls"
    allowed=$(awk -v name="$name" '$1 == name { print $2 }' <<< "$pushes")
    if [ "$pushed" -gt "${allowed:-0}" ]; then
        complain "$name pushes $pushed registers, ${allowed:-0} are allowed"
    elif [ "$pushed" -lt "${allowed:-0}" ]; then
        complain "$name pushes only $pushed registers: lower its exception of $allowed"
    fi
done
for name in $(awk '{ print $1 }' <<< "$pushes") $merged; do
    grep -qx "$name" <<< "$names" || complain "$name is an exception, but there is no such handler"
done
# Nearly all go on to the next word by themselves; in the form of a loop none does.
[ "$jumping" -ge 60 ] || complain "only $jumping handlers jump to the next one: is $program built for tail calls?"
[ "$bad" -eq 0 ] || exit 1
echo "$checked handlers hold no call, $(awk 'NF' <<< "$pushes" | wc -l) of them push"
