//! The parts of the `perilune` program.
//!
//! It follows the stand-alone interpreter of the reference (manual §7) to the letter: the same options, the same order of
//! actions, the same messages and exit codes. What it has of its own are long options, which the reference refuses.
//!
//! The program is no interface: other crates build on `perilune-vm` and `perilune-stdlib`.
//!
//! # Invariants
//! - **P1.** The `Program` whose address is handed to the protected main function outlives that call.
//! - **P2.** A signal handler sees an `Interrupter` only while the call that it is for runs, so the state is open.

mod allocators;
mod args;
mod interrupt;
mod listing;
#[cfg(feature = "lproc")]
mod processes;
mod repl;
mod report;
mod script;

use std::process::ExitCode;

use args::Request;
use perilune_stdlib::stdio::{write_stderr, write_stdout};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// What the program calls itself in messages when nobody says.
const DEFAULT_NAME: &[u8] = b"perilune";

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    interrupt::restore_broken_pipe();
    let arguments: Vec<Vec<u8>> = std::env::args_os().map(|argument| argument.into_encoded_bytes()).collect();
    let name = arguments.first().filter(|name| !name.is_empty()).map_or(DEFAULT_NAME, Vec::as_slice).to_vec();
    match args::parse(&arguments) {
        Ok(options) => match options.request {
            Request::Help => {
                write_stdout(&args::help(&name));
                ExitCode::SUCCESS
            }
            Request::Allocators => {
                write_stdout(allocators::table().as_bytes());
                ExitCode::SUCCESS
            }
            Request::Run => allocators::start(&script::Program::new(arguments, name, options)),
        },
        Err(mistake) => {
            write_stderr(&args::usage(&name, &mistake));
            ExitCode::FAILURE
        }
    }
}
