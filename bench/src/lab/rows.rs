//! Reports as CSV: times in seconds, sizes in bytes, a line for each figure of a plot.

use std::io::Write;

use anyhow::Result;
use perilune_alloc_adapters::SIZE_CLASSES;
use serde::Serialize;

use super::histogram::{Histograms, LIFETIMES};
use super::report::{CellRow, ReplayReport, Report, Row};
use super::stats::median;
use super::tables;

/// A workload on an allocator, as `matrix` has it. The names of the fields are the head of the file.
#[derive(Serialize)]
struct MatrixLine<'a> {
    workload: &'a str,
    argument: u64,
    allocator: &'a str,
    seconds: Option<f64>,
    ratio: Option<f64>,
    ratio_low: Option<f64>,
    ratio_high: Option<f64>,
    verdict: Option<&'static str>,
    noise: f64,
    calls: Option<u64>,
    allocations: Option<u64>,
    allocated_bytes: Option<u64>,
    grows: Option<u64>,
    grows_in_place: Option<u64>,
    peak_live_bytes: Option<u64>,
    resident_bytes: Option<f64>,
    reserved_bytes: Option<u64>,
    fragmentation: Option<f64>,
    page_faults: Option<f64>,
    close_seconds: Option<f64>,
    close_in_bulk_seconds: Option<f64>,
    error: Option<&'a str>,
}

impl<'a> MatrixLine<'a> {
    fn of(row: &'a Row, cell: &'a CellRow) -> Self {
        let counts = cell.counts.as_ref();
        Self {
            workload: &row.workload,
            argument: row.argument,
            allocator: &cell.allocator,
            seconds: cell.time().map(|spread| spread.median),
            ratio: cell.ratio.map(|spread| spread.median),
            ratio_low: cell.ratio.map(|spread| spread.low),
            ratio_high: cell.ratio.map(|spread| spread.high),
            verdict: cell.verdict.map(|verdict| verdict.in_words()),
            noise: row.noise,
            calls: counts.map(|counts| counts.calls),
            allocations: counts.map(|counts| counts.allocations),
            allocated_bytes: counts.map(|counts| counts.allocated_bytes),
            grows: counts.map(|counts| counts.grows),
            grows_in_place: counts.map(|counts| counts.grows_in_place),
            peak_live_bytes: counts.map(|counts| counts.peak_live),
            resident_bytes: cell.resident(),
            reserved_bytes: counts.and_then(|counts| counts.reserved),
            fragmentation: cell.fragmentation(),
            page_faults: cell.page_faults(),
            close_seconds: cell.closing(false),
            close_in_bulk_seconds: cell.closing(true),
            error: cell.error.as_deref(),
        }
    }
}

/// A percentile of `latency`.
#[derive(Serialize)]
struct LatencyLine<'a> {
    workload: &'a str,
    allocator: &'a str,
    call: &'a str,
    calls: u64,
    percentile: f64,
    nanoseconds: u64,
}

/// A sample of `footprint`.
#[derive(Serialize)]
struct FootprintLine<'a> {
    workload: &'a str,
    allocator: &'a str,
    allocated_bytes: u64,
    live_bytes: u64,
    resident_bytes: u64,
    reserved_bytes: Option<u64>,
}

/// An allocator of `replay`.
#[derive(Serialize)]
struct ReplayLine<'a> {
    trace: &'a str,
    allocator: &'a str,
    /// Without the loop's.
    seconds: Option<f64>,
    ratio: Option<f64>,
    ratio_low: Option<f64>,
    ratio_high: Option<f64>,
    verdict: Option<&'static str>,
    noise: f64,
    operations: u64,
    machine_seconds: Option<f64>,
    close_seconds: Option<f64>,
    close_in_bulk_seconds: Option<f64>,
    error: Option<&'a str>,
}

/// A class of `histogram`. The last class of both has no end; blocks that lived until the close have no lifetime.
#[derive(Serialize)]
struct HistogramLine<'a> {
    recording: &'a str,
    kind: &'a str,
    of: &'static str,
    up_to_bytes: Option<u64>,
    blocks: u64,
}

/// A number of threads of `threads`.
#[derive(Serialize)]
struct ThreadsLine<'a> {
    workload: &'a str,
    allocator: &'a str,
    threads: usize,
    runs_per_second: f64,
}

/// Writes what the report's command is about.
///
/// # Errors
/// Writing fails.
pub fn write_csv(report: &Report, output: impl Write) -> Result<()> {
    let mut csv = csv::Writer::from_writer(output);
    let cells = || report.rows.iter().flat_map(|row| row.cells.iter().map(move |cell| (row, cell)));
    if cells().any(|(_, cell)| !cell.times.is_empty() || cell.error.is_some()) {
        for (row, cell) in cells() {
            csv.serialize(MatrixLine::of(row, cell))?;
        }
    } else {
        for (row, cell) in cells() {
            latency(&mut csv, row, cell)?;
            footprint(&mut csv, row, cell)?;
        }
    }
    if let Some(replay) = &report.replay {
        replayed(&mut csv, replay)?;
    }
    if let Some(histograms) = &report.histograms {
        classes(&mut csv, histograms)?;
    }
    for row in &report.threads {
        for (threads, rate) in tables::rates(row) {
            let (workload, allocator) = (&*row.workload, &*row.allocator);
            csv.serialize(ThreadsLine { workload, allocator, threads, runs_per_second: rate.median })?;
        }
    }
    csv.flush()?;
    Ok(())
}

fn latency(csv: &mut csv::Writer<impl Write>, row: &Row, cell: &CellRow) -> Result<()> {
    for calls in cell.latency.iter().flat_map(|latency| &latency.calls).filter(|calls| calls.count > 0) {
        for &(percentile, nanoseconds) in &calls.curve {
            let (workload, allocator, call) = (&*row.workload, &*cell.allocator, &*calls.call);
            csv.serialize(LatencyLine { workload, allocator, call, calls: calls.count, percentile, nanoseconds })?;
        }
    }
    Ok(())
}

fn footprint(csv: &mut csv::Writer<impl Write>, row: &Row, cell: &CellRow) -> Result<()> {
    for sample in cell.counts.iter().flat_map(|counts| &counts.samples) {
        csv.serialize(FootprintLine {
            workload: &row.workload,
            allocator: &cell.allocator,
            allocated_bytes: sample.allocated,
            live_bytes: sample.live,
            resident_bytes: sample.resident,
            reserved_bytes: sample.reserved,
        })?;
    }
    Ok(())
}

fn classes(csv: &mut csv::Writer<impl Write>, histograms: &Histograms) -> Result<()> {
    let sizes = SIZE_CLASSES.map(|end| end as u64);
    for kind in &histograms.kinds {
        for (of, ends, classes) in [("size", &sizes[..], &kind.sizes), ("lifetime", &LIFETIMES[..], &kind.lifetimes)] {
            for (at, &blocks) in classes.iter().enumerate() {
                let up_to_bytes = ends.get(at).copied().filter(|_| at + 1 < ends.len());
                csv.serialize(HistogramLine {
                    recording: &histograms.name,
                    kind: &kind.kind,
                    of,
                    up_to_bytes,
                    blocks,
                })?;
            }
        }
    }
    Ok(())
}

fn replayed(csv: &mut csv::Writer<impl Write>, replay: &ReplayReport) -> Result<()> {
    for cell in &replay.cells {
        csv.serialize(ReplayLine {
            trace: &replay.trace,
            allocator: &cell.allocator,
            seconds: median(&replay.own_seconds(cell)),
            ratio: cell.ratio.map(|spread| spread.median),
            ratio_low: cell.ratio.map(|spread| spread.low),
            ratio_high: cell.ratio.map(|spread| spread.high),
            verdict: cell.verdict.map(|verdict| verdict.in_words()),
            noise: replay.noise,
            operations: replay.operations(),
            machine_seconds: replay.machine_seconds,
            close_seconds: median(&cell.closing),
            close_in_bulk_seconds: median(&cell.closing_in_bulk),
            error: cell.error.as_deref(),
        })?;
    }
    Ok(())
}
