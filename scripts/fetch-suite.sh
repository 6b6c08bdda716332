#!/usr/bin/env bash
# Brings the official Lua 5.3.4 test suite into target/suite, which git ignores.
#
# The suite's tarball is part of the package `luna-core` on crates.io (another Lua; nothing else of it is used), so that
# an ordinary `cargo fetch` brings it. Its SHA-256 is checked. Prints the suite's directory.
set -euo pipefail

package=luna-core
version=4.0.2
name=lua-5.3.4-tests
sha256=b80771238271c72565e5a1183292ef31bd7166414cd0d43a8eb79845fa7f599f

root=$(cd "$(dirname "$0")/.." && pwd)
suite=$root/target/suite
tarball=$suite/$name.tar.gz

fail() {
    echo "fetch-suite: $*" >&2
    echo "fetch-suite: to go on without the network, put $name.tar.gz (from lua.org) into $suite yourself" >&2
    exit 1
}

good() {
    [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$sha256" ]
}

mkdir -p "$suite"
if ! good "$tarball"; then
    [ ! -e "$tarball" ] || fail "$tarball has another SHA-256 than $sha256"
    manifest=$(mktemp -d "$suite/fetch.XXXXXX")
    trap 'rm -rf "$manifest"' EXIT
    mkdir "$manifest/src"
    : > "$manifest/src/lib.rs"
    printf '[package]\nname = "fetch-suite"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n[dependencies]\n%s = "=%s"\n' \
        "$package" "$version" > "$manifest/Cargo.toml"
    (cd "$manifest" && cargo fetch --quiet) || fail "cargo could not fetch $package $version"
    found=
    for candidate in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$package-$version"/tests/official/"$name.tar.gz"; do
        [ ! -f "$candidate" ] || found=$candidate
    done
    [ -n "$found" ] || fail "$package $version came, but without tests/official/$name.tar.gz"
    good "$found" || fail "the tarball in $package $version has another SHA-256 than $sha256"
    cp "$found" "$tarball"
fi
if [ ! -f "$suite/$name/all.lua" ]; then
    tar -xzf "$tarball" -C "$suite" || fail "could not unpack $tarball"
fi
[ -f "$suite/$name/all.lua" ] || fail "there is no $name/all.lua in the tarball"
echo "$suite/$name"
