#!/usr/bin/env bash
# Measures the echo server of examples/socket under load, in a release build: 5,000 connections at the same time, of which every
# byte is compared; and, as far as its select goes, the same server in lua5.3 with LuaSocket, in the same run.
# Both ends are on this machine, and the clients, in Rust, have a thread of their own.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo test --quiet --release -p perilune-stdlib --features socket --test socket_load -- --nocapture --test-threads=1
