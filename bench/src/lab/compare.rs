//! Two saved runs side by side: before and after a change of an allocator, say.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::report::{CellRow, ReplayCell, ReplayReport, Report, Row};
use super::stats::{Spread, median};
use super::tables::table;
use super::units::{bytes, or_none, spread, time};

/// The ratio of two medians that were not measured in turn, on a machine whose speed has changed by `drift`: as wide as both intervals
/// allow.
fn ratio(before: Spread, after: Spread, drift: f64) -> Spread {
    let ratio = |after: f64, before: f64| after / before.max(1e-12) / drift;
    Spread {
        low: ratio(after.low, before.high),
        median: ratio(after.median, before.median),
        high: ratio(after.high, before.low),
        sure: before.sure && after.sure,
    }
}

/// A figure before and after.
fn two(before: Option<f64>, after: Option<f64>, text: fn(f64) -> String) -> String {
    or_none(before.zip(after), |(before, after)| format!("{} → {}", text(before), text(after)))
}

/// Pairs of cells of the same workload and allocator.
fn pairs<'a>(before: &'a Row, after: &'a Row) -> impl Iterator<Item = (&'a CellRow, &'a CellRow)> {
    before.cells.iter().filter_map(|cell| {
        let other = after.cells.iter().find(|other| other.allocator == cell.allocator)?;
        (cell.error.is_none() && other.error.is_none()).then_some((cell, other))
    })
}

/// How far the control's medians of both runs are apart: what the machine's speed has changed by.
fn drift(before: &Row, after: &Row) -> Option<f64> {
    let before = Spread::of(&before.control)?.median;
    Some(Spread::of(&after.control)?.median / before.max(1e-12))
}

/// The comparison as a text.
///
/// # Errors
/// The runs have nothing in common.
pub fn text(before: &Report, after: &Report) -> Result<String> {
    let mut out = String::new();
    let _ = writeln!(out, "before: {}, {}\nafter:  {}, {}", before.date, before.command, after.date, after.command);
    if before.machine.processor != after.machine.processor || before.machine.build != after.machine.build {
        out.push_str("CAUTION: the runs are of different machines or programs\n");
    }
    let mut compared = 0;
    for row in &before.rows {
        let Some(other) = after.rows.iter().find(|other| other.workload == row.workload) else { continue };
        if row.argument != other.argument {
            let _ = writeln!(out, "\n{}: left out, as the runs had different sizes of it", row.workload);
            continue;
        }
        compared += workload(&mut out, row, other);
    }
    if let (Some(before), Some(after)) = (&before.replay, &after.replay) {
        if before.facts.totals == after.facts.totals {
            compared += replay(&mut out, before, after);
        } else {
            let _ = writeln!(out, "\n{}: left out, as it is another recording than {}", before.trace, after.trace);
        }
    }
    if compared == 0 {
        bail!(
            "the two runs have no allocator in common with times on a workload of the same size, or on the same recording; \
             times are what 'matrix' and 'replay' measure"
        );
    }
    out.push_str(
        "\nRatios are after to before, divided by the control's change. The runs were not in turn, so the intervals are wide: for \
         small differences\nput both versions of the allocator into one lab, under two names.\n",
    );
    Ok(out)
}

/// Compares a workload; gives how many allocators there were.
fn workload(out: &mut String, row: &Row, other: &Row) -> usize {
    let drift = drift(row, other);
    let noise = row.noise.hypot(other.noise);
    let _ = write!(out, "\n{} {}", row.workload, row.argument);
    let _ = writeln!(
        out,
        "{}",
        drift.map_or_else(String::new, |drift| format!(": the control's time changed to {drift:.3}"))
    );
    let mut table = table(1, &["allocator", "before", "after", "ratio [range]", "", "resident", "peak live", "close"]);
    let mut number = 0;
    for (before, after) in pairs(row, other) {
        let (Some(time_before), Some(time_after)) = (before.time(), after.time()) else { continue };
        let ratio = ratio(time_before, time_after, drift.unwrap_or(1.0));
        let live = |cell: &CellRow| cell.counts.as_ref().map(|counts| counts.peak_live as f64);
        table.add_row([
            before.allocator.clone(),
            time(time_before.median),
            time(time_after.median),
            spread(&ratio),
            ratio.verdict(noise).in_words().into(),
            two(before.resident(), after.resident(), bytes),
            two(live(before), live(after), bytes),
            two(before.closing(false), after.closing(false), time),
        ]);
        number += 1;
    }
    let _ = writeln!(out, "{table}");
    number
}

/// Compares replays of a recording; gives how many allocators there were.
fn replay(out: &mut String, before: &ReplayReport, after: &ReplayReport) -> usize {
    let has_floor = before.floor_seconds > 0.0 && after.floor_seconds > 0.0;
    let drift = if has_floor { after.floor_seconds / before.floor_seconds } else { 1.0 };
    let noise = before.noise.hypot(after.noise);
    let _ = writeln!(out, "\n{}: the loop's time changed to {drift:.3}", after.trace);
    let mut table = table(1, &["allocator", "before", "after", "ratio [range]", "", "close", "in bulk"]);
    let mut number = 0;
    for cell in before.cells.iter().filter(|cell| cell.error.is_none()) {
        let same = |other: &&ReplayCell| other.allocator == cell.allocator && other.error.is_none();
        let Some(other) = after.cells.iter().find(same) else { continue };
        let times = (Spread::of(&before.own_seconds(cell)), Spread::of(&after.own_seconds(other)));
        let (Some(time_before), Some(time_after)) = times else { continue };
        let ratio = ratio(time_before, time_after, drift);
        table.add_row([
            cell.allocator.clone(),
            time(time_before.median),
            time(time_after.median),
            spread(&ratio),
            ratio.verdict(noise).in_words().into(),
            two(median(&cell.closing), median(&other.closing), time),
            two(median(&cell.closing_in_bulk), median(&other.closing_in_bulk), time),
        ]);
        number += 1;
    }
    let _ = writeln!(out, "{table}");
    number
}

#[cfg(test)]
mod tests {
    use super::super::cell::Timed;
    use super::*;

    fn report(seconds: f64, control: f64) -> Report {
        let time = |i: usize| Timed {
            running: seconds * (1.0 + 0.002 * i as f64),
            closing: 0.0,
            in_bulk: false,
            resident_growth: 1 << 20,
            page_faults: 0,
            checksum: String::new(),
        };
        let cell = CellRow { allocator: "mine".into(), times: (0..6).map(time).collect(), ..CellRow::default() };
        let row =
            Row { workload: "w".into(), argument: 3, control: vec![control; 6], cells: vec![cell], ..Row::default() };
        Report { rows: vec![row], ..Report::new() }
    }

    #[test]
    fn a_change_shows_and_the_machines_speed_does_not() {
        let compare = |a: &Report, b: &Report| text(a, b).expect("something in common");
        assert!(compare(&report(1.0, 0.1), &report(0.8, 0.1)).contains("faster"));
        assert!(compare(&report(1.0, 0.1), &report(1.3, 0.1)).contains("slower"));
        let slow_machine = compare(&report(1.0, 0.1), &report(2.0, 0.2));
        assert!(slow_machine.contains("no difference within the noise"), "{slow_machine}");
        assert!(slow_machine.contains("the control's time changed to 2.000"), "{slow_machine}");
    }

    #[test]
    fn replays_of_a_recording_are_compared() {
        let run = |seconds: f64, floor: f64, hash: u64| {
            let cell =
                ReplayCell { allocator: "mine".into(), seconds: vec![seconds + floor; 6], ..ReplayCell::default() };
            let mut replay =
                ReplayReport { trace: "t".into(), floor_seconds: floor, cells: vec![cell], ..ReplayReport::default() };
            replay.facts.totals.hash = hash;
            Report { replay: Some(replay), ..Report::new() }
        };
        let faster = text(&run(1.0, 0.1, 5), &run(0.8, 0.1, 5)).expect("the same recording");
        assert!(faster.contains("faster") && faster.contains("0.800 [0.800, 0.800]"), "{faster}");
        let slow_machine = text(&run(1.0, 0.1, 5), &run(2.0, 0.2, 5)).expect("the same recording");
        assert!(slow_machine.contains("no difference within the noise"), "{slow_machine}");
        assert!(text(&run(1.0, 0.1, 5), &run(1.0, 0.1, 6)).is_err());
    }

    #[test]
    fn runs_without_anything_in_common_are_refused() {
        let mut other = report(1.0, 0.1);
        other.rows[0].argument = 4;
        let error = text(&report(1.0, 0.1), &other).unwrap_err();
        assert!(error.to_string().contains("in common"), "{error}");
    }
}
