//! Two saved runs side by side: before and after a change of an allocator, say.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::report::{CellRow, Report, Row};
use super::stats::{Spread, Verdict};
use super::tables::table;
use super::units::{bytes, or_none, spread, time};

/// The ratio of two medians that were not measured in turn: as wide as both intervals allow.
fn ratio(before: Spread, after: Spread) -> Spread {
    Spread {
        low: after.low / before.high.max(1e-12),
        median: after.median / before.median.max(1e-12),
        high: after.high / before.low.max(1e-12),
        sure: before.sure && after.sure,
    }
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
    if compared == 0 {
        bail!("the two runs have no workload of the same size and no allocator in common");
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
    let noise = (row.noise.powi(2) + other.noise.powi(2)).sqrt();
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
        let scale = drift.unwrap_or(1.0);
        let mut ratio = ratio(time_before, time_after);
        ratio = Spread { low: ratio.low / scale, median: ratio.median / scale, high: ratio.high / scale, ..ratio };
        let two = |a: Option<f64>, b: Option<f64>, text: fn(f64) -> String| {
            or_none(a.zip(b), |(a, b)| format!("{} → {}", text(a), text(b)))
        };
        let live = |cell: &CellRow| cell.counts.as_ref().map(|counts| counts.peak_live as f64);
        let verdict = ratio.verdict(noise);
        table.add_row([
            before.allocator.clone(),
            time(time_before.median),
            time(time_after.median),
            spread(&ratio),
            if verdict == Verdict::Same { "no difference within the noise" } else { verdict.in_words() }.into(),
            two(before.resident(), after.resident(), bytes),
            two(live(before), live(after), bytes),
            two(before.closing(false), after.closing(false), time),
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
    fn runs_without_anything_in_common_are_refused() {
        let mut other = report(1.0, 0.1);
        other.rows[0].argument = 4;
        let error = text(&report(1.0, 0.1), &other).unwrap_err();
        assert!(error.to_string().contains("in common"), "{error}");
    }
}
