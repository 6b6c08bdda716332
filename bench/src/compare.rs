//! Times Lua interpreters side by side over a folder of programs.
//!
//! In each round every interpreter runs every program, in an order that is reversed each other round, pinned to one core.
//! What counts is user CPU time; a ratio is the median of the rounds' own ratios to the reference, so that a drift of the
//! machine cancels out. Each program prints a checksum: an interpreter whose output differs from the reference's has failed.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use clap::Parser;

/// Times Lua interpreters side by side over a folder of programs.
///
/// Programs are grouped by the first letter of their names: c calls, k coroutines, t tables, s strings, n numeric,
/// g allocation, m mixed.
#[derive(Parser)]
#[command(
    name = "compare",
    version,
    after_help = "Example: compare --rounds 3 target/release/perilune lua5.3 'luajit -joff'"
)]
struct Options {
    /// Ours, the reference, and others; each a command, quoted if it has arguments.
    #[arg(required = true, num_args = 2..)]
    interpreters: Vec<String>,
    /// How often each program is run by each interpreter.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only programs whose names begin with one of these, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The folder of programs.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/programs"))]
    dir: PathBuf,
    /// The core that everything is pinned to.
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Fail if our geometric mean exceeds this.
    #[arg(long)]
    at_most: Option<f64>,
}

/// What one run of a program gave.
struct Run {
    seconds: f64,
    peak_kib: i64,
    output: Vec<u8>,
    success: bool,
}

/// Runs a command on one core and measures it.
fn run(command: &[String], program: &str, options: &Options) -> Result<Run, String> {
    let core = options.core;
    let mut child = Command::new(&command[0]);
    child.args(&command[1..]).arg(program).current_dir(&options.dir);
    child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // SAFETY: between fork and exec only the affinity call is made, which is safe there.
    unsafe {
        child.pre_exec(move || {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(core, &mut set);
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
            Ok(())
        });
    }
    let mut child = child.spawn().map_err(|error| format!("cannot run {}: {error}", command[0]))?;
    let mut output = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut output).map_err(|error| format!("cannot read the output of {program}: {error}"))?;
    }
    let mut status = 0;
    // SAFETY: the child is ours and was not waited for; both pointers are to locals.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        if libc::wait4(child.id() as i32, &mut status, 0, &mut usage) < 0 {
            return Err(format!("cannot wait for {program}: {}", std::io::Error::last_os_error()));
        }
        usage
    };
    Ok(Run {
        seconds: usage.ru_utime.tv_sec as f64 + usage.ru_utime.tv_usec as f64 * 1e-6,
        peak_kib: usage.ru_maxrss,
        output: output.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(&b' '),
        success: std::process::ExitStatus::from_raw(status).success(),
    })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64).exp()
}

/// The programs of the folder, sorted.
fn programs(options: &Options) -> Result<Vec<String>, String> {
    let entries =
        std::fs::read_dir(&options.dir).map_err(|error| format!("cannot read {}: {error}", options.dir.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".lua"))
        .filter(|name| options.only.is_empty() || options.only.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    names.sort();
    if names.is_empty() { Err(format!("no program in {}", options.dir.display())) } else { Ok(names) }
}

/// What was measured of one program under one interpreter.
#[derive(Default)]
struct Cell {
    ratios: Vec<f64>,
    peak_kib: i64,
    failed: bool,
}

/// Runs everything; `cells[program][interpreter]`.
fn measure(options: &Options, commands: &[Vec<String>], names: &[String]) -> Result<Vec<Vec<Cell>>, String> {
    let mut cells: Vec<Vec<Cell>> = names.iter().map(|_| commands.iter().map(|_| Cell::default()).collect()).collect();
    for round in 0..options.rounds {
        for (row, name) in cells.iter_mut().zip(names) {
            eprintln!("round {} {name}", round + 1);
            let mut order: Vec<usize> = (0..commands.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            let mut runs: Vec<Option<Run>> = commands.iter().map(|_| None).collect();
            for i in order {
                if !row[i].failed {
                    runs[i] = Some(run(&commands[i], name, options)?);
                }
            }
            let Some(Some(reference)) = runs.get(1) else { continue };
            let (wanted, base) = (reference.output.clone(), reference.seconds.max(1e-4));
            for (cell, run) in row.iter_mut().zip(runs) {
                let Some(run) = run else { continue };
                if !run.success || run.output != wanted {
                    cell.failed = true;
                } else {
                    cell.ratios.push(run.seconds / base);
                    cell.peak_kib = cell.peak_kib.max(run.peak_kib);
                }
            }
        }
    }
    Ok(cells)
}

/// Prints a line of the table.
fn line(label: &str, values: impl Iterator<Item = String>) {
    print!("{label:<22}");
    for value in values {
        print!("{value:>16}");
    }
    println!();
}

fn report(options: &Options, names: &[String], cells: &mut [Vec<Cell>]) -> Result<f64, String> {
    let count = options.interpreters.len();
    let show = |v: Option<f64>| v.map_or("X".to_string(), |v| format!("{v:.2}"));
    line("time", options.interpreters.iter().map(|i| i.rsplit('/').next().unwrap_or(i).to_string()));
    let medians: Vec<Vec<Option<f64>>> = cells
        .iter_mut()
        .map(|row| row.iter_mut().map(|c| (!c.failed && !c.ratios.is_empty()).then(|| median(&mut c.ratios))).collect())
        .collect();
    for (name, row) in names.iter().zip(&medians) {
        line(name.trim_end_matches(".lua"), row.iter().map(|v| show(*v)));
    }
    let mean = |i: usize, group: Option<char>| {
        let values: Vec<f64> = names
            .iter()
            .zip(&medians)
            .filter(|(name, _)| group.is_none_or(|g| name.starts_with(g)))
            .filter_map(|(_, row)| row[i])
            .collect();
        (!values.is_empty()).then(|| geometric_mean(&values))
    };
    let mut groups: Vec<char> = names.iter().filter_map(|name| name.chars().next()).collect();
    groups.dedup();
    for group in groups {
        line(&format!("group {group}"), (0..count).map(|i| show(mean(i, Some(group)))));
    }
    line("all", (0..count).map(|i| show(mean(i, None))));
    let failed: Vec<String> = names
        .iter()
        .zip(cells.iter())
        .flat_map(|(name, row)| row.iter().enumerate().filter(|(_, c)| c.failed).map(move |(i, _)| (name, i)))
        .map(|(name, i)| format!("{} on {name}", options.interpreters[i]))
        .collect();
    if failed.is_empty() {
        mean(0, None).ok_or_else(|| "nothing was measured".to_string())
    } else {
        Err(format!("failed or printed something else than the reference: {}", failed.join(", ")))
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let commands: Vec<Vec<String>> = options
        .interpreters
        .iter()
        .map(|text| {
            let mut words: Vec<String> = text.split_whitespace().map(str::to_string).collect();
            // The programs run in their own folder, so a relative path must not depend on ours.
            if words[0].contains('/')
                && let Ok(path) = std::fs::canonicalize(&words[0])
            {
                words[0] = path.to_string_lossy().into_owned();
            }
            words
        })
        .collect();
    let result = programs(&options).and_then(|names| {
        let mut cells = measure(&options, &commands, &names)?;
        report(&options, &names, &mut cells)
    });
    match (result, options.at_most) {
        (Ok(mean), Some(limit)) if mean > limit => {
            eprintln!("compare: the geometric mean {mean:.3} exceeds {limit}");
            ExitCode::FAILURE
        }
        (Ok(_), _) => ExitCode::SUCCESS,
        (Err(message), _) => {
            eprintln!("compare: {message}");
            ExitCode::FAILURE
        }
    }
}
