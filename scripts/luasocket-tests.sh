#!/usr/bin/env bash
# Runs LuaSocket's own test scripts with our program and prints a table; fails if one fails, or if they are not all there.
#
# usage: scripts/luasocket-tests.sh [PROGRAM]     (default: target/release/perilune; `lua5.3` shows the original's results)
#
# The scripts are those of LuaSocket 3.1.0, from Debian's source package, which comes by `apt-get source`; its SHA-256 is
# checked. The modules written in Lua (`mime`, `ltn12`, `socket.url`) come from there, too. `socket`, `socket.unix` and
# `mime.core` are the program's own.
#
# The scripts run as they are, but for these lines:
# - testclnt.lua without `connect_timeout()`, which needs an address in an outside network that swallows packets.
# - utestclnt.lua, which is older than LuaSocket 3 and fails with it, with the two changes that its sibling testclnt.lua got:
#   `udp` has no descriptor at once, and `receive(number, prefix)` counts the prefix.
# Both want a LuaSocket that was built with LUASOCKET_DEBUG, where `send` and `receive` return the time that they took, too; the
# prelude below does that from outside. The limit of descriptors is 1024, so that testclnt.lua, which wants `select` to fail with
# more sockets than that, cannot make so many: our `select` takes them.
#
# Not run:
# - dicttest.lua, ftptest.lua, httptest.lua, smtptest.lua, testmesg.lua, tftptest.lua: they need servers of these protocols, set up
#   for them. stdlib/tests/socket.rs runs the modules against small servers of its own.
# - find-connect-limit: no test, and it connects to an outside host.
set -euo pipefail

version=3.1.0
sha256=35a6819789b51d94a52e6cee12f07cb17cf02927438d76c31231db06bbf31f0b

root=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$root/target/release/perilune}
program=$(command -v "$program") || { echo "luasocket-tests: there is no program '${1:-$program}'; build it first" >&2; exit 1; }
program=$(realpath "$program")

store=$root/target/luasocket
tarball=$store/luasocket_$version.orig.tar.gz
mkdir -p "$store"
work=$(mktemp -d "$store/run.XXXXXX")
servers=()
finish() {
    [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT

fail() {
    echo "luasocket-tests: $*" >&2
    echo "luasocket-tests: to go on without apt-get, put $(basename "$tarball") (from Debian's pool) into $store yourself" >&2
    exit 1
}

good() {
    [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$sha256" ]
}

# Has apt-get bring the source package from where the system's packages come from, in directories of its own: nothing of the
# system changes, and nobody needs to be root.
fetch() {
    local apt=$work/apt file
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/source"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        sed -E 's/^deb /deb-src /; s/^Types:.*/Types: deb-src/' "$file" > "$apt/parts/$(basename "$file" .list | sed 's/\.list$//')$(
            case $file in *.sources) ;; *) echo .list ;; esac)"
    done
    local options=(-qq -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$apt/parts" -o "Dir::State::Lists=$apt/lists"
        -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)")
    command -v apt-get > /dev/null || fail "there is no apt-get"
    apt-get "${options[@]}" update > "$apt/log" 2>&1 || { cat "$apt/log" >&2; fail "apt-get update failed"; }
    (cd "$apt/source" && apt-get "${options[@]}" source --download-only --tar-only lua-socket) > "$apt/log" 2>&1 ||
        { cat "$apt/log" >&2; fail "apt-get source failed"; }
    for file in "$apt"/source/*.orig.tar.gz; do
        ! good "$file" || cp "$file" "$tarball"
    done
    good "$tarball" || fail "the source package is not that of LuaSocket $version, or has another SHA-256 than $sha256"
}

good "$tarball" || { [ ! -e "$tarball" ] || fail "$tarball has another SHA-256 than $sha256"; fetch; }
tar -xzf "$tarball" -C "$work" || fail "could not unpack $tarball"
tests=$work/luasocket-$version/test
[ -d "$tests" ] || fail "there is no directory of tests in $tarball"

# The modules, where `require` looks for them.
modules=$work/modules
mkdir -p "$modules/socket"
cp "$tests"/../src/{ltn12,mime}.lua "$modules"
cp "$tests"/../src/{ftp,headers,http,smtp,tp,url}.lua "$modules/socket"
export LUA_PATH="$modules/?.lua;;"
unset LUA_INIT LUA_INIT_5_3 LUA_PATH_5_3 LUA_CPATH LUA_CPATH_5_3

# What the scripts expect that Lua 5.3 lacks, and what LUASOCKET_DEBUG makes of the methods.
cat > "$work/prelude.lua" <<'LUA'
unpack = unpack or table.unpack
math.mod = math.mod or math.fmod
local socket = require "socket"
socket.unix = require "socket.unix"
socket._DEBUG = true
for _, class in ipairs { "tcp{client}", "unixstream{client}", "tcp{master}", "unixstream{master}" } do
  local methods = debug.getregistry()[class].__index
  for _, name in ipairs { "send", "receive" } do
    local method = methods[name]
    methods[name] = function(...)
      local start = socket.gettime()
      local a, b, c = method(...)
      return a, b, c, socket.gettime() - start
    end
  end
end
LUA
ulimit -S -n 1024

# edit FILE SCRIPT LINES: changes a file; it is an error if that many lines are not changed.
edit() {
    cp "$1" "$1.orig"
    sed -E -i "$2" "$1"
    [ "$(diff "$1.orig" "$1" | grep -c '^<')" -eq "$3" ] || fail "$(basename "$1") is not as it should be"
}
edit "$tests/testclnt.lua" 's/^connect_timeout\(\)$//' 1
edit "$tests/utestclnt.lua" '/^function active_close/,/^end/s/socket\.udp\(\)/socket.udp4()/; s/data:receive\(%d, str\)/data:receive(2 * %d, str)/' 2
# Fixed paths and ports would meet those of others.
edit "$tests/unixstreamclnt.lua" 's,/tmp/foo,stream,' 1
edit "$tests/unixstreamsrvr.lua" 's,/tmp/foo,stream,' 1
edit "$tests/unixdgramclnt.lua" 's,/tmp/(foo|bar),dgram-\1,' 2
edit "$tests/unixdgramsrvr.lua" 's,/tmp/(foo|bar),dgram-\1,' 1

passed=0
failed=0
ran=()

# report NAME SECONDS RESULT OUTPUT...: a row of the table.
report() {
    printf '%-34s %4d s  %s\n' "$1" "$2" "$3"
    if [ "$3" = ok ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 12 "${@:4}" | sed 's/^/    | /'
    fi
}

run() {
    timeout --kill-after=5 240 "$program" -e "dofile '$work/prelude.lua'" "$@"
}

# judge OUTPUT STATUS EXPECTED: what became of a run. Some scripts say that they failed and exit with 0.
judge() {
    if [ "$2" -eq 124 ]; then
        echo "no end"
    elif [ "$2" -ne 0 ]; then
        echo "exit code $2"
    elif grep -qiE '^(error|fail)' "$1"; then
        echo "it says that it failed"
    elif ! grep -qE -- "$3" "$1"; then
        echo "no '$3'"
    else
        echo ok
    fi
}

# alone NAME EXPECTED: a script that runs by itself.
alone() {
    local start=$SECONDS status=0 output=$work/$1.output
    ran+=("$1")
    (cd "$tests" && run "$1") > "$output" 2>&1 < /dev/null || status=$?
    report "$1" $((SECONDS - start)) "$(judge "$output" "$status" "$2")" "$output"
}

# pair NAME SERVER CLIENT PAUSE [OPTION...]: starts a server, and its client after a pause; writes the client's status into
# NAME.status. The server is ended when the client has ended.
pair() {
    local name=$1 server=$2 client=$3 pause=$4 process
    shift 4
    (cd "$tests" && exec timeout --kill-after=5 240 "$program" -e "dofile '$work/prelude.lua'" "$@" "$server") \
        > "$work/$name.server" 2>&1 < /dev/null &
    process=$!
    sleep "$pause"
    local status=0
    (cd "$tests" && run "$@" "$client") > "$work/$name.output" 2>&1 || status=$?
    kill "$process" 2> /dev/null || true
    wait "$process" 2> /dev/null || true
    echo "$status" > "$work/$name.status"
}

# A port that is free at the moment.
free_port() {
    "$program" -e "local s = assert(require 'socket'.bind('localhost', 0)) print((select(2, s:getsockname())))"
}

# The long ones, each a client and a server with many pauses in them, run at the same time, and beside the others.
start=$SECONDS
port=$(free_port)
pair testclnt testsrvr.lua testclnt.lua 1 -e "port = '$port'" &
servers+=($!)
pair utestclnt utestsrvr.lua utestclnt.lua 1 -e "host = 'luasocket'" &
servers+=($!)

alone excepttest.lua '^OK$'
alone hello.lua '^Hello from LuaSocket 3.* and MIME 1'
alone ltn12test.lua 'ok$'
alone mimetest.lua '^done in'
alone stufftest.lua '^ok$'
alone tcp-getoptions '^getoption.*linger'
alone test_bind.lua 'done!'
alone test_getaddrinfo.lua 'done!'
alone test_socket_error.lua '^Passed! Error is'
alone udp-zero-length-send '^OK'
alone udp-zero-length-send-recv '^ok$'
alone urltest.lua 'the library passed all tests'

# echo NAME SERVER CLIENT EXPECTED PLACE: a client that passes on what it reads, and a server that prints it.
echo_pair() {
    local name=$1 begun=$SECONDS result
    ran+=("$2" "$3")
    (sleep 1; printf 'one line\nand another\n'; sleep 1) | pair "$name" "$2" "$3" 1
    # The client does not expect the end of its input, so how it ends says nothing.
    result=$(judge "$work/$name.$5" 0 "$4")
    report "$name" $((SECONDS - begun)) "$result" "$work/$name.output" "$work/$name.server"
}
rm -f "$tests"/{stream,dgram-foo,dgram-bar}
echo_pair unixstream unixstreamsrvr.lua unixstreamclnt.lua '^and another' server
echo_pair unixdgram unixdgramsrvr.lua unixdgramclnt.lua '^>and another' output

# A peer that hears its peer alone, then everybody. It prints the ports that the client is to send to: one with its first name;
# one with its last, since on Linux the port goes with the peer, and sending gives another.
ran+=(udpconnectsrvr.lua udpconnectclnt.lua)
begun=$SECONDS
(cd "$tests" && run udpconnectsrvr.lua) > "$work/udpconnect.server" 2>&1 < /dev/null &
process=$!
servers+=("$process")
status=0
for line in 1 3; do
    port=0
    for ((try = 0; try < 50; try++)); do
        sleep 0.1
        port=$(awk -v line="$line" '$1 == "getsockname" && ++count == line { print $3 }' "$work/udpconnect.server")
        [ -z "$port" ] || break
    done
    (cd "$tests" && run udpconnectclnt.lua "${port:-0}") >> "$work/udpconnect.output" 2>&1 < /dev/null || status=$?
done
kill "$process" 2> /dev/null && status=124
result=$(judge "$work/udpconnect.server" "$status" '^this is a test from se')
first=$(grep -m 1 '^this is a test' "$work/udpconnect.server" || true)
[[ $first = "this is a test from sc"* ]] || result="the first datagram is '$first'"
report udpconnect $((SECONDS - begun)) "$result" "$work/udpconnect.output" "$work/udpconnect.server"

for name in testclnt utestclnt; do
    ran+=("${name/clnt/srvr}.lua" "$name.lua")
    for ((try = 0; try < 2500; try++)); do
        [ ! -s "$work/$name.status" ] || break
        sleep 0.1
    done
    status=$(cat "$work/$name.status" 2> /dev/null || echo 124)
    report "$name.lua" $((SECONDS - start)) "$(judge "$work/$name.output" "$status" 'testing: done in')" \
        "$work/$name.output" "$work/$name.server"
done

# Every script there is was run or is named above.
for file in "$tests"/*; do
    file=$(basename "$file")
    case " ${ran[*]} dicttest.lua ftptest.lua httptest.lua smtptest.lua testmesg.lua tftptest.lua find-connect-limit testsupport.lua " in
        *" $file "*) ;;
        *)
            case $file in
                *.lua | *send* | tcp-*) echo "luasocket-tests: $file was not run" >&2; failed=$((failed + 1)) ;;
            esac
            ;;
    esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -eq 17 ]
