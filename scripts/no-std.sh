#!/usr/bin/env bash
# Proves that the library crates do without std and without the alloc crate when their features are off:
# they build so for a bare machine if such a target is installed, and a program without a global allocator links and runs.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
target_dir=${CARGO_TARGET_DIR:-$root/target}/no-std
crates=(-p perilune-core -p perilune-vm -p perilune-stdlib)
cd "$root"

cargo build --quiet --target-dir "$target_dir" --no-default-features "${crates[@]}"
echo "built for the host"
if command -v rustup > /dev/null; then
    for target in $(rustup target list --installed); do
        case $target in
            *-none | *-none-*)
                cargo build --quiet --target-dir "$target_dir" --target "$target" --no-default-features "${crates[@]}"
                echo "built for $target"
                ;;
        esac
    done
fi

proof=$root/scripts/no-std-proof
cargo build --quiet --release --target-dir "$target_dir" --manifest-path "$proof/Cargo.toml"
"$target_dir/release/no-std-proof"
echo "a program without std and without a global allocator links and runs"
