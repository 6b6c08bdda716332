#!/usr/bin/env bash
# Runs the tests under a tool that sees what no test sees: reads of memory that is free or was never written, and writes beside it.
#
# usage: scripts/sanitizers.sh valgrind [PART]      the scripts of tests/lua whose names contain PART, and the official suite's
#        scripts/sanitizers.sh address [PART]       the same, and (without PART) the tests of core, vm and stdlib, and those of the
#                                                   adapters that fit, with Rust's address sanitizer
#        scripts/sanitizers.sh thread               the tests of `lproc` with Rust's thread sanitizer
#
# The program runs on the C library's allocator, each of whose blocks the tool knows; the adapters that carve up blocks of their own
# have scripts/valgrind-adapters.sh. `address` and `thread` need a nightly toolchain (`rustup toolchain install nightly`), and
# `thread` the component rust-src of it.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=${1:-}
part=${2:-}
target=${CARGO_TARGET_DIR:-$PWD/target}
host=$(rustc --version --verbose | sed -n 's/^host: //p')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A program as tests and suite expect one, which runs PROGRAM [ARGUMENTS...] before the arguments that it is given.
wrapper() {
    { echo '#!/bin/sh'; printf 'exec'; printf " '%s'" "$@"; echo ' "$@"'; } > "$work/perilune"
    chmod +x "$work/perilune"
}

# The scripts, by the wrapper. CARGO is how cargo is called.
scripts() {
    PERILUNE_TEST_PROGRAM=$work/perilune PERILUNE_TEST_ONLY=$part "$@" -p perilune --test scripts -- --nocapture
    # What fetches the suite is built without sanitizers, by the usual toolchain.
    [ -n "$part" ] || env -u RUSTFLAGS CARGO_TARGET_DIR="$target" SUITE_TIMEOUT=3600 scripts/official-suite.sh "$work/perilune"
}

# What is built with a sanitizer, by a toolchain that has them.
sanitized() {
    export RUSTFLAGS="-Zsanitizer=$1 ${RUSTFLAGS:-}" CARGO_TARGET_DIR=$target/$1
    export CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_TEST_OPT_LEVEL=1
    cargo +nightly --version > /dev/null || { echo "sanitizers: $1 needs a nightly toolchain" >&2; exit 1; }
}

case $tool in
    valgrind)
        command -v valgrind > /dev/null || { echo "sanitizers: valgrind is not installed" >&2; exit 1; }
        cargo build --quiet --release -p perilune
        wrapper valgrind --quiet --error-exitcode=9 "$target/release/perilune" --alloc libc
        scripts cargo test --quiet
        ;;
    address)
        sanitized address
        # What is live at the end of a process that `os.exit` ends is no leak; the tests count bytes themselves. They ask for more than there
        # is, too.
        export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
        cargo +nightly build --quiet --target "$host" -p perilune
        wrapper "$CARGO_TARGET_DIR/$host/debug/perilune" --alloc libc
        scripts cargo +nightly test --quiet --target "$host"
        if [ -z "$part" ]; then
            # Frames are larger here: tests that run on small stacks get as many times what they have.
            export PERILUNE_TEST_FRAMES=8
            cargo +nightly test --quiet --target "$host" -p perilune-core -p perilune-vm -p perilune-stdlib --tests
            # The other tests of the adapters break the contract on purpose, or need an allocator that keeps nothing of what is freed.
            cargo +nightly test --quiet --target "$host" -p perilune-alloc-adapters --lib --test conformance --test trace
        fi
        ;;
    thread)
        sanitized thread
        cargo +nightly test --quiet -Zbuild-std --target "$host" -p perilune-stdlib --features lproc --test lproc
        ;;
    *)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
        exit 1
        ;;
esac
