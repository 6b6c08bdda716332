//! Sizes and lifetimes of blocks, by the kind of object.
//!
//! The clock of lifetimes is the memory that was allocated meanwhile, in bytes: it is the same on every machine, and what decides how
//! an allocator fares.

use std::fmt::Write as _;
use std::io::{BufReader, Read};

use anyhow::{Context, Result, anyhow};
use perilune_alloc_adapters::trace::{Record, Trace};
use perilune_alloc_adapters::{AllocKind, SIZE_CLASSES};
use serde::{Deserialize, Serialize};

use super::record;
use super::subject::Subject;
use super::tables::table;
use super::units::{NONE, bytes, count, percent};
use super::workload::Workload;

/// The upper ends of the classes of lifetimes, in bytes: powers of four from 1 KiB on.
pub const LIFETIMES: [u64; 10] = {
    let mut ends = [u64::MAX; 10];
    let mut at = 0;
    while at < 9 {
        ends[at] = 1 << (10 + 2 * at);
        at += 1;
    }
    ends
};

/// The blocks of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindHistogram {
    /// The kind's name.
    pub kind: String,
    /// How many.
    pub blocks: u64,
    /// The sum of their sizes when they were made.
    pub bytes: u64,
    /// How many of each size, in the order of [`SIZE_CLASSES`].
    pub sizes: Vec<u64>,
    /// How many lived so long, in the order of [`LIFETIMES`].
    pub lifetimes: Vec<u64>,
    /// How many lived until the state was closed.
    pub until_close: u64,
    /// How often one was resized.
    pub resizes: u64,
}

/// The heads of the kind's name and its [`KindHistogram::figures`].
pub const KIND_HEADS: [&str; 5] = ["kind", "blocks", "bytes", "resizes", "lived until the close"];

impl KindHistogram {
    /// What there is to say of a kind, where there are so many blocks of all kinds.
    pub fn figures(&self, blocks: u64) -> [String; 4] {
        [
            format!("{} ({})", count(self.blocks as f64), percent(self.blocks as f64 / blocks.max(1) as f64)),
            bytes(self.bytes as f64),
            count(self.resizes as f64),
            count(self.until_close as f64),
        ]
    }
}

/// The histograms of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histograms {
    /// A name for what was recorded.
    pub name: String,
    /// The bytes that were allocated, growth included.
    pub allocated: u64,
    /// One for each kind, in the order of [`AllocKind::ALL`].
    pub kinds: Vec<KindHistogram>,
}

/// What is known of a live block.
#[derive(Clone, Copy, Default)]
struct Birth {
    at: u64,
    kind: usize,
}

/// Reads a recording.
///
/// # Errors
/// It cannot be read to its end.
pub fn of_trace(name: &str, input: impl Read) -> Result<Histograms> {
    let empty = |kind: AllocKind| KindHistogram {
        kind: kind.name().into(),
        sizes: vec![0; SIZE_CLASSES.len()],
        lifetimes: vec![0; LIFETIMES.len()],
        ..KindHistogram::default()
    };
    let mut all = Histograms { name: name.into(), allocated: 0, kinds: AllocKind::ALL.map(empty).to_vec() };
    let mut births: Vec<Birth> = Vec::new();
    let mut closing = false;
    for record in Trace::new(input)? {
        match record? {
            Record::New { slot, kind, size } => {
                let slot = slot as usize;
                if slot >= births.len() {
                    births.resize(slot + 1, Birth::default());
                }
                let place = AllocKind::ALL.iter().position(|other| *other == kind).unwrap_or(0);
                births[slot] = Birth { at: all.allocated, kind: place };
                all.allocated += size as u64;
                let kind = &mut all.kinds[place];
                kind.blocks += 1;
                kind.bytes += size as u64;
                kind.sizes[SIZE_CLASSES.partition_point(|end| *end < size)] += 1;
            }
            Record::Resize { slot, old, new, .. } => {
                all.allocated += new.saturating_sub(old) as u64;
                all.kinds[births[slot as usize].kind].resizes += 1;
            }
            Record::Free { slot, .. } => {
                let Birth { at, kind } = births[slot as usize];
                let kind = &mut all.kinds[kind];
                if closing {
                    kind.until_close += 1;
                } else {
                    kind.lifetimes[LIFETIMES.partition_point(|end| *end < all.allocated - at)] += 1;
                }
            }
            Record::Close => closing = true,
            Record::Empty | Record::FailedNew { .. } | Record::FailedResize { .. } => {}
        }
    }
    Ok(all)
}

/// Runs a workload, and reads its recording at the same time.
///
/// # Errors
/// The workload failed.
pub fn of_workload(subject: &dyn Subject, workload: &Workload, argument: u64) -> Result<Histograms> {
    let (reader, writer) = std::io::pipe().context("there is no pipe")?;
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| of_trace(&workload.name, BufReader::new(reader)));
        let recorded = record::record(subject, workload, argument, writer, "the recording");
        let histograms = reading.join().unwrap_or_else(|_| Err(anyhow!("reading the recording panicked")));
        // If the workload failed, the recording's end is missing, which is not the news.
        recorded?;
        histograms
    })
}

/// A bar of eighths whose whole length is `width` characters.
fn bar(part: f64, width: usize) -> String {
    let eighths = (part * width as f64 * 8.0).round() as usize;
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    format!("{}{rest}", "█".repeat(eighths / 8))
}

/// The end of a class of sizes or lifetimes, in words.
pub fn end_of_class(ends: &[u64], at: usize) -> String {
    match ends.get(at) {
        Some(&end) if at + 1 < ends.len() => {
            let text = match end {
                n if n >= 1 << 20 => format!("{} MiB", n >> 20),
                n if n >= 1 << 10 => format!("{} KiB", n >> 10),
                n => format!("{n} B"),
            };
            format!("≤ {text}")
        }
        _ => "more".into(),
    }
}

impl Histograms {
    /// Tables of sizes and of lifetimes with a column for each kind that occurs.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let blocks: u64 = self.kinds.iter().map(|kind| kind.blocks).sum();
        let (number, size) = (count(blocks as f64), bytes(self.allocated as f64));
        let _ = writeln!(out, "{}: {number} blocks, {size} allocated", self.name);
        let used: Vec<&KindHistogram> = self.kinds.iter().filter(|kind| kind.blocks > 0).collect();
        let mut kinds = table(1, &KIND_HEADS);
        for kind in &used {
            let mut line = vec![kind.kind.clone()];
            line.extend(kind.figures(blocks));
            kinds.add_row(line);
        }
        let _ = writeln!(out, "{kinds}\n\nSizes of new blocks");
        let sizes: Vec<u64> = SIZE_CLASSES.iter().map(|size| *size as u64).collect();
        let _ = writeln!(out, "{}", classes(&used, "size", &sizes, |kind| &kind.sizes));
        let _ = writeln!(
            out,
            "\nLifetimes: bytes allocated between a block's birth and its end, if that came before the close"
        );
        let _ = writeln!(out, "{}", classes(&used, "lifetime", &LIFETIMES, |kind| &kind.lifetimes));
        out
    }
}

/// A table with a row for each class that is used.
fn classes<'a>(
    kinds: &[&'a KindHistogram],
    what: &str,
    ends: &[u64],
    of: impl Fn(&'a KindHistogram) -> &'a Vec<u64>,
) -> comfy_table::Table {
    let mut head = vec![what, "", "all"];
    head.extend(kinds.iter().map(|kind| kind.kind.as_str()));
    let mut table = table(2, &head);
    let sum = |at: usize| kinds.iter().map(|kind| of(kind)[at]).sum::<u64>();
    let all: u64 = (0..ends.len()).map(sum).sum();
    for at in 0..ends.len() {
        if sum(at) == 0 {
            continue;
        }
        let part = sum(at) as f64 / all as f64;
        let mut line = vec![end_of_class(ends, at), bar(part, 24), percent(part)];
        line.extend(kinds.iter().map(|kind| match of(kind)[at] {
            0 => NONE.into(),
            n => count(n as f64),
        }));
        table.add_row(line);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use perilune_alloc_adapters::{LuaAlloc, OldSize, System, Tracing};

    use super::*;

    #[test]
    fn lifetimes_are_counted_in_bytes() {
        let mut file = Vec::new();
        let memory = Tracing::new(System, &mut file);
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let make = |kind, size| memory.realloc(null_mut(), OldSize::of_kind(kind), size);
            let table = make(AllocKind::Table, 56);
            let string = make(AllocKind::String, 2000);
            memory.realloc(table, OldSize::of_size(56), 0); // has seen 2056 bytes
            let string = memory.realloc(string, OldSize::of_size(2000), 2500);
            memory.mark_close();
            memory.realloc(string, OldSize::of_size(2500), 0);
        }
        memory.finish().expect("a vector takes everything");
        drop(memory);
        let all = of_trace("t", &file[..]).expect("a trace");
        assert_eq!(all.allocated, 2556);
        let (string, table) = (&all.kinds[1], &all.kinds[2]);
        assert_eq!((table.kind.as_str(), table.blocks, table.bytes, table.until_close), ("table", 1, 56, 0));
        assert_eq!(table.lifetimes.iter().position(|n| *n == 1), Some(1)); // up to 4 KiB
        assert_eq!((string.resizes, string.until_close, string.lifetimes.iter().sum::<u64>()), (1, 1, 0));
        assert_eq!(string.sizes[SIZE_CLASSES.iter().position(|size| *size == 2048).expect("a class")], 1);
        let text = all.text();
        assert!(text.contains("≤ 2 KiB") && text.contains("≤ 4 KiB") && !text.contains("thread"), "{text}");
    }

    #[test]
    fn bars_have_eighths() {
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(0.53125, 4), "██▏");
        assert_eq!(bar(0.0, 4), "");
    }
}
