//! The measurements of workloads on allocators, in their order.
//!
//! A row is finished before the next one begins. Within a row the allocators take turns, A B C, then C B A, and so on, each run in a
//! process of its own, with a run of the control in every pass. Every other pass closes in bulk.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::Lab;
use super::cell::{Kind, Outcome};
use super::report::{CellRow, Row};
use super::stats::{Spread, Verdict, noise};
use super::workload::{Size, Workload};

/// Set by Ctrl-C.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Has Ctrl-C end the run after the measurement at hand, and a second one at once.
///
/// # Errors
/// The system does not let it.
pub fn watch_for_interrupts() -> Result<()> {
    let handler = || {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("\ninterrupted: what is finished is reported; once more ends at once");
    };
    ctrlc::set_handler(handler).context("cannot watch for Ctrl-C")
}

/// Whether somebody wants the run to end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// A bar of so many steps, on standard error if that is a terminal.
pub fn bar(steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {elapsed} (still {eta})  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// What is to be measured.
#[derive(Debug)]
pub struct Plan {
    /// The names of the allocators.
    pub allocators: Vec<String>,
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// How long they run.
    pub size: Size,
    /// How often each pair of passes is made; 0 leaves out what is timed.
    pub rounds: usize,
    /// The allocator that others are compared with.
    pub baseline: String,
    /// Whether what goes through the allocators is counted.
    pub counts: bool,
    /// Whether single calls are timed.
    pub latency: bool,
}

impl Plan {
    /// How many measurements there are.
    fn steps(&self) -> usize {
        let others = usize::from(self.counts) + usize::from(self.latency);
        let row = self.allocators.len() * (2 * self.rounds + others) + 2 * self.rounds;
        self.workloads.len() * row
    }

    /// Measures everything. An interrupt leaves the finished rows.
    pub fn run(&self, lab: &Lab) -> Vec<Row> {
        let bar = bar(self.steps());
        let mut rows = Vec::new();
        for workload in &self.workloads {
            match self.row(lab, workload, &bar) {
                Some(row) => rows.push(row),
                None => break,
            }
        }
        bar.finish_and_clear();
        rows
    }

    /// Measures a workload; `None` after an interrupt.
    fn row(&self, lab: &Lab, workload: &Workload, bar: &ProgressBar) -> Option<Row> {
        let argument = workload.argument(self.size);
        let mut row = Row {
            workload: workload.name.clone(),
            about: workload.about.clone(),
            stresses: workload.stresses.clone(),
            argument,
            cells: self
                .allocators
                .iter()
                .map(|name| CellRow { allocator: name.clone(), ..CellRow::default() })
                .collect(),
            ..Row::default()
        };
        let mut kinds = Vec::new();
        if self.counts {
            kinds.push(Kind::Count);
        }
        if self.latency {
            kinds.push(Kind::Latency);
        }
        for kind in kinds {
            for cell in &mut row.cells {
                step(lab, cell, &kind, (workload, argument), bar)?;
            }
        }
        for pass in 0..2 * self.rounds {
            row.control.extend(self.control(lab, bar));
            let kind = Kind::Time { in_bulk: pass % 2 == 1 };
            let mut order: Vec<&mut CellRow> = row.cells.iter_mut().collect();
            if pass % 2 == 1 {
                order.reverse();
            }
            for cell in order {
                step(lab, cell, &kind, (workload, argument), bar)?;
            }
        }
        row.noise = noise(&row.control);
        check_sums(&mut row);
        judge(&mut row, &self.baseline);
        Some(row)
    }

    /// Runs the control.
    fn control(&self, lab: &Lab, bar: &ProgressBar) -> Option<f64> {
        let control = Workload::control();
        let argument = control.argument(self.size);
        let outcome = lab.spec("system", Kind::Time { in_bulk: false }, Some((control, argument))).run();
        bar.inc(1);
        match outcome {
            Ok(Outcome::Time(time)) => Some(time.running),
            _ => None,
        }
    }
}

/// Makes a measurement and puts it where it belongs; `None` after an interrupt.
fn step(lab: &Lab, cell: &mut CellRow, kind: &Kind, work: (&Workload, u64), bar: &ProgressBar) -> Option<()> {
    if cell.error.is_none() {
        bar.set_message(format!("{} on {}", work.0.name, cell.allocator));
        match lab.spec(&cell.allocator, kind.clone(), Some((work.0.clone(), work.1))).run() {
            Ok(Outcome::Time(time)) => cell.times.push(time),
            Ok(Outcome::Count(counts)) => cell.counts = Some(*counts),
            Ok(Outcome::Latency(table)) => cell.latency = Some(table),
            Ok(_) => cell.error = Some("the measurement gave something else".into()),
            Err(error) => cell.error = Some(format!("{error:#}")),
        }
    }
    bar.inc(1);
    (!interrupted()).then_some(())
}

/// Sees to it that all allocators gave the same checksum in all runs.
fn check_sums(row: &mut Row) {
    let mut wanted: Option<String> = None;
    for cell in row.cells.iter_mut().filter(|cell| cell.error.is_none()) {
        let counted = cell.counts.iter().map(|counts| &counts.checksum);
        for checksum in cell.times.iter().map(|time| &time.checksum).chain(counted) {
            let wanted = wanted.get_or_insert_with(|| checksum.clone());
            if checksum != wanted {
                cell.error = Some(format!("it printed '{checksum}' where others print '{wanted}'"));
                break;
            }
        }
    }
}

/// Compares times with the baseline's.
fn judge(row: &mut Row, baseline: &str) {
    let is_base = |cell: &&CellRow| cell.allocator == baseline && cell.error.is_none();
    let Some(base) = row.cells.iter().find(is_base).map(CellRow::seconds) else { return };
    for cell in row.cells.iter_mut().filter(|cell| cell.error.is_none() && !cell.times.is_empty()) {
        let ratios: Vec<f64> = cell.seconds().iter().zip(&base).map(|(time, base)| time / base.max(1e-9)).collect();
        cell.ratio = Spread::of(&ratios);
        cell.verdict = verdict(cell.ratio, cell.allocator == baseline, row.noise);
    }
}

/// What may be said of a ratio to the baseline.
pub fn verdict(ratio: Option<Spread>, is_baseline: bool, noise: f64) -> Option<Verdict> {
    if is_baseline { Some(Verdict::Baseline) } else { ratio.map(|ratio| ratio.verdict(noise)) }
}

/// The workloads that names mean; a name that ends in `.lua` is a file.
///
/// # Errors
/// There is no such workload; the message lists those that there are.
pub fn choose(all: &[Workload], names: &[String]) -> Result<Vec<Workload>> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    let one = |name: &String| {
        if name.ends_with(".lua") {
            return Workload::from_file(name.as_ref());
        }
        if let Some(workload) = all.iter().find(|workload| workload.name == *name) {
            return Ok(workload.clone());
        }
        let known: Vec<&str> = all.iter().map(|workload| workload.name.as_str()).collect();
        bail!("unknown workload '{name}' (there are: {}; or name a FILE.lua)", known.join(", "))
    };
    names.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::cell::Timed;
    use super::*;

    fn timed(running: f64, checksum: &str) -> Timed {
        Timed { running, closing: 0.0, in_bulk: false, resident_growth: 0, page_faults: 0, checksum: checksum.into() }
    }

    fn row(cells: &[(&str, [f64; 6], &str)]) -> Row {
        let cell = |&(name, times, checksum): &(&str, [f64; 6], &str)| CellRow {
            allocator: name.into(),
            times: times.map(|time| timed(time, checksum)).to_vec(),
            ..CellRow::default()
        };
        Row { cells: cells.iter().map(cell).collect(), ..Row::default() }
    }

    #[test]
    fn ratios_are_of_the_same_pass() {
        // The machine slows down to a half in the middle; both feel it.
        let mut row = row(&[("a", [1.0, 1.0, 1.0, 2.0, 2.0, 2.0], "s"), ("b", [0.8, 0.8, 0.8, 1.6, 1.6, 1.6], "s")]);
        judge(&mut row, "a");
        let verdicts: Vec<_> = row.cells.iter().map(|cell| cell.verdict).collect();
        assert_eq!(verdicts, [Some(Verdict::Baseline), Some(Verdict::Less)]);
        let ratio = row.cells[1].ratio.expect("a ratio");
        assert!((ratio.low - 0.8).abs() < 1e-9 && (ratio.high - 0.8).abs() < 1e-9);
    }

    #[test]
    fn who_prints_something_else_has_failed() {
        let mut row = row(&[("a", [1.0; 6], "same"), ("b", [1.0; 6], "other"), ("c", [1.0; 6], "same")]);
        check_sums(&mut row);
        judge(&mut row, "a");
        let errors: Vec<_> = row.cells.iter().map(|cell| cell.error.clone()).collect();
        assert_eq!(errors, [None, Some("it printed 'other' where others print 'same'".into()), None]);
        assert_eq!(row.cells[2].verdict, Some(Verdict::Same));
    }

    #[test]
    fn unknown_workloads_are_told_with_the_known() {
        let all = super::super::workload::list(None).expect("the project's");
        let chosen = choose(&all, &["json".into(), "cache".into()]).expect("they are known");
        assert_eq!(chosen.iter().map(|w| &*w.name).collect::<Vec<_>>(), ["json", "cache"]);
        let error = choose(&all, &["jsn".into()]).unwrap_err().to_string();
        assert!(error.starts_with("unknown workload 'jsn' (there are: array_growth, binary_trees,"), "{error}");
    }
}
