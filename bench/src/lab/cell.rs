//! A cell: one measurement in a process of its own.
//!
//! The program runs itself with the hidden command `cell` and the [`Spec`] as JSON; the child answers with one line of JSON. So
//! no measurement finds memory that another one has touched, and an allocator that crashes takes its own cell along and no more.

use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use perilune_alloc_adapters::{AllocKind, Counting, Histogram, Latency, LuaAlloc, Operation, SIZE_CLASSES, Stats};
use serde::{Deserialize, Serialize};

use super::Lab;
use super::host::{self, Finished};
use super::os::{self, Resident, cpu_time, page_faults};
use super::replay::{self, ReplaySpec, Replayed};
use super::sampler::{Beginning, Sample, Sampler};
use super::subject::{Closing, Subject, open};
use super::workload::Workload;

/// What is measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Kind {
    /// Time, memory and page faults of a workload on the allocator alone.
    Time {
        /// Whether blocks are left to the allocator at the close.
        in_bulk: bool,
    },
    /// What goes through the allocator, and memory over the run.
    Count,
    /// How long single calls take.
    Latency,
    /// So many states at once, each on a thread and an allocator of its own.
    Threads(usize),
    /// A trace without the machine.
    Replay(ReplaySpec),
}

/// A measurement to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spec {
    /// What is measured.
    pub kind: Kind,
    /// The allocator's name.
    pub allocator: String,
    /// The libraries that allocators are to be loaded from.
    pub libraries: Vec<String>,
    /// The workload, and its argument; a replay has none.
    pub workload: Option<(Workload, u64)>,
}

/// What a measurement gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// Of [`Kind::Time`].
    Time(Timed),
    /// Of [`Kind::Count`].
    Count(Box<Counts>),
    /// Of [`Kind::Latency`].
    Latency(LatencyTable),
    /// Of [`Kind::Threads`]: the seconds by the clock from the common start to the end of the last one.
    Threads(f64),
    /// Of [`Kind::Replay`].
    Replay(Replayed),
}

/// One timed run of a workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timed {
    /// Seconds of processor time for opening the state and running.
    pub running: f64,
    /// Seconds of processor time for closing.
    pub closing: f64,
    /// Whether blocks were left to the allocator.
    pub in_bulk: bool,
    /// How far resident memory rose, in bytes.
    pub resident_growth: u64,
    /// Page faults during the run.
    pub page_faults: u64,
    /// What was printed.
    pub checksum: String,
}

/// The new blocks of one kind by size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindSizes {
    /// The kind's name.
    pub kind: String,
    /// How many blocks.
    pub blocks: u64,
    /// The sum of their sizes when they were made.
    pub bytes: u64,
    /// How many of each size class.
    pub classes: Vec<u64>,
}

/// What went through an allocator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// All calls.
    pub calls: u64,
    /// New blocks.
    pub allocations: u64,
    /// Bytes that were allocated, growth included.
    pub allocated_bytes: u64,
    /// Resizes to a larger size.
    pub grows: u64,
    /// Those that left the block where it was.
    pub grows_in_place: u64,
    /// The highest sum of live sizes.
    pub peak_live: u64,
    /// The most that the allocator had taken from the system when it was sampled, if it can tell.
    pub reserved: Option<u64>,
    /// The new blocks.
    pub kinds: Vec<KindSizes>,
    /// Memory over the run; of the first state if there are many.
    pub samples: Vec<Sample>,
    /// What was printed.
    pub checksum: String,
}

/// Percentiles of one kind of call, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallTimes {
    /// `alloc`, `grow`, `shrink`, `free`, or `floor`, the clock's own.
    pub call: String,
    /// How many calls.
    pub count: u64,
    /// Pairs of a percentile and the time that so many calls do not exceed.
    pub curve: Vec<(f64, u64)>,
}

/// Percentiles of all kinds of calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyTable {
    /// One for each kind of call, then the floor.
    pub calls: Vec<CallTimes>,
}

/// The percentiles that are kept.
pub const PERCENTILES: [f64; 12] = [1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999, 100.0];

impl CallTimes {
    fn of(call: &str, times: &Histogram<u64>) -> Self {
        let curve = PERCENTILES.map(|p| (p, times.value_at_percentile(p)));
        Self { call: call.into(), count: times.len(), curve: curve.to_vec() }
    }

    /// The time at one of [`PERCENTILES`].
    pub fn at(&self, percentile: f64) -> Option<u64> {
        self.curve.iter().find(|(p, _)| *p == percentile).map(|(_, time)| *time)
    }
}

/// Runs a workload through an instrument, calling `before_close` when a state is about to be closed.
pub fn run_through<A: LuaAlloc>(
    memory: &A,
    workload: &Workload,
    argument: u64,
    before_close: &dyn Fn(),
) -> Result<Finished> {
    host::run(workload, argument, |work| {
        let lua = open(memory, work)?;
        before_close();
        let start = cpu_time();
        drop(lua);
        Ok(cpu_time().saturating_sub(start))
    })
}

fn time(subject: &dyn Subject, workload: &Workload, argument: u64, in_bulk: bool) -> Result<Timed> {
    let closing = if in_bulk { Closing::InBulk } else { Closing::ByObject };
    let (resident, faults) = (Resident::read(), page_faults());
    let finished = host::run_on(subject, closing, workload, argument)?;
    Ok(Timed {
        running: finished.running.as_secs_f64(),
        closing: finished.closing.as_secs_f64(),
        in_bulk: in_bulk && subject.frees_in_bulk(),
        page_faults: page_faults() - faults,
        resident_growth: Resident::read().growth_since(resident),
        checksum: finished.checksum,
    })
}

impl Counts {
    /// Adds what a state's allocator counted.
    fn add(&mut self, stats: &Stats, reserved: Option<u64>) {
        self.calls += stats.calls;
        self.allocations += stats.allocations;
        self.allocated_bytes += stats.allocated_bytes + stats.grown_bytes;
        self.grows += stats.grows;
        self.grows_in_place += stats.grows_in_place;
        self.peak_live = self.peak_live.max(stats.peak_bytes as u64);
        self.reserved = self.reserved.max(reserved);
        if self.kinds.is_empty() {
            let empty = |kind: AllocKind| KindSizes {
                kind: kind.name().into(),
                classes: vec![0; SIZE_CLASSES.len()],
                ..KindSizes::default()
            };
            self.kinds = AllocKind::ALL.map(empty).to_vec();
        }
        for (sum, kind) in self.kinds.iter_mut().zip(&stats.kinds) {
            sum.blocks += kind.allocations;
            sum.bytes += kind.bytes;
            for (sum, class) in sum.classes.iter_mut().zip(kind.classes) {
                *sum += class;
            }
        }
    }
}

fn count(subject: &dyn Subject, workload: &Workload, argument: u64) -> Result<Counts> {
    let mut counts = Counts::default();
    let finished = host::run(workload, argument, |work| {
        let beginning = Beginning::now();
        let allocator = subject.make();
        let reserved = || allocator.reserved();
        let memory = Counting::new(Sampler::new(beginning, &allocator, &reserved));
        let lua = open(&memory, work)?;
        memory.inner().sample();
        let start = cpu_time();
        drop(lua);
        let closing = cpu_time().saturating_sub(start);
        counts.add(&memory.stats(), memory.inner().most_reserved());
        if counts.samples.is_empty() {
            counts.samples = memory.inner().samples();
        }
        let leaked = memory.live_bytes();
        if leaked > 0 {
            bail!("the closed state has left {leaked} bytes");
        }
        Ok(closing)
    })?;
    counts.checksum = finished.checksum;
    Ok(counts)
}

fn latency(subject: &dyn Subject, workload: &Workload, argument: u64) -> Result<LatencyTable> {
    let mut all: Vec<Histogram<u64>> = Vec::new();
    host::run(workload, argument, |work| {
        let memory = Latency::new(subject.make());
        let lua = open(&memory, work)?;
        let start = cpu_time();
        drop(lua);
        let closing = cpu_time().saturating_sub(start);
        let ours = Operation::ALL.map(|operation| memory.histogram(operation));
        let ours = ours.into_iter().chain([memory.floor().clone()]);
        if all.is_empty() {
            all.extend(ours);
        } else {
            for (sum, histogram) in all.iter_mut().zip(ours) {
                sum.add(histogram).map_err(|error| anyhow!("histograms of different bounds: {error}"))?;
            }
        }
        Ok(closing)
    })?;
    let names = Operation::ALL.map(Operation::name).into_iter().chain(["floor"]);
    Ok(LatencyTable { calls: names.zip(&all).map(|(name, times)| CallTimes::of(name, times)).collect() })
}

/// Runs states on threads; gives the seconds between their common start and the end of the last one.
fn threads(subject: &dyn Subject, workload: &Workload, argument: u64, number: usize) -> Result<f64> {
    let barrier = Barrier::new(number);
    let runs: Vec<Result<(Instant, Instant)>> = std::thread::scope(|scope| {
        let run = || {
            barrier.wait();
            let start = Instant::now();
            host::run_on(subject, Closing::InBulk, workload, argument)?;
            Ok((start, Instant::now()))
        };
        let threads: Vec<_> = (0..number).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked")))).collect()
    });
    let runs = runs.into_iter().collect::<Result<Vec<_>>>()?;
    let start = runs.iter().map(|run| run.0).min().context("no thread ran")?;
    let end = runs.iter().map(|run| run.1).max().context("no thread ran")?;
    Ok((end - start).as_secs_f64())
}

impl Spec {
    /// Makes the measurement in this process.
    fn measure(&self, lab: &Lab) -> Result<Outcome> {
        if let Kind::Replay(spec) = &self.kind {
            return replay::measure(lab, &self.allocator, spec).map(Outcome::Replay);
        }
        let subject = lab.find(&self.allocator)?;
        let (workload, argument) = self.workload.as_ref().context("there is no workload")?;
        Ok(match self.kind {
            Kind::Time { in_bulk } => Outcome::Time(time(subject, workload, *argument, in_bulk)?),
            Kind::Count => Outcome::Count(Box::new(count(subject, workload, *argument)?)),
            Kind::Latency => Outcome::Latency(latency(subject, workload, *argument)?),
            Kind::Threads(number) => Outcome::Threads(threads(subject, workload, *argument, number)?),
            Kind::Replay(_) => bail!("a replay has no workload"),
        })
    }

    /// Makes the measurement in a process of its own.
    ///
    /// # Errors
    /// What went wrong there: a workload that failed, an allocator that crashed.
    pub fn run(&self) -> Result<Outcome> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let spec = serde_json::to_string(self)?;
        // A group of its own keeps Ctrl-C from ending the measurement at hand, whose end is waited for.
        let mut child = Command::new(program)
            .arg("cell")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("cannot run this program again for a measurement")?;
        // A child that ended early shows in its status.
        let mut input = child.stdin.take().context("the measurement has no input")?;
        let _ = input.write_all(spec.as_bytes());
        drop(input);
        let output = child.wait_with_output().context("cannot wait for a measurement")?;
        if output.status.signal() == Some(libc::SIGINT) {
            // Ctrl-C came before the child had its group.
            return self.run();
        }
        if !output.status.success() {
            bail!("the measurement's process ended with {}", output.status);
        }
        // Only the last line is the answer: a program with an allocator of its own may have printed something before it came here.
        let line = output.stdout.trim_ascii_end().rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        let answer: std::result::Result<Outcome, String> =
            serde_json::from_slice(line).context("the measurement's answer cannot be read")?;
        answer.map_err(|message| anyhow!(message))
    }
}

/// The command `cell`: reads a [`Spec`] from standard input, and writes a line of JSON. Nobody else writes there, neither the
/// workload by `io.write` nor the allocator.
///
/// # Errors
/// The input is no spec, or the answer cannot be written.
pub fn answer(lab: Lab) -> Result<()> {
    os::end_with_parent();
    let mut output = os::take_standard_output().context("cannot take the standard output")?;
    let spec: Spec = serde_json::from_reader(std::io::stdin()).context("the command 'cell' is for the lab itself")?;
    let outcome = lab.with_libraries(&spec.libraries).and_then(|lab| spec.measure(&lab));
    let outcome = outcome.map_err(|error| format!("{error:#}"));
    writeln!(output, "\n{}", serde_json::to_string(&outcome)?).context("cannot write the answer")
}
