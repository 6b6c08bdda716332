//! The allocator lab with the project's own allocators. `perilune-lab --help` tells the rest.

use std::process::ExitCode;

use perilune_bench::lab::Lab;

fn main() -> ExitCode {
    Lab::new().main()
}
