//! The page: one file with everything in it, style, tables, and pictures.

use std::fmt::Write as _;

use anyhow::Result;
use perilune_alloc_adapters::SIZE_CLASSES;

use super::cell::LatencyTable;
use super::histogram::{Histograms, KIND_HEADS, LIFETIMES, end_of_class};
use super::plots::{self, Axes, Bar, Line, Unit, colour, css};
use super::report::{CellRow, ReplayReport, Report, Row};
use super::stats::{Spread, Verdict};
use super::tables::{self, headline, standings};
use super::units::{bytes, count, or_none, percent, spread, time};

/// The page's style: colours of the reader's choice, plots side by side where there is room.
const STYLE: &str = include_str!("page.css");

/// The page of a report.
///
/// # Errors
/// A picture cannot be drawn.
pub fn page(report: &Report) -> Result<String> {
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Allocator lab, {}</title><style>{STYLE}</style></head><body>\n",
        escape(&report.date)
    );
    head(&mut out, report);
    if report.rows.iter().any(|row| row.cells.iter().any(|cell| cell.ratio.is_some())) {
        glance(&mut out, report);
        plots_of_times(&mut out, report)?;
    }
    plots_of_memory(&mut out, report)?;
    plots_of_latency(&mut out, report)?;
    plots_of_sizes(&mut out, report)?;
    if let Some(replay) = &report.replay {
        replayed(&mut out, report, replay)?;
    }
    if let Some(histograms) = &report.histograms {
        histogram(&mut out, histograms)?;
    }
    threads(&mut out, report)?;
    if !report.rows.is_empty() {
        details(&mut out, report);
    }
    if !report.allocators.is_empty() {
        notes(&mut out, report);
    }
    out.push_str("</body></html>\n");
    Ok(out)
}

/// A text within HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn head(out: &mut String, report: &Report) {
    let machine = &report.machine;
    let _ = writeln!(
        out,
        "<header><h1>Allocator lab</h1><p class=\"sub\"><code>perilune-lab {}</code></p><p class=\"sub\">{} · {} · {} cores · {} · {} · \
         huge pages: {} · load {} at the start · {}</p>",
        escape(&report.command),
        escape(&report.date),
        escape(&machine.processor),
        machine.cores,
        bytes(machine.memory as f64),
        escape(&machine.system),
        escape(&machine.huge_pages),
        escape(&machine.load),
        escape(&machine.build)
    );
    if report.interrupted {
        out.push_str("<p class=\"warn\">The run was interrupted: only finished rows are here.</p>");
    }
    for failure in report.failures() {
        let _ = writeln!(out, "<p class=\"warn\">Failed: {}</p>", escape(&failure));
    }
    out.push_str("</header>\n");
}

/// A legend with the colours of the allocators.
fn legend(out: &mut String, report: &Report, extra: &str) {
    out.push_str("<p class=\"legend\">");
    for (at, (name, _)) in report.allocators.iter().enumerate() {
        let _ = write!(out, "<span><i style=\"background:{}\"></i>{}</span>", css(colour(at)), escape(name));
    }
    let _ = writeln!(out, "{extra}</p>");
}

/// The place of an allocator, which is its colour.
fn place(report: &Report, name: &str) -> usize {
    report.allocators.iter().position(|(other, _)| other == name).unwrap_or(0)
}

/// The background of a ratio: the further from 1, the stronger.
fn tint(ratio: f64, verdict: Option<Verdict>) -> String {
    let strength = (ratio.ln().abs() / 2f64.ln()).min(1.0) * 60.0 + 8.0;
    match verdict {
        Some(Verdict::Less) => format!("background:color-mix(in srgb, var(--good) {strength:.0}%, transparent)"),
        Some(Verdict::More) => format!("background:color-mix(in srgb, var(--bad) {strength:.0}%, transparent)"),
        _ => String::new(),
    }
}

/// The table of all ratios.
fn glance(out: &mut String, report: &Report) {
    let standings = standings(report);
    let _ = writeln!(
        out,
        "<section><h2>At a glance</h2><p>Time on each allocator, as a ratio to <b>{}</b>: below 1 is faster. A coloured field is a \
         difference with 95 % certainty that the machine's noise does not explain; <span class=\"dim\">≈</span> is none, \
         and <span class=\"dim\">?</span> too few runs to say. Columns are in the order of their means.</p><div class=\"wide\"><table class=\"glance\"><tr><th>workload</th>",
        escape(&report.baseline)
    );
    for standing in &standings {
        let _ = write!(out, "<th>{}</th>", escape(&standing.allocator));
    }
    out.push_str("<th>noise</th></tr>\n");
    for row in &report.rows {
        let _ = write!(out, "<tr><td title=\"{}\">{}</td>", escape(&row.about), escape(&row.workload));
        for standing in &standings {
            let cell = row.cells.iter().find(|cell| cell.allocator == standing.allocator);
            match cell.and_then(|cell| Some((cell.ratio?, cell.verdict))) {
                Some((ratio, verdict)) => {
                    let mark = match verdict {
                        Some(Verdict::Same) => "≈ ",
                        Some(Verdict::TooFew) => "? ",
                        _ => "",
                    };
                    let _ = write!(
                        out,
                        "<td class=\"num{}\" style=\"{}\" title=\"{}\">{mark}{:.2}</td>",
                        if mark.is_empty() { "" } else { " dim" },
                        tint(ratio.median, verdict),
                        escape(&format!("{}: {}", spread(&ratio), verdict.map_or("", Verdict::in_words))),
                        ratio.median
                    );
                }
                None => out.push_str("<td class=\"num bad\">failed</td>"),
            }
        }
        let _ = writeln!(out, "<td class=\"num dim\">{}</td></tr>", percent(row.noise));
    }
    out.push_str("<tr class=\"sum\"><td>geometric mean</td>");
    for standing in &standings {
        let _ = write!(out, "<td class=\"num\">{}</td>", or_none(standing.mean, |mean| format!("{mean:.2}")));
    }
    out.push_str("<td></td></tr><tr><td>faster / no difference / slower</td>");
    for standing in &standings {
        if standing.allocator == report.baseline {
            out.push_str("<td class=\"num dim\">baseline</td>");
        } else {
            let _ = write!(out, "<td class=\"num\">{} / {} / {}</td>", standing.faster, standing.same, standing.slower);
        }
    }
    out.push_str("<td></td></tr><tr><td>mean fragmentation</td>");
    for standing in &standings {
        let _ = write!(out, "<td class=\"num\">{}</td>", or_none(standing.fragmentation, |part| format!("{part:.2}")));
    }
    out.push_str("<td></td></tr></table></div></section>\n");
}

/// A picture with a head.
fn figure(out: &mut String, title: &str, about: &str, svg: &str) {
    let _ = writeln!(
        out,
        "<figure><figcaption><b>{}</b> <span class=\"dim\">{}</span></figcaption>{}</figure>",
        escape(title),
        escape(about),
        svg
    );
}

/// A bar for each allocator of a row that has a figure.
fn bars_of(report: &Report, row: &Row, figure: impl Fn(&CellRow) -> Option<(f64, Option<Spread>)>) -> Vec<Bar> {
    let bar = |cell: &CellRow| {
        let (value, spread) = figure(cell)?;
        let parts = vec![(value, colour(place(report, &cell.allocator)))];
        Some(Bar { label: cell.allocator.clone(), parts, spread })
    };
    row.cells.iter().filter(|cell| cell.error.is_none()).filter_map(bar).collect()
}

fn plots_of_times(out: &mut String, report: &Report) -> Result<()> {
    out.push_str(
        "<section><h2>Time</h2><p>Processor time of opening a state and running the workload: the median, and the 95 % interval \
         of the median (of fewer than six runs, their range).</p><div class=\"plots\">\n",
    );
    for row in &report.rows {
        let bars = bars_of(report, row, |cell| cell.time().map(|spread| (spread.median, Some(spread))));
        figure(out, &row.workload, &row.stresses, &plots::bars(&bars, Unit::Seconds)?);
    }
    out.push_str("</div></section>\n");
    Ok(())
}

/// Resident memory of less live bytes is no more than the lots that the system counts it in.
const RESIDENT_FROM: u64 = 100_000;

fn plots_of_memory(out: &mut String, report: &Report) -> Result<()> {
    let sampled = |row: &&Row| row.cells.iter().any(|cell| cell.counts.as_ref().is_some_and(|c| c.samples.len() > 1));
    if report.rows.iter().filter(sampled).count() == 0 {
        return Ok(());
    }
    out.push_str(
        "<section><h2>Memory over the run</h2><p>Resident memory that the process gained, against what was allocated so far, which \
         serves as the clock. The broad line is the sum of live blocks: what lies above it is the allocator's. Lines that would \
         flatten all others are cut off, and how far they go is said.</p>",
    );
    legend(out, report, "<span><i class=\"live\"></i>live</span>");
    out.push_str("<div class=\"plots\">\n");
    for row in report.rows.iter().filter(sampled) {
        let mut lines = Vec::new();
        let counted = || row.cells.iter().filter_map(|cell| Some((cell, cell.counts.as_ref()?)));
        if let Some((_, counts)) = counted().next() {
            let points = counts.samples.iter().map(|sample| (sample.allocated as f64, sample.live as f64)).collect();
            lines.push(Line { colour: plots::GRID, width: 7, points });
        }
        for (cell, counts) in counted() {
            let points =
                counts.samples.iter().map(|sample| (sample.allocated as f64, sample.resident as f64)).collect();
            lines.push(Line { colour: colour(place(report, &cell.allocator)), width: 2, points });
        }
        let mut about = row.stresses.clone();
        if counted().all(|(_, counts)| counts.peak_live < RESIDENT_FROM) {
            about.push_str("; too little is live for what is resident to say much");
        }
        let limit = limit(&lines[1..]).max(3.0 * peak(&lines[0]));
        for (line, (cell, _)) in lines[1..].iter_mut().zip(counted()) {
            let top = peak(line);
            if top > limit {
                line.points = below(&line.points, limit);
                let _ = write!(about, "; {} goes up to {}", cell.allocator, bytes(top));
            }
        }
        let axes = Axes { x: ("allocated so far", Unit::Bytes), y: ("resident", Unit::Bytes), log: false };
        figure(out, &row.workload, &about, &plots::lines(&lines, axes)?);
    }
    out.push_str("</div></section>\n");
    Ok(())
}

/// The highest point of a line.
fn peak(line: &Line) -> f64 {
    line.points.iter().map(|point| point.1).fold(0.0, f64::max)
}

/// How high lines may go: where there are many, so far that those of ordinary height are not flattened by a few.
fn limit(lines: &[Line]) -> f64 {
    let mut peaks: Vec<f64> = lines.iter().map(peak).collect();
    peaks.sort_by(f64::total_cmp);
    let Some(&middle) = peaks.get(peaks.len() / 2).filter(|_| peaks.len() >= 4) else { return f64::INFINITY };
    let ordinary = peaks.into_iter().filter(|peak| *peak <= 3.0 * middle).fold(0.0, f64::max);
    1.2 * ordinary
}

/// The beginning of a line, up to where it first goes above a limit.
fn below(points: &[(f64, f64)], limit: f64) -> Vec<(f64, f64)> {
    let inside = points.iter().take_while(|point| point.1 <= limit).count();
    let mut kept = points[..inside].to_vec();
    if let (Some(&(x, y)), Some(&(next_x, next_y))) = (kept.last(), points.get(inside)) {
        kept.push((x + (next_x - x) * (limit - y) / (next_y - y), limit));
    }
    kept
}

/// The curve of a kind of call: nines of the percentile, and seconds.
fn curve(latency: &LatencyTable, call: &str) -> Vec<(f64, f64)> {
    let Some(calls) = latency.calls.iter().find(|calls| calls.call == call) else { return Vec::new() };
    // A percentile says something if some calls lie beyond it.
    let says = |percentile: f64| (1.0 - percentile / 100.0) * calls.count as f64 >= 3.0;
    let points = calls.curve.iter().filter(|(percentile, _)| says(*percentile));
    points.map(|(percentile, ns)| (-(1.0 - percentile / 100.0).log10(), *ns as f64 * 1e-9)).collect()
}

fn plots_of_latency(out: &mut String, report: &Report) -> Result<()> {
    let timed = |row: &&Row| row.cells.iter().any(|cell| cell.latency.is_some());
    let rows: Vec<&Row> = report.rows.iter().filter(timed).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let calls: &[&str] = if rows.len() > 3 { &["alloc"] } else { &["alloc", "grow", "free"] };
    out.push_str(
        "<section><h2>Latency of single calls</h2><p>How long calls take at most, by percentile; both axes are logarithmic. The broad \
         line is the clock's own floor: times near it say nothing, so look at the right half.</p>",
    );
    legend(out, report, "<span><i class=\"live\"></i>the clock</span>");
    out.push_str("<div class=\"plots\">\n");
    for row in rows {
        for call in calls {
            let latencies = || row.cells.iter().filter_map(|cell| Some((cell, cell.latency.as_ref()?)));
            let floor = latencies().next().map(|(_, latency)| curve(latency, "floor")).unwrap_or_default();
            let mut lines = vec![Line { colour: plots::GRID, width: 7, points: floor }];
            for (cell, latency) in latencies() {
                let points = curve(latency, call);
                lines.push(Line { colour: colour(place(report, &cell.allocator)), width: 2, points });
            }
            if lines[1..].iter().all(|line| line.points.is_empty()) {
                continue;
            }
            let axes = Axes { x: ("percentile of calls", Unit::Nines), y: ("time", Unit::Seconds), log: true };
            figure(out, &format!("{}: {call}", row.workload), "", &plots::lines(&lines, axes)?);
        }
    }
    out.push_str("</div></section>\n");
    Ok(())
}

/// A legend with the colours of the kinds of objects.
fn legend_of_kinds<'a>(out: &mut String, kinds: impl Iterator<Item = &'a str>) {
    out.push_str("<p class=\"legend\">");
    for (at, kind) in kinds.enumerate() {
        let _ = write!(out, "<span><i style=\"background:{}\"></i>{}</span>", css(colour(at)), escape(kind));
    }
    out.push_str("</p>\n");
}

/// A bar for each class, of a part for each kind. Empty classes at both ends are left out, and those between them are not.
fn bars_of_classes(ends: &[u64], kinds: &[&[u64]]) -> Vec<Bar> {
    let empty = |at: usize| kinds.iter().all(|classes| classes[at] == 0);
    let begin = (0..ends.len()).find(|&at| !empty(at)).unwrap_or(0);
    let end = (begin..ends.len()).rfind(|&at| !empty(at)).map_or(begin, |at| at + 1);
    let bar = |at: usize| {
        let parts = kinds.iter().enumerate().map(|(kind, classes)| (classes[at] as f64, colour(kind))).collect();
        Bar { label: end_of_class(ends, at), parts, spread: None }
    };
    (begin..end).map(bar).collect()
}

fn plots_of_sizes(out: &mut String, report: &Report) -> Result<()> {
    let counts = |row: &Row| row.cells.iter().find_map(|cell| cell.counts.clone());
    let rows: Vec<_> = report.rows.iter().filter_map(|row| Some((row, counts(row)?))).collect();
    let Some((_, first)) = rows.first() else { return Ok(()) };
    out.push_str("<section><h2>Sizes of new blocks</h2><p>How many, by size and by kind of object.</p>");
    legend_of_kinds(out, first.kinds.iter().map(|kind| kind.kind.as_str()));
    out.push_str("<div class=\"plots\">\n");
    for (row, counts) in &rows {
        let kinds: Vec<&[u64]> = counts.kinds.iter().map(|sizes| sizes.classes.as_slice()).collect();
        let about = format!("{} blocks", count(counts.allocations as f64));
        let bars = bars_of_classes(&SIZE_CLASSES.map(|end| end as u64), &kinds);
        figure(out, &row.workload, &about, &plots::bars(&bars, Unit::Number)?);
    }
    out.push_str("</div></section>\n");
    Ok(())
}

fn histogram(out: &mut String, histograms: &Histograms) -> Result<()> {
    let kinds = &histograms.kinds;
    let blocks: u64 = kinds.iter().map(|kind| kind.blocks).sum();
    let _ = writeln!(
        out,
        "<section><h2>Blocks of {}</h2><p>{} blocks, {} allocated. The clock of lifetimes is the memory that was allocated meanwhile; \
         blocks that lived until the close are not among them.</p>",
        escape(&histograms.name),
        count(blocks as f64),
        bytes(histograms.allocated as f64)
    );
    legend_of_kinds(out, kinds.iter().map(|kind| kind.kind.as_str()));
    out.push_str("<div class=\"plots\">\n");
    let sizes: Vec<&[u64]> = kinds.iter().map(|kind| kind.sizes.as_slice()).collect();
    let bars = bars_of_classes(&SIZE_CLASSES.map(|end| end as u64), &sizes);
    figure(out, "sizes", "new blocks by size", &plots::bars(&bars, Unit::Number)?);
    let lifetimes: Vec<&[u64]> = kinds.iter().map(|kind| kind.lifetimes.as_slice()).collect();
    let bars = bars_of_classes(&LIFETIMES, &lifetimes);
    figure(out, "lifetimes", "freed blocks by bytes allocated in their life", &plots::bars(&bars, Unit::Number)?);
    out.push_str("</div><div class=\"wide\"><table><tr>");
    for head in KIND_HEADS {
        let _ = write!(out, "<th>{head}</th>");
    }
    out.push_str("</tr>\n");
    for kind in kinds.iter().filter(|kind| kind.blocks > 0) {
        table_line(out, &kind.kind, &kind.figures(blocks));
    }
    out.push_str("</table></div></section>\n");
    Ok(())
}

/// A line of a table: a name, and figures.
fn table_line(out: &mut String, name: &str, figures: &[String]) {
    let _ = write!(out, "<tr><td>{}</td>", escape(name));
    for figure in figures {
        let _ = write!(out, "<td class=\"num\">{}</td>", escape(figure));
    }
    out.push_str("</tr>\n");
}

fn replayed(out: &mut String, report: &Report, replay: &ReplayReport) -> Result<()> {
    let totals = &replay.facts.totals;
    let _ = writeln!(
        out,
        "<section><h2>Replay of {}</h2><p>{} operations, {} allocated, at most {} live; hash <code>{:016x}</code>. Times are the \
         allocator's alone: those of the loop, {}, are subtracted.{}</p><div class=\"plots\">",
        escape(&replay.trace),
        count(totals.calls as f64),
        bytes(totals.allocated_bytes as f64),
        bytes(replay.facts.peak_live as f64),
        totals.hash,
        time(replay.floor_seconds),
        or_none(replay.machine_seconds, |seconds| format!(
            " The machine itself took {} to run the workload.",
            time(seconds)
        ))
    );
    let mut bars = Vec::new();
    for cell in &replay.cells {
        if let Some(spread) = Spread::of(&replay.own_seconds(cell)).filter(|_| cell.error.is_none()) {
            let parts = vec![(spread.median, colour(place(report, &cell.allocator)))];
            bars.push(Bar { label: cell.allocator.clone(), parts, spread: Some(spread) });
        }
    }
    figure(out, "time in the allocator", "before the close", &plots::bars(&bars, Unit::Seconds)?);
    out.push_str("</div><div class=\"wide\"><table><tr><th>allocator</th>");
    for head in tables::replay_heads(replay, &report.baseline) {
        let _ = write!(out, "<th>{}</th>", escape(&head));
    }
    out.push_str("</tr>\n");
    for cell in &replay.cells {
        match &cell.error {
            None => table_line(out, &cell.allocator, &tables::replay_figures(replay, cell)),
            Some(error) => failed_line(out, &cell.allocator, error, 7),
        }
    }
    out.push_str("</table></div></section>\n");
    Ok(())
}

fn threads(out: &mut String, report: &Report) -> Result<()> {
    if report.threads.is_empty() {
        return Ok(());
    }
    let _ = writeln!(
        out,
        "<section><h2>States on threads</h2><p>Runs a second of all threads together, each with a state and an allocator of its own: the \
         median, and its 95 % interval (of fewer than six runs, their range). The machine has {} cores.</p>",
        report.machine.cores
    );
    out.push_str("<div class=\"plots\">\n");
    let mut workloads: Vec<&str> = report.threads.iter().map(|row| row.workload.as_str()).collect();
    workloads.dedup();
    for workload in workloads {
        let mut bars = Vec::new();
        for row in report.threads.iter().filter(|row| row.workload == workload && row.error.is_none()) {
            for (number, rate) in tables::rates(row) {
                let parts = vec![(rate.median, colour(place(report, &row.allocator)))];
                bars.push(Bar { label: format!("{} × {number}", row.allocator), parts, spread: Some(rate) });
            }
        }
        figure(out, workload, "allocator × threads", &plots::bars(&bars, Unit::Rate)?);
    }
    out.push_str("</div></section>\n");
    Ok(())
}

/// All figures of all rows, folded.
fn details(out: &mut String, report: &Report) {
    out.push_str("<section><h2>All figures</h2>\n");
    for row in &report.rows {
        let _ = writeln!(
            out,
            "<details><summary>{} <span class=\"dim\">{}</span></summary><div class=\"wide\"><table><tr><th>allocator</th>\
             <th>time</th><th>{}</th><th>against {}</th><th>peak live</th><th>resident</th><th>reserved</th>\
             <th>fragmentation</th><th>calls</th><th>grown in place</th><th>page faults</th><th>close</th><th>close in bulk</th>\
             <th>alloc p99.9</th></tr>",
            escape(&headline(row)),
            escape(&row.about),
            tables::ratio_head(row.cells.iter().map(|cell| cell.ratio)),
            escape(&report.baseline)
        );
        for cell in &row.cells {
            detail(out, cell);
        }
        out.push_str("</table></div></details>\n");
    }
    out.push_str("</section>\n");
}

/// A line of the figures.
fn detail(out: &mut String, cell: &CellRow) {
    if let Some(error) = &cell.error {
        failed_line(out, &cell.allocator, error, 13);
        return;
    }
    let counts = cell.counts.as_ref();
    let p999 =
        cell.latency.as_ref().and_then(|latency| latency.calls.iter().find(|calls| calls.call == "alloc")?.at(99.9));
    let calls = or_none(counts, |counts| count(counts.calls as f64));
    let p999 = or_none(p999, |ns| time(ns as f64 * 1e-9));
    let figures = tables::figures(cell);
    // The calls stand behind the fragmentation.
    let (memory, rest) = figures.split_at(7);
    table_line(out, &cell.allocator, &[memory, &[calls], rest, &[p999]].concat());
}

/// A line of a table that has `columns` of figures, for what failed.
fn failed_line(out: &mut String, name: &str, error: &str, columns: usize) {
    let (name, error) = (escape(name), escape(error));
    let _ = writeln!(out, "<tr><td>{name}</td><td colspan=\"{columns}\" class=\"bad\">{error}</td></tr>");
}

fn notes(out: &mut String, report: &Report) {
    out.push_str("<section><h2>What is what</h2><dl>");
    for (name, about) in &report.allocators {
        let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(about));
    }
    for row in &report.rows {
        let _ = write!(
            out,
            "<dt>{}</dt><dd>{}. Stresses {}.</dd>",
            escape(&row.workload),
            escape(&row.about),
            escape(&row.stresses)
        );
    }
    out.push_str("</dl></section><section><h2>How to read this, and what it does not say</h2><ul>");
    for note in NOTES {
        let _ = write!(out, "<li>{note}</li>");
    }
    out.push_str("</ul></section>\n");
}

/// The caveats.
const NOTES: &[&str] = &[
    "Every run is a process of its own, and allocators take turns (A B C, C B A). A ratio is the median of the ratios within passes; its \
     interval is one of order statistics, so that nothing is assumed about how times are distributed.",
    "<b>Noise</b> is how far off the median of a control may be that allocates nothing and runs beside the others. What differs by less \
     is not called a difference.",
    "Times are of the allocator alone, without counters around it. Counts, samples and latencies are from runs of their own.",
    "<b>Resident</b> is how far the process's resident memory rose, without pages of files; the system counts it in lots of some hundred \
     kilobytes. <b>Fragmentation</b> is that in proportion to the highest sum of live blocks, told from 1 MB on. <b>Reserved</b> is what \
     the allocator says it has taken from the system; most cannot tell.",
    "The collector decides when blocks are freed, by what is live and not by what is resident. Allocators that reuse nothing pay with \
     memory, and with page faults that count as their time.",
    "With <b>huge pages</b> an allocator has few page faults, and its resident memory rises in steps of 2 MB. Where the machine says \
     <code>madvise</code> only allocators that ask get them, and with <code>always</code> those whose memory lies so.",
    "A latency contains reading the clock once; its highest percentiles contain what else the machine did.",
    "One ranking says nothing about another workload. Run yours: <code>perilune-lab matrix FILE.lua</code>.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_high_lines_do_not_flatten_the_others() {
        let line = |top: f64| Line { colour: colour(0), width: 1, points: vec![(0.0, 0.0), (10.0, top), (20.0, 1.0)] };
        let lines = [1.0, 5.0, 2.0, 500.0].map(line);
        assert_eq!(limit(&lines), 6.0);
        assert_eq!(limit(&lines[1..]), f64::INFINITY);
        assert_eq!(below(&lines[3].points, 6.0), [(0.0, 0.0), (0.12, 6.0)]);
        assert_eq!(below(&lines[1].points, 6.0), lines[1].points);
    }

    #[test]
    fn a_page_needs_nothing_else_and_escapes() {
        let mut report = Report { baseline: "a".into(), ..Report::new() };
        report.allocators = vec![("a".into(), "x < y & z".into())];
        let cell = CellRow { allocator: "a".into(), error: Some("<boom>".into()), ..CellRow::default() };
        report.rows.push(Row { workload: "w".into(), about: "\"about\"".into(), cells: vec![cell], ..Row::default() });
        let page = page(&report).expect("a page");
        assert!(
            page.contains("x &lt; y &amp; z") && page.contains("&lt;boom&gt;") && !page.contains("<boom>"),
            "{page}"
        );
        assert!(!page.contains("http") && !page.contains("<script") && page.ends_with("</html>\n"), "{page}");
    }
}
