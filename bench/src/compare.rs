//! Compares Lua interpreters: the time of programs, peak memory, the time to compile a large source, start-up.
//!
//! In each round every interpreter does everything, in an order that is reversed each other round, on one core. A ratio is
//! the median of the rounds' own ratios to the reference, so that a drift of the machine cancels out. Each program prints a
//! checksum: an interpreter whose output differs from the reference's is left out, and that is said.

mod interpreter;
mod measure;
mod source;
mod statistics;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use interpreter::Interpreter;
use measure::{Job, Plan};
use table::{Metric, Report};

/// The processor time of a run.
const TIME: Metric = Metric { name: "processor time", unit: "s", value: |sample| sample.processor };
/// The time from begin to end.
const ELAPSED: Metric = Metric { name: "elapsed time", unit: "ms", value: |sample| sample.elapsed * 1e3 };
/// The peak of resident memory.
const MEMORY: Metric = Metric { name: "peak memory", unit: "MiB", value: |sample| sample.peak_kib / 1024.0 };

/// Compares Lua interpreters in one interleaved run.
///
/// Without names of interpreters it takes the perilune that was built beside it, lua5.4 as the reference, and lua5.3, lua5.5,
/// luajit -joff and luajit where they are installed.
#[derive(Parser)]
#[command(
    name = "compare",
    version,
    after_help = "Examples:\n  compare programs\n  compare programs --only t,s --rounds 9 target/release/perilune before lua5.4\n  \
                  compare memory --json memory.json\n  compare startup"
)]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Processor time, user and system, of the programs of a folder.
    ///
    /// Groups are the first letters of their names: c calls, k coroutines, t tables, s strings, n numeric, g allocation, m mixed.
    Programs {
        #[command(flatten)]
        common: Common,
        /// Only programs whose names begin with one of these, separated by commas.
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// The folder of programs.
        #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/programs"))]
        dir: PathBuf,
        /// Fail if our geometric mean exceeds this.
        #[arg(long)]
        at_most: Option<f64>,
    },
    /// Peak resident memory of programs that keep much alive.
    Memory {
        #[command(flatten)]
        common: Common,
    },
    /// Processor time to compile a generated source, which is the same each time.
    Compile {
        #[command(flatten)]
        common: Common,
        /// Its size in bytes.
        #[arg(long, default_value_t = 5_000_000)]
        size: usize,
        /// Where to leave it, for other measurements.
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// Time from begin to end of an empty script.
    Startup {
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Args)]
struct Common {
    /// Ours, the reference, and others; each a command, quoted if it has arguments.
    #[arg(num_args = 2..)]
    interpreters: Vec<String>,
    /// How often everything is run [default: 5, of startup 200].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// The core that everything is pinned to.
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Write everything that was measured to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What is to be measured, and how it is shown.
struct Task {
    jobs: Vec<Job>,
    folder: PathBuf,
    metric: Metric,
    rounds: u32,
    grouped: bool,
    with_memory: bool,
}

impl Common {
    /// Measures, prints, and returns our geometric mean.
    fn run(&self, task: Task) -> Result<f64, String> {
        let interpreters = if self.interpreters.is_empty() {
            Interpreter::installed()?
        } else {
            self.interpreters.iter().map(|text| Interpreter::of(text)).collect::<Result<_, _>>()?
        };
        let rounds = self.rounds.unwrap_or(task.rounds) as usize;
        let machine = interpreter::machine();
        println!("{machine}; on core {}, {rounds} rounds", self.core);
        for interpreter in &interpreters {
            println!("{:<28}{}", interpreter.label, interpreter.version);
        }
        let plan = Plan { rounds, core: self.core, folder: &task.folder };
        let cells = measure::measure(&interpreters, &task.jobs, &plan)?;
        let report = Report {
            interpreters: &interpreters,
            jobs: &task.jobs,
            cells: &cells,
            metric: task.metric,
            grouped: task.grouped,
            with_memory: task.with_memory,
        };
        report.print();
        if let Some(file) = &self.json {
            let text = format!("{:#}\n", report.json(&machine));
            std::fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        }
        if !report.complete() {
            return Err("ours or the reference failed, or both differ".to_string());
        }
        report.overall().ok_or_else(|| "nothing was measured".to_string())
    }
}

/// The programs of a folder, sorted, whose names begin with one of `only`, if that has any.
fn programs(folder: &Path, only: &[String]) -> Result<Vec<Job>, String> {
    let unreadable = |error| format!("cannot read {}: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(".lua").map(str::to_string)).collect();
    names.retain(|name| only.is_empty() || only.iter().any(|prefix| name.starts_with(prefix)));
    names.sort();
    if names.is_empty() {
        return Err(format!("no program in {}", folder.display()));
    }
    Ok(names.into_iter().map(|name| Job { arguments: vec![format!("{name}.lua")], name }).collect())
}

/// Compiles a generated source of a size; it is left in `keep` if that is given.
fn compile(common: &Common, size: usize, keep: Option<&Path>) -> Result<f64, String> {
    let name = format!("perilune-bench-{}.lua", std::process::id());
    let file = keep.map_or_else(|| std::env::temp_dir().join(name), Path::to_path_buf);
    let unwritable = |error| format!("cannot write {}: {error}", file.display());
    std::fs::write(&file, source::generate(size)).map_err(unwritable)?;
    let file = std::fs::canonicalize(&file).map_err(unwritable)?;
    let script = format!("assert(loadfile([==[{}]==]))", file.display());
    let jobs = vec![Job { name: format!("compile {size} bytes"), arguments: vec!["-e".to_string(), script] }];
    let folder = std::env::temp_dir();
    let result = common.run(Task { jobs, folder, metric: TIME, rounds: 15, grouped: false, with_memory: true });
    if keep.is_none() {
        // What cannot be removed is left to whoever cleans the folder for temporary files.
        let _ = std::fs::remove_file(&file);
    }
    result
}

fn run(what: &What) -> Result<(), String> {
    let mean = match what {
        What::Programs { common, only, dir, at_most } => {
            let (jobs, folder) = (programs(dir, only)?, dir.clone());
            let mean = common.run(Task { jobs, folder, metric: TIME, rounds: 5, grouped: true, with_memory: true })?;
            match at_most {
                Some(limit) if mean > *limit => Err(format!("the geometric mean {mean:.3} exceeds {limit}")),
                _ => Ok(mean),
            }
        }
        What::Memory { common } => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/memory");
            let jobs = programs(&folder, &[])?;
            common.run(Task { jobs, folder, metric: MEMORY, rounds: 2, grouped: false, with_memory: false })
        }
        What::Compile { common, size, keep } => compile(common, *size, keep.as_deref()),
        What::Startup { common } => {
            let jobs = vec![Job { name: "start-up".to_string(), arguments: vec!["-e".to_string(), String::new()] }];
            let folder = std::env::temp_dir();
            common.run(Task { jobs, folder, metric: ELAPSED, rounds: 200, grouped: false, with_memory: false })
        }
    };
    mean.map(|_| ())
}

fn main() -> ExitCode {
    match run(&Options::parse().what) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("compare: {message}");
            ExitCode::FAILURE
        }
    }
}
