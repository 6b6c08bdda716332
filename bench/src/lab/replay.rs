//! A recorded trace against an allocator, without the machine.
//!
//! Records are read and decoded a batch at a time, which is not timed; then the batch is run, which is. So memory is needed for a
//! batch and for a place for each slot, however long the trace is.
//!
//! R1. A place of the slots holds a null pointer, or a live block of the allocator with the size that was last asked for.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use perilune_alloc_adapters::trace::{Record, Trace};
use perilune_alloc_adapters::{AllocKind, LuaAlloc, OldSize, RawAlloc};
use serde::{Deserialize, Serialize};

use super::Lab;
use super::audit::{Audit, Totals};
use super::cell::{Kind, Outcome};
use super::matrix::{bar, interrupted, verdict};
use super::os::cpu_time;
use super::record::Note;
use super::report::{ReplayCell, ReplayReport};
use super::stats::{Spread, median, noise};

/// How many operations are decoded at a time.
const BATCH: usize = 1 << 15;
/// The distance at which new memory is touched, as a program that uses it would.
const PAGE: usize = 4096;
/// The name that stands for no allocator: the loop alone, with one block for all.
pub const FLOOR: &str = "(the loop alone)";

/// How a trace is replayed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReplaySpec {
    /// The file.
    pub trace: PathBuf,
    /// How many slots it has.
    pub slots: u32,
    /// Whether what is asked is checked against the trace, and every block's content; such a replay is not timed.
    pub check: bool,
    /// Whether the blocks that are live when the close begins are left to the allocator.
    pub in_bulk: bool,
}

/// What a replay gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replayed {
    /// What was asked.
    pub totals: Totals,
    /// Seconds of processor time before the close.
    pub running: f64,
    /// Seconds of processor time for the close.
    pub closing: f64,
    /// Whether the blocks were left to the allocator.
    pub in_bulk: bool,
    /// Operations before the close.
    pub operations: u64,
}

/// What a trace tells about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceFacts {
    /// What was asked of the allocator.
    pub totals: Totals,
    /// The most blocks that were live at once.
    pub slots: u32,
    /// The highest sum of live sizes.
    pub peak_live: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// How many operations come before the close, if the trace says.
    pub close_at: Option<u64>,
    /// The length of the file in bytes.
    pub file_bytes: u64,
}

/// Opens a trace.
///
/// # Errors
/// The file cannot be opened, or is no trace.
pub fn open(path: &Path) -> Result<Trace<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("cannot open the trace '{}'", path.display()))?;
    Trace::new(BufReader::new(file)).with_context(|| format!("'{}'", path.display()))
}

/// Reads a trace to its end.
///
/// # Errors
/// It cannot be read; the message has the offset in bytes.
pub fn read(path: &Path) -> Result<TraceFacts> {
    let mut trace = open(path)?;
    let mut facts = TraceFacts { file_bytes: std::fs::metadata(path)?.len(), ..TraceFacts::default() };
    for record in &mut trace {
        let record = record.with_context(|| format!("'{}'", path.display()))?;
        facts.totals.note_record(&record);
        facts.refused += u64::from(matches!(record, Record::FailedNew { .. } | Record::FailedResize { .. }));
        let live = facts.totals.allocated_bytes - facts.totals.freed_bytes;
        facts.peak_live = facts.peak_live.max(live);
    }
    let summary = trace.summary().context("a trace without an end was read to its end")?;
    facts.slots = summary.slots;
    facts.close_at = summary.close_at;
    Ok(facts)
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Empty,
    New(AllocKind),
    Resize,
    Free,
}

/// An operation.
#[derive(Clone, Copy, Debug)]
struct Operation {
    size: usize,
    slot: u32,
    what: What,
}

/// The blocks in the slots, and their sizes.
type Blocks = Vec<(*mut u8, usize)>;

/// The next operations; an empty list is the end. The second result tells that the close begins after them.
fn decode(trace: &mut Trace<BufReader<File>>, batch: &mut Vec<Operation>) -> Result<bool> {
    batch.clear();
    while batch.len() < BATCH {
        let Some(record) = trace.next() else { break };
        batch.push(match record? {
            Record::Empty => Operation { size: 0, slot: 0, what: What::Empty },
            Record::New { slot, kind, size } => Operation { size, slot, what: What::New(kind) },
            Record::Resize { slot, new, .. } => Operation { size: new, slot, what: What::Resize },
            Record::Free { slot, .. } => Operation { size: 0, slot, what: What::Free },
            Record::FailedNew { .. } | Record::FailedResize { .. } => continue,
            Record::Close => return Ok(true),
        });
    }
    Ok(false)
}

/// Touches the bytes of a block from `from` on, a byte a page.
///
/// # Safety
/// The block has `size` bytes, which are `from` at least.
unsafe fn touch(block: *mut u8, from: usize, size: usize) {
    let mut at = from;
    while at < size {
        // SAFETY: the caller's promise.
        unsafe { block.add(at).write(1) };
        at += PAGE;
    }
}

/// Runs a batch. The result is the place of the operation that the allocator refused, if one was.
fn run<const TOUCH: bool>(pair: RawAlloc, blocks: &mut Blocks, batch: &[Operation]) -> Option<usize> {
    for (at, operation) in batch.iter().enumerate() {
        let Operation { size, slot, what } = *operation;
        let (block, old) = if what == What::Empty { (null_mut(), 0) } else { blocks[slot as usize] };
        let osize = match what {
            What::New(kind) => OldSize::of_kind(kind),
            _ => OldSize::of_size(old),
        };
        // SAFETY: R1: the block is null or live, with the size last asked for.
        let new = unsafe { pair.call(block, osize, size) };
        if what == What::Empty {
            continue;
        }
        if new.is_null() && size > 0 {
            return Some(at);
        }
        blocks[slot as usize] = (new, size);
        if TOUCH && size > old {
            // SAFETY: the block has so many bytes.
            unsafe { touch(new, old, size) };
        }
    }
    None
}

/// Runs a batch, and looks whether the content of each block stayed what it was.
fn run_checked(memory: &impl LuaAlloc, blocks: &mut Blocks, batch: &[Operation]) -> Result<()> {
    for operation in batch {
        let Operation { size, slot, what } = *operation;
        let (block, old) = if what == What::Empty { (null_mut(), 0) } else { blocks[slot as usize] };
        let osize = match what {
            What::New(kind) => OldSize::of_kind(kind),
            _ => OldSize::of_size(old),
        };
        let mark = slot as u8 ^ 0x5A;
        // SAFETY: R1: the block is null or live, with the size last asked for, and marked at both ends.
        unsafe {
            ensure!(
                block.is_null() || (*block == mark && *block.add(old - 1) == mark),
                "the content of a block has changed: something else was written there"
            );
            let new = memory.realloc(block, osize, size);
            if what == What::Empty {
                continue;
            }
            ensure!(!new.is_null() || size == 0, "the allocator refused {size} bytes");
            ensure!(new.addr() % 16 == 0, "a block is not aligned to 16");
            if size > 0 {
                ensure!(block.is_null() || *new == mark, "a resize has lost the block's content");
                new.write(mark);
                new.add(size - 1).write(mark);
            }
            blocks[slot as usize] = (new, size);
        }
    }
    Ok(())
}

/// Makes a place for each slot of a batch.
fn make_room(blocks: &mut Blocks, batch: &[Operation]) {
    let most = batch.iter().map(|operation| operation.slot as usize + 1).max().unwrap_or(0);
    if most > blocks.len() {
        blocks.resize(most, (null_mut(), 0));
    }
}

/// Frees what is live.
fn free_rest(memory: &impl LuaAlloc, blocks: &mut Blocks) {
    for (block, size) in blocks.drain(..) {
        if !block.is_null() {
            // SAFETY: R1.
            unsafe { memory.realloc(block, OldSize::of_size(size), 0) };
        }
    }
}

/// Gives one block for everything.
struct OneBlock {
    block: u128,
}

// SAFETY: it is no allocator, and is used by a replay alone that does not touch blocks.
unsafe impl LuaAlloc for OneBlock {
    unsafe fn realloc(&self, _: *mut u8, _: OldSize, nsize: usize) -> *mut u8 {
        if nsize == 0 { null_mut() } else { (&raw const self.block).cast_mut().cast() }
    }
}

/// A replay under way.
struct Replay {
    trace: Trace<BufReader<File>>,
    batch: Vec<Operation>,
    blocks: Blocks,
    operations: u64,
}

impl Replay {
    fn new(spec: &ReplaySpec) -> Result<Self> {
        // All memory of its own is taken now, as the allocator may be the process's.
        let (batch, blocks) = (Vec::with_capacity(BATCH), Vec::with_capacity(spec.slots as usize));
        Ok(Self { trace: open(&spec.trace)?, batch, blocks, operations: 0 })
    }

    /// Runs up to the close, or the end. Returns how long the operations took, and whether the close is next.
    fn phase(&mut self, pair: RawAlloc, touches: bool) -> Result<(Duration, bool)> {
        let mut time = Duration::ZERO;
        loop {
            let closes = decode(&mut self.trace, &mut self.batch)?;
            make_room(&mut self.blocks, &self.batch);
            let start = cpu_time();
            let refused = if touches {
                run::<true>(pair, &mut self.blocks, &self.batch)
            } else {
                run::<false>(pair, &mut self.blocks, &self.batch)
            };
            time += cpu_time().saturating_sub(start);
            if let Some(at) = refused {
                let size = self.batch[at].size;
                bail!("the allocator refused {size} bytes at operation {}", self.operations + at as u64);
            }
            self.operations += self.batch.len() as u64;
            if closes || self.batch.is_empty() {
                return Ok((time, closes));
            }
        }
    }
}

/// A replay that checks.
fn check(memory: &impl LuaAlloc, mut replay: Replay) -> Result<Replayed> {
    let audit = Audit::new(memory);
    loop {
        let closes = decode(&mut replay.trace, &mut replay.batch)?;
        make_room(&mut replay.blocks, &replay.batch);
        run_checked(&audit, &mut replay.blocks, &replay.batch)
            .with_context(|| format!("within the {BATCH} operations from {} on", replay.operations))?;
        replay.operations += replay.batch.len() as u64;
        if replay.batch.is_empty() && !closes {
            break;
        }
    }
    let totals = audit.totals();
    free_rest(memory, &mut replay.blocks);
    Ok(Replayed { totals, running: 0.0, closing: 0.0, in_bulk: false, operations: replay.operations })
}

/// Replays a trace as a cell.
///
/// # Errors
/// The trace cannot be read, the allocator is unknown, refuses memory, or damages a block.
pub fn measure(lab: &Lab, allocator: &str, spec: &ReplaySpec) -> Result<Replayed> {
    let totals = Totals::default();
    let mut replay = Replay::new(spec)?;
    if allocator == FLOOR {
        let one = OneBlock { block: 0 };
        let (running, _) = replay.phase(RawAlloc::from_adapter(std::hint::black_box(&raw const one)), false)?;
        let operations = replay.operations;
        return Ok(Replayed { totals, running: running.as_secs_f64(), closing: 0.0, in_bulk: false, operations });
    }
    let subject = lab.find(allocator)?;
    let memory = subject.make();
    if spec.check {
        return check(&memory, replay);
    }
    let in_bulk = spec.in_bulk && subject.frees_in_bulk();
    let (running, closes) = replay.phase(std::hint::black_box(memory.pair()), true)?;
    let operations = replay.operations;
    let mut closing = Duration::ZERO;
    if closes && !in_bulk {
        closing = replay.phase(memory.pair(), true)?.0;
    }
    let start = cpu_time();
    if !in_bulk {
        free_rest(&memory, &mut replay.blocks);
    }
    drop(memory);
    closing += cpu_time().saturating_sub(start);
    Ok(Replayed { totals, running: running.as_secs_f64(), closing: closing.as_secs_f64(), in_bulk, operations })
}

/// Replays on several allocators.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The recording.
    pub trace: &'a Path,
    /// What is in it.
    pub facts: TraceFacts,
    /// The names of the allocators.
    pub allocators: &'a [String],
    /// How often each pair of passes is made.
    pub rounds: usize,
    /// The allocator that others are compared with.
    pub baseline: &'a str,
}

impl Plan<'_> {
    /// Replays on every allocator: first with checks, then timed, in turns.
    ///
    /// # Errors
    /// The recording's note is damaged or of another recording, or the loop alone cannot be timed.
    pub fn run(&self, lab: &Lab) -> Result<ReplayReport> {
        let note = Note::of(self.trace)?;
        if let Some(note) = &note {
            ensure!(
                note.totals == self.facts.totals,
                "the trace does not hold what its note says was asked: hash {:016x}, and not {:016x}",
                self.facts.totals.hash,
                note.totals.hash
            );
        }
        let new = |name: &String| ReplayCell { allocator: name.clone(), ..ReplayCell::default() };
        let mut cells: Vec<ReplayCell> = self.allocators.iter().map(new).collect();
        let bar = bar(cells.len() * (2 * self.rounds + 1) + self.rounds);
        let mut checked = 0;
        for cell in cells.iter_mut().take_while(|_| !interrupted()) {
            bar.set_message(format!("checking {}", cell.allocator));
            cell.error = self.check(lab, &cell.allocator).err().map(|error| format!("{error:#}"));
            bar.inc(1);
            checked += 1;
        }
        cells.truncate(checked);
        let mut floor = Vec::new();
        'passes: for pass in 0..2 * self.rounds {
            if interrupted() {
                break;
            }
            let in_bulk = pass % 2 == 1;
            if !in_bulk {
                floor.push(self.replay(lab, FLOOR, false, false)?.running);
                bar.inc(1);
            }
            let mut order: Vec<&mut ReplayCell> = cells.iter_mut().filter(|cell| cell.error.is_none()).collect();
            if in_bulk {
                order.reverse();
            }
            for cell in order {
                bar.set_message(cell.allocator.clone());
                match self.replay(lab, &cell.allocator, false, in_bulk) {
                    Ok(replayed) => {
                        cell.seconds.push(replayed.running);
                        let closing = if replayed.in_bulk { &mut cell.closing_in_bulk } else { &mut cell.closing };
                        closing.push(replayed.closing);
                    }
                    Err(error) => cell.error = Some(format!("{error:#}")),
                }
                bar.inc(1);
                if interrupted() {
                    break 'passes;
                }
            }
        }
        bar.finish_and_clear();
        let mut report = ReplayReport {
            trace: self.trace.display().to_string(),
            facts: self.facts,
            machine_seconds: None,
            floor_seconds: median(&floor).unwrap_or(0.0),
            noise: noise(&floor),
            cells,
        };
        self.judge(&mut report);
        let own = |name: &str| median(&report.own_seconds(report.cells.iter().find(|cell| cell.allocator == name)?));
        let machine = note.and_then(|note| Some(note.seconds? - own(&note.allocator)?));
        report.machine_seconds = machine.filter(|seconds| *seconds > 0.0);
        Ok(report)
    }

    /// Makes one replay in a process of its own.
    fn replay(&self, lab: &Lab, allocator: &str, check: bool, in_bulk: bool) -> Result<Replayed> {
        let spec = ReplaySpec { trace: self.trace.to_owned(), slots: self.facts.slots, check, in_bulk };
        match lab.spec(allocator, Kind::Replay(spec), None).run()? {
            Outcome::Replay(replayed) => Ok(replayed),
            _ => bail!("the measurement gave something else"),
        }
    }

    /// Replays with checks, and compares what was asked with the recording.
    fn check(&self, lab: &Lab, allocator: &str) -> Result<()> {
        let replayed = self.replay(lab, allocator, true, false)?;
        ensure!(
            replayed.totals == self.facts.totals,
            "it was asked for something else than what was recorded: hash {:016x}, and not {:016x}",
            replayed.totals.hash,
            self.facts.totals.hash
        );
        Ok(())
    }

    /// Compares the allocators' own times, without the loop's.
    fn judge(&self, report: &mut ReplayReport) {
        let own: Vec<Vec<f64>> = report.cells.iter().map(|cell| report.own_seconds(cell)).collect();
        let is_base = |cell: &ReplayCell| cell.allocator == self.baseline && cell.error.is_none();
        let Some(base) = report.cells.iter().position(is_base) else { return };
        for (cell, seconds) in report.cells.iter_mut().zip(&own).filter(|(cell, _)| cell.error.is_none()) {
            let ratios: Vec<f64> = seconds.iter().zip(&own[base]).map(|(time, base)| time / base).collect();
            cell.ratio = Spread::of(&ratios);
            cell.verdict = verdict(cell.ratio, cell.allocator == self.baseline, report.noise);
        }
    }
}
