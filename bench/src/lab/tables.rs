//! Reports as text: tables for the terminal.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table, TableComponent};

use super::cell::Counts;
use super::report::{CellRow, ReplayCell, ReplayReport, Report, Row, ThreadsRow};
use super::stats::{Spread, Verdict, geometric_mean, median};
use super::units::{NONE, bytes, count, or_none, percent, spread, time};

/// A table with a head; the first columns are text, the others figures.
pub fn table(text_columns: usize, head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(head.to_vec());
    table.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    for (at, column) in table.column_iter_mut().enumerate() {
        let alignment = if at < text_columns { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(alignment);
        column.set_padding((0, 2));
    }
    table
}

/// All that a report holds, for a terminal; latencies only if they are wanted.
pub fn text(report: &Report, with_latencies: bool) -> String {
    let mut out = String::new();
    for row in &report.rows {
        workload(&mut out, row, &report.baseline);
        if with_latencies {
            latencies(&mut out, row);
        }
    }
    if report.rows.iter().any(|row| row.cells.iter().any(|cell| cell.ratio.is_some())) {
        out.push_str(&summary(report));
    }
    if let Some(replay) = &report.replay {
        replays(&mut out, replay, &report.baseline);
    }
    if let Some(histograms) = &report.histograms {
        out.push_str(&histograms.text());
    }
    if !report.threads.is_empty() {
        threads(&mut out, &report.threads);
    }
    for failure in report.failures() {
        let _ = writeln!(out, "FAILED: {failure}");
    }
    if report.interrupted {
        out.push_str("interrupted: only what was finished is shown\n");
    }
    out
}

/// The head of a column of ratios, which says what their intervals are.
pub fn ratio_head(ratios: impl Iterator<Item = Option<Spread>>) -> &'static str {
    if ratios.flatten().all(|ratio| ratio.sure) { "ratio [95 %]" } else { "ratio [range]" }
}

/// What is said of a row above its table.
pub fn headline(row: &Row) -> String {
    let counts = row.cells.iter().find_map(|cell| cell.counts.as_ref());
    let asks = counts.map_or_else(String::new, |counts| {
        let Counts { calls, allocated_bytes, peak_live, .. } = counts;
        let (calls, allocated, peak) = (count(*calls as f64), bytes(*allocated_bytes as f64), bytes(*peak_live as f64));
        format!("{calls} calls, {allocated} allocated, at most {peak} live")
    });
    let noise = if row.control.is_empty() { String::new() } else { format!("noise {}", percent(row.noise)) };
    let both = [asks, noise].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let end = if both.is_empty() { "" } else { ": " };
    format!("{} {}{end}{}", row.workload, row.argument, both.join("; "))
}

fn workload(out: &mut String, row: &Row, baseline: &str) {
    let _ = writeln!(out, "\n{}\n  {}", headline(row), row.about);
    if row.cells.iter().any(|cell| !cell.times.is_empty()) {
        let against = format!("against {baseline}");
        let mut table = table(
            1,
            &[
                "allocator",
                "time",
                ratio_head(row.cells.iter().map(|cell| cell.ratio)),
                &against,
                "peak live",
                "resident",
                "reserved",
                "fragm.",
                "in place",
                "faults",
                "close",
                "in bulk",
            ],
        );
        for cell in &row.cells {
            table.add_row(matrix_line(cell));
        }
        let _ = writeln!(out, "{table}");
    } else {
        footprints(out, row);
    }
}

/// How many moments of a run are shown.
const MOMENTS: usize = 12;

/// Live against resident memory at some moments of a run, if they were sampled.
fn footprints(out: &mut String, row: &Row) {
    for cell in &row.cells {
        let Some(counts) = cell.counts.as_ref().filter(|counts| !counts.samples.is_empty()) else { continue };
        let _ = writeln!(out, "{}", cell.allocator);
        let mut table = table(0, &["allocated so far", "live", "resident", "reserved", "resident / live"]);
        let last = counts.samples.len() - 1;
        let mut shown: Vec<usize> = (0..MOMENTS).map(|moment| moment * last / (MOMENTS - 1)).collect();
        shown.dedup();
        for sample in shown.into_iter().map(|at| counts.samples[at]) {
            table.add_row([
                bytes(sample.allocated as f64),
                bytes(sample.live as f64),
                bytes(sample.resident as f64),
                or_none(sample.reserved, |reserved| bytes(reserved as f64)),
                or_none((sample.live > 0).then(|| sample.resident as f64 / sample.live as f64), |part| {
                    format!("{part:.2}")
                }),
            ]);
        }
        let _ = writeln!(out, "{table}");
    }
}

/// A line of the table of a workload.
fn matrix_line(cell: &CellRow) -> Vec<String> {
    if cell.error.is_some() {
        let mut line = vec![cell.allocator.clone(), "failed".into()];
        line.resize(12, NONE.into());
        return line;
    }
    let mut line = vec![cell.allocator.clone()];
    line.extend(figures(cell));
    line
}

/// What there is to say of a workload under an allocator: time, ratio, verdict, peak live, resident, reserved, fragmentation, growth in
/// place, page faults, close, and close in bulk.
pub fn figures(cell: &CellRow) -> [String; 11] {
    let counts = cell.counts.as_ref();
    [
        or_none(cell.time(), |spread| time(spread.median)),
        or_none(cell.ratio.as_ref(), spread),
        or_none(cell.verdict, |verdict| verdict.in_words().into()),
        or_none(counts, |counts| bytes(counts.peak_live as f64)),
        or_none(cell.resident(), bytes),
        or_none(counts.and_then(|counts| counts.reserved), |reserved| bytes(reserved as f64)),
        or_none(cell.fragmentation(), |part| format!("{part:.2}")),
        or_none(cell.in_place(), percent),
        or_none(cell.page_faults(), count),
        or_none(cell.closing(false), time),
        or_none(cell.closing(true), time),
    ]
}

/// The table of a workload's latencies, if they were measured.
fn latencies(out: &mut String, row: &Row) {
    if row.cells.iter().all(|cell| cell.latency.is_none()) {
        return;
    }
    let mut table = table(2, &["allocator", "call", "calls", "p50 ns", "p90", "p99", "p99.9", "p99.99", "max"]);
    for cell in &row.cells {
        for calls in cell.latency.iter().flat_map(|latency| &latency.calls).filter(|calls| calls.count > 0) {
            let mut line = vec![cell.allocator.clone(), calls.call.clone(), count(calls.count as f64)];
            line.extend([50.0, 90.0, 99.0, 99.9, 99.99, 100.0].map(|p| or_none(calls.at(p), |ns| ns.to_string())));
            table.add_row(line);
        }
    }
    let _ = writeln!(out, "{table}");
    let _ = writeln!(
        out,
        "  'floor' is the clock itself, read twice with nothing between; times at or near it say nothing."
    );
}

/// How an allocator did over all workloads.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Its name.
    pub allocator: String,
    /// The geometric mean of its ratios.
    pub mean: Option<f64>,
    /// On how many workloads it was faster, slower, and neither; those with too few runs to say are none of these.
    pub faster: usize,
    /// See `faster`.
    pub slower: usize,
    /// See `faster`.
    pub same: usize,
    /// The geometric mean of its fragmentation.
    pub fragmentation: Option<f64>,
}

/// How each allocator did over all workloads that all of them have finished.
pub fn standings(report: &Report) -> Vec<Standing> {
    let complete: Vec<&Row> =
        report.rows.iter().filter(|row| row.cells.iter().all(|cell| cell.ratio.is_some())).collect();
    let mut all = Vec::new();
    for (name, _) in &report.allocators {
        let cells = || complete.iter().flat_map(|row| row.cells.iter().filter(|cell| cell.allocator == *name));
        let of = |verdict| cells().filter(|cell| cell.verdict == Some(verdict)).count();
        let ratios: Vec<f64> = cells().filter_map(|cell| Some(cell.ratio?.median)).collect();
        let fragmentation: Vec<f64> = cells().filter_map(CellRow::fragmentation).filter(|part| *part > 0.0).collect();
        all.push(Standing {
            allocator: name.clone(),
            mean: geometric_mean(&ratios),
            faster: of(Verdict::Less),
            slower: of(Verdict::More),
            same: of(Verdict::Same),
            fragmentation: geometric_mean(&fragmentation),
        });
    }
    all.sort_by(|a, b| a.mean.unwrap_or(f64::MAX).total_cmp(&b.mean.unwrap_or(f64::MAX)));
    all
}

fn summary(report: &Report) -> String {
    let mut table =
        table(1, &["all workloads", "mean ratio", "faster on", "no difference", "slower on", "mean fragmentation"]);
    for standing in standings(report) {
        let is_base = standing.allocator == report.baseline;
        let number = |n: usize| if is_base { NONE.into() } else { n.to_string() };
        table.add_row(vec![
            standing.allocator.clone(),
            or_none(standing.mean, |mean| format!("{mean:.3}")),
            number(standing.faster),
            number(standing.same),
            number(standing.slower),
            or_none(standing.fragmentation, |part| format!("{part:.2}")),
        ]);
    }
    format!(
        "\n{table}\nTimes are of processor time, for opening a state and running; ratios are to {}, medians of runs in turn. What is \
         called faster or slower\nis so with 95 % certainty and beyond the noise of a control that allocates nothing. The ranking \
         changes with the workload: look at yours.\n",
        report.baseline
    )
}

fn replays(out: &mut String, replay: &ReplayReport, baseline: &str) {
    let totals = &replay.facts.totals;
    let _ = writeln!(
        out,
        "\n{}: {} operations, {} allocated, at most {} live, hash {:016x}; the loop alone takes {}",
        replay.trace,
        count(totals.calls as f64),
        bytes(totals.allocated_bytes as f64),
        bytes(replay.facts.peak_live as f64),
        totals.hash,
        time(replay.floor_seconds),
    );
    if replay.facts.refused > 0 {
        let _ = writeln!(out, "{} requests that were refused when it was recorded are left out", replay.facts.refused);
    }
    let mut head = vec!["allocator".to_owned()];
    head.extend(replay_heads(replay, baseline));
    let mut table = table(1, &head.iter().map(String::as_str).collect::<Vec<_>>());
    for cell in &replay.cells {
        let mut line = vec![cell.allocator.clone()];
        if cell.error.is_some() {
            line.push("failed".into());
            line.resize(head.len(), NONE.into());
        } else {
            line.extend(replay_figures(replay, cell));
        }
        table.add_row(line);
    }
    let _ = writeln!(out, "{table}");
}

/// The heads of [`replay_figures`].
pub fn replay_heads(replay: &ReplayReport, baseline: &str) -> [String; 7] {
    let ratio = ratio_head(replay.cells.iter().map(|cell| cell.ratio));
    let against = format!("against {baseline}");
    ["allocator's time", "ns/operation", ratio, &against, "machine + allocator", "close", "in bulk"].map(String::from)
}

/// What there is to say of a replay on an allocator.
pub fn replay_figures(replay: &ReplayReport, cell: &ReplayCell) -> [String; 7] {
    let own = median(&replay.own_seconds(cell));
    [
        or_none(own, time),
        or_none(own, |seconds| format!("{:.1}", seconds * 1e9 / replay.operations().max(1) as f64)),
        or_none(cell.ratio.as_ref(), spread),
        or_none(cell.verdict, |verdict| verdict.in_words().into()),
        or_none(replay.machine_seconds.zip(own), |(machine, own)| format!("{} + {}", time(machine), time(own))),
        or_none(median(&cell.closing), time),
        or_none(median(&cell.closing_in_bulk), time),
    ]
}

fn threads(out: &mut String, rows: &[ThreadsRow]) {
    let mut workload = "";
    let mut shown: Option<Table> = None;
    let flush = |out: &mut String, shown: &mut Option<Table>| {
        if let Some(table) = shown.take() {
            let _ = writeln!(out, "{table}");
        }
    };
    for row in rows {
        if row.workload != workload {
            flush(out, &mut shown);
            workload = &row.workload;
            let _ = writeln!(out, "\n{workload}: runs a second by the clock, and how many times those of one thread");
            let mut head = vec!["allocator".to_owned()];
            head.extend(row.seconds.iter().map(|(number, _)| match number {
                1 => "1 thread".into(),
                n => format!("{n} threads"),
            }));
            shown = Some(table(1, &head.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        let rates = rates(row);
        let one = rates.first().map_or(1.0, |(_, spread)| spread.median);
        let mut line = vec![row.allocator.clone()];
        line.extend(rates.iter().map(|(_, rate)| format!("{:.2}/s ({:.2}×)", rate.median, rate.median / one)));
        if let Some(table) = &mut shown {
            table.add_row(line);
        }
    }
    flush(out, &mut shown);
}

/// For each number of threads the runs a second.
pub fn rates(row: &ThreadsRow) -> Vec<(usize, Spread)> {
    let rate = |(number, seconds): &(usize, Vec<f64>)| {
        let rates: Vec<f64> = seconds.iter().map(|seconds| *number as f64 / seconds).collect();
        Some((*number, Spread::of(&rates)?))
    };
    row.seconds.iter().filter_map(rate).collect()
}
