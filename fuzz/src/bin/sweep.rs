//! Sweeps over scripts with failing memory, and prints a table. See `perilune_fuzz::sweep`.
//!
//! usage: sweep [--points N] [--jobs N] FILE.lua...

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use perilune_fuzz::sweep::{Figures, Script, sweep};

/// How many requests of a script fail if nobody says.
const POINTS: u64 = 20_000;

/// How many faults of a script are told in full.
const FAULTS: usize = 10;

/// What the command line says.
struct Options {
    points: u64,
    jobs: usize,
    files: Vec<String>,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("usage: sweep [--points N] [--jobs N] FILE.lua...");
        return ExitCode::FAILURE;
    };
    // The table goes to standard error, as scripts may write to standard output.
    eprintln!(
        "{:<28} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8}  mode",
        "script", "requests", "once", "twice", "from", "memory", "success", "other", "faults", "seconds"
    );
    let mut good = true;
    for file in &options.files {
        let start = Instant::now();
        let result = std::fs::read(file).map_err(|error| error.to_string()).and_then(|source| {
            let script = Script { name: file.clone(), source: without_first_line(source) };
            sweep(&script, options.points, options.jobs)
        });
        match result {
            Ok(figures) => {
                good &= figures.faults.is_empty();
                print(file, &figures, start.elapsed().as_secs_f64());
            }
            Err(error) => {
                good = false;
                eprintln!("{file:<28} FAULT: {error}");
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads the command line.
fn options() -> Option<Options> {
    let jobs = std::thread::available_parallelism().map_or(1, |number| number.get());
    let mut options = Options { points: POINTS, jobs, files: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--points" => options.points = arguments.next()?.parse().ok().filter(|&n| n > 0)?,
            "--jobs" => options.jobs = arguments.next()?.parse().ok().filter(|&n| n > 0)?,
            option if option.starts_with('-') => return None,
            _ => options.files.push(argument),
        }
    }
    (!options.files.is_empty()).then_some(options)
}

/// Prints a script's row, and what there is to say about it.
fn print(file: &str, figures: &Figures, seconds: f64) {
    let Figures { requests, once, twice, from, memory_errors, successes, other_errors, .. } = figures;
    let faults = figures.faults.len();
    let mode = if figures.outside { "whole runs" } else { "branches" };
    let mut text = format!(
        "{file:<28} {requests:>9} {once:>7} {twice:>7} {from:>7} {memory_errors:>7} {successes:>7} {other_errors:>7} \
         {faults:>7} {seconds:>8.1}  {mode}\n"
    );
    if let Some(other) = &figures.other {
        text.push_str(&format!("    another error: {other}\n"));
    }
    for fault in figures.faults.iter().take(FAULTS) {
        text.push_str(&format!("    FAULT: {fault}\n"));
    }
    // If nobody can read it, there is nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A first line that begins with `#` is for the system.
fn without_first_line(source: Vec<u8>) -> Vec<u8> {
    match (source.first(), source.iter().position(|&byte| byte == b'\n')) {
        (Some(b'#'), Some(end)) => source[end..].to_vec(),
        _ => source,
    }
}
