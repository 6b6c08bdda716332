//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::report::Outputs;
use super::workload::Size;

/// The allocator lab: real Lua workloads on many allocators, measured, recorded, replayed, drawn.
///
/// Everything that is timed runs in a process of its own, in turn with the others, with nothing but the allocator below the
/// machine. Where a difference is within the noise, that is what is said.
#[derive(Debug, Parser)]
#[command(
    name = "perilune-lab",
    version,
    after_help = "Example, the shortest way to an answer, in about a minute:\n  perilune-lab matrix --quick --html report.html"
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Load an allocator from a shared library; the symbol is a C function of the type `lua_Alloc`, and gets a null `ud`.
    #[arg(long = "alloc-lib", value_name = "PATH:SYMBOL", global = true)]
    pub libraries: Vec<String>,
    /// Add the workloads of a folder: its files `*.lua`.
    #[arg(long, value_name = "DIR", global = true)]
    pub workloads: Option<PathBuf>,
}

/// Which allocators.
#[derive(Clone, Debug, Args)]
pub struct Allocators {
    /// The allocators, by names with commas between; all without it.
    #[arg(id = "allocators", long = "alloc", short, value_delimiter = ',', value_name = "NAME")]
    pub names: Vec<String>,
}

/// How long workloads run.
#[derive(Clone, Copy, Debug, Args)]
pub struct Length {
    /// Short runs, about 50 milliseconds each.
    #[arg(long, conflicts_with = "long")]
    quick: bool,
    /// Long runs, a few seconds each.
    #[arg(long)]
    long: bool,
}

impl Length {
    /// The size that the options say.
    pub fn size(self) -> Size {
        match self {
            Self { quick: true, .. } => Size::Quick,
            Self { long: true, .. } => Size::Long,
            _ => Size::Default,
        }
    }
}

/// What there is to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare allocators over workloads.
    ///
    /// Each run is a process of its own; the allocators take turns, A B B A; a control that allocates nothing runs beside them and
    /// shows the machine's noise.
    #[command(after_help = "Example:\n  perilune-lab matrix --quick --alloc slab,system,mimalloc --html report.html")]
    Matrix(Matrix),
    /// Record every call that a workload makes to its allocator.
    #[command(after_help = "Example:\n  perilune-lab record binary_trees --quick -o trees.trace")]
    Record(Record),
    /// Make the calls of a recording again, without the machine.
    ///
    /// A first replay on each allocator checks every call against the recording, and every block's content; the others are timed.
    #[command(after_help = "Example:\n  perilune-lab replay trees.trace --alloc slab,libc,mimalloc")]
    Replay(Replay),
    /// Show sizes and lifetimes of blocks by the kind of object.
    #[command(after_help = "Example:\n  perilune-lab histogram records --quick --html records.html")]
    Histogram(Histogram),
    /// Show how long single calls take, in percentiles.
    #[command(after_help = "Example:\n  perilune-lab latency cache --alloc slab,libc")]
    Latency(Choice),
    /// Run 1 to N states at once, each on a thread and an allocator of its own.
    #[command(after_help = "Example:\n  perilune-lab threads closures -n 4 --alloc slab,libc")]
    Threads(Threads),
    /// Show live against resident memory over a run.
    #[command(after_help = "Example:\n  perilune-lab footprint cache --alloc slab,libc --html cache.html")]
    Footprint(Choice),
    /// Compare two saved runs of `matrix` or of `replay`, for example before and after a change of an allocator.
    #[command(
        after_help = "Example:\n  perilune-lab matrix --json before.json\n  perilune-lab compare before.json after.json"
    )]
    Compare(Compare),
    /// List the allocators.
    #[command(after_help = "Example:\n  perilune-lab allocs --alloc-lib ./my.so:my_alloc")]
    Allocs,
    /// List the workloads.
    #[command(name = "workloads", after_help = "Example:\n  perilune-lab workloads --workloads my-workloads")]
    List,
    /// Make one measurement for the lab itself.
    #[command(hide = true)]
    Cell,
}

/// The arguments of `matrix`.
#[derive(Debug, Args)]
pub struct Matrix {
    /// Workloads, or files; all without any.
    #[arg(value_name = "WORKLOAD|FILE.lua")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub allocators: Allocators,
    #[command(flatten)]
    pub length: Length,
    /// How often each allocator runs in each order; with fewer than three nothing is claimed, with five one run may be disturbed.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..), default_value_t = 5)]
    pub rounds: u16,
    /// The allocator that the others are compared with.
    #[arg(long, value_name = "NAME", default_value = "system")]
    pub baseline: String,
    /// Time single calls, too (an --html report has them in any case).
    #[arg(long)]
    pub latency: bool,
    #[command(flatten)]
    pub outputs: Outputs,
}

/// The arguments of `record`.
#[derive(Debug, Args)]
pub struct Record {
    /// The workload, or a file.
    #[arg(value_name = "WORKLOAD|FILE.lua")]
    pub name: String,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// The allocator below the recording.
    #[arg(long = "alloc", short, value_name = "NAME", default_value = "system")]
    pub allocator: String,
    #[command(flatten)]
    pub length: Length,
}

/// The arguments of `replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The recording.
    pub trace: PathBuf,
    #[command(flatten)]
    pub allocators: Allocators,
    /// How often each allocator runs in each order; with fewer than three nothing is claimed, with five one run may be disturbed.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..), default_value_t = 5)]
    pub rounds: u16,
    /// The allocator that the others are compared with.
    #[arg(long, value_name = "NAME", default_value = "system")]
    pub baseline: String,
    #[command(flatten)]
    pub outputs: Outputs,
}

/// The arguments of `histogram`.
#[derive(Debug, Args)]
pub struct Histogram {
    /// A recording, or a workload that is recorded on the way.
    #[arg(value_name = "TRACE|WORKLOAD|FILE.lua")]
    pub name: String,
    #[command(flatten)]
    pub length: Length,
    #[command(flatten)]
    pub outputs: Outputs,
}

/// The arguments of `latency` and `footprint`, and most of those of `threads`.
#[derive(Debug, Args)]
pub struct Choice {
    /// Workloads, or files.
    #[arg(value_name = "WORKLOAD|FILE.lua", required = true)]
    pub names: Vec<String>,
    #[command(flatten)]
    pub allocators: Allocators,
    #[command(flatten)]
    pub length: Length,
    #[command(flatten)]
    pub outputs: Outputs,
}

/// The arguments of `threads`.
#[derive(Debug, Args)]
pub struct Threads {
    /// The most threads; as many as there are cores without it.
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// How often each is run.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..), default_value_t = 3)]
    pub rounds: u16,
    // The heading of the outputs would stand above what follows them.
    #[command(flatten)]
    pub choice: Choice,
}

/// The arguments of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// The report of the first run, as JSON.
    pub before: PathBuf,
    /// The report of the second run.
    pub after: PathBuf,
}
