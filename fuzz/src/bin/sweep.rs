//! Sweeps over scripts with failing memory, and prints a table. See `perilune_fuzz::sweep`.
//!
//! usage: sweep [--points N] FILE.lua...

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use perilune_fuzz::sweep::{Script, Watchdog, sweep};

/// How many requests of a script fail if nobody says.
const POINTS: u64 = 20_000;

fn main() -> ExitCode {
    let mut points = POINTS;
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--points" => match arguments.next().and_then(|n| n.parse().ok()).filter(|&n| n > 0) {
                Some(n) => points = n,
                None => return usage(),
            },
            option if option.starts_with('-') => return usage(),
            _ => files.push(argument),
        }
    }
    if files.is_empty() {
        return usage();
    }
    let watchdog = Watchdog::new();
    // The table goes to standard error, as scripts may write to standard output.
    let mut out = std::io::stderr();
    let _ = writeln!(
        out,
        "{:<28} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8}",
        "script", "requests", "once", "twice", "from", "memory", "success", "other", "faults", "seconds"
    );
    let mut faults = 0;
    for file in files {
        let start = Instant::now();
        let result = match std::fs::read(&file) {
            Ok(source) => sweep(&Script { name: file.clone(), source: without_first_line(source) }, points, &watchdog),
            Err(error) => Err(error.to_string()),
        };
        match result {
            Ok(figures) => {
                let _ = writeln!(
                    out,
                    "{file:<28} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8.1}",
                    figures.requests,
                    figures.once,
                    figures.twice,
                    figures.from,
                    figures.memory_errors,
                    figures.successes,
                    figures.other_errors,
                    figures.faults.len(),
                    start.elapsed().as_secs_f64()
                );
                if let Some(other) = figures.other {
                    let _ = writeln!(out, "    another error {other}");
                }
                faults += figures.faults.len();
                for fault in figures.faults {
                    let _ = writeln!(out, "    FAULT: {fault}");
                }
            }
            Err(error) => {
                faults += 1;
                let _ = writeln!(out, "{file:<28} FAULT: {error}");
            }
        }
    }
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A first line that begins with `#` is for the system.
fn without_first_line(source: Vec<u8>) -> Vec<u8> {
    match (source.first(), source.iter().position(|&byte| byte == b'\n')) {
        (Some(b'#'), Some(end)) => source[end..].to_vec(),
        _ => source,
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: sweep [--points N] FILE.lua...");
    ExitCode::FAILURE
}
