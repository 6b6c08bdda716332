//! The `perilune` program: a drop-in for the `lua` 5.3 stand-alone interpreter, on an allocator that the user chooses.

use std::process::ExitCode;

fn main() -> ExitCode {
    perilune::main()
}
