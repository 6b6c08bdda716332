//! The tables that are printed, and the same as JSON.

use serde_json::{Value, json};

use crate::interpreter::Interpreter;
use crate::measure::{Cell, Job, Sample};
use crate::statistics::{geometric_mean, median, ratios, spread};

/// The groups of programs, by the first letters of their names.
const GROUPS: [(char, &str); 7] = [
    ('c', "calls"),
    ('k', "coroutines"),
    ('t', "tables"),
    ('s', "strings"),
    ('n', "numeric"),
    ('g', "allocation"),
    ('m', "mixed"),
];

/// What of a run is compared.
pub struct Metric {
    /// What it is, for headings.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The value of a run, in that unit.
    pub value: fn(&Sample) -> f64,
}

/// Everything that was measured.
pub struct Report<'a> {
    pub interpreters: &'a [Interpreter],
    pub jobs: &'a [Job],
    /// `cells[job][interpreter]`; the second interpreter is the reference.
    pub cells: &'a [Vec<Cell>],
    pub metric: Metric,
    /// Whether jobs have groups.
    pub grouped: bool,
    /// Whether the peak memory is told besides.
    pub with_memory: bool,
}

impl Report<'_> {
    /// The values of a cell, round by round; none if it failed.
    fn values(&self, job: usize, interpreter: usize, value: fn(&Sample) -> f64) -> Vec<Option<f64>> {
        let cell = &self.cells[job][interpreter];
        if cell.failure.is_some() {
            return Vec::new();
        }
        cell.samples.iter().map(|sample| sample.as_ref().map(value)).collect()
    }

    /// The ratios of one interpreter to another on a job, round by round.
    fn ratios(&self, job: usize, interpreter: usize, reference: usize) -> Vec<f64> {
        let values = self.values(job, interpreter, self.metric.value);
        ratios(&values, &self.values(job, reference, self.metric.value))
    }

    /// The geometric mean of one interpreter's ratios to another, over the jobs of a group that both do.
    fn mean(&self, interpreter: usize, reference: usize, group: Option<char>) -> Option<f64> {
        let jobs = (0..self.jobs.len()).filter(|&job| group.is_none_or(|group| self.jobs[job].name.starts_with(group)));
        let medians: Vec<f64> = jobs.filter_map(|job| median(&self.ratios(job, interpreter, reference))).collect();
        geometric_mean(&medians)
    }

    /// The geometric mean of ours to the reference.
    pub fn overall(&self) -> Option<f64> {
        self.mean(0, 1, None)
    }

    /// Whether ours did everything, and so did the reference.
    pub fn complete(&self) -> bool {
        self.cells.iter().all(|row| row[0].failure.is_none() && row[1].failure.is_none())
    }

    /// The groups that have jobs.
    fn groups(&self) -> impl Iterator<Item = (char, &'static str)> {
        let has = |letter: char| self.jobs.iter().any(|job| job.name.starts_with(letter));
        GROUPS.into_iter().filter(move |&(letter, _)| self.grouped && has(letter))
    }

    /// Prints a line: a label and a field for each interpreter.
    fn line(&self, label: &str, fields: impl Iterator<Item = String>) {
        let width = self.interpreters.iter().map(|interpreter| interpreter.label.len() + 2).max().unwrap_or(0).max(10);
        print!("{label:<28}");
        for field in fields {
            print!("{field:>width$}");
        }
        println!();
    }

    fn labels(&self) -> impl Iterator<Item = String> {
        self.interpreters.iter().map(|interpreter| interpreter.label.clone())
    }

    /// Prints everything.
    pub fn print(&self) {
        let all = 0..self.interpreters.len();
        let ratio = |value: Option<f64>| value.map_or("X".to_string(), |value| format!("{value:.2}"));
        println!("\n{}, as ratio to {}", self.metric.name, self.interpreters[1].label);
        self.line("", self.labels());
        for (job, row) in self.jobs.iter().enumerate() {
            self.line(&row.name, all.clone().map(|i| ratio(median(&self.ratios(job, i, 1)))));
        }
        if self.jobs.len() > 1 {
            for (letter, name) in self.groups() {
                self.line(&format!("group {name}"), all.clone().map(|i| ratio(self.mean(i, 1, Some(letter)))));
            }
            self.line("all", all.clone().map(|i| ratio(self.mean(i, 1, None))));
            println!("\n{} against each, on what both do", self.interpreters[0].label);
            self.line("", self.labels());
            for (letter, name) in self.groups() {
                self.line(&format!("group {name}"), all.clone().map(|i| ratio(self.mean(0, i, Some(letter)))));
            }
            self.line("all", all.clone().map(|i| ratio(self.mean(0, i, None))));
        }
        println!("\n{} [{}], median", self.metric.name, self.metric.unit);
        self.print_values(self.metric.value);
        if self.with_memory {
            println!("\npeak memory [MiB]");
            self.print_values(|sample| sample.peak_kib / 1024.0);
        }
        self.print_caveats();
    }

    fn print_values(&self, value: fn(&Sample) -> f64) {
        self.line("", self.labels());
        for (job, row) in self.jobs.iter().enumerate() {
            let fields = (0..self.interpreters.len()).map(|i| {
                let values: Vec<f64> = self.values(job, i, value).into_iter().flatten().collect();
                median(&values).map_or("X".to_string(), |value| format!("{value:.3}"))
            });
            self.line(&row.name, fields);
        }
    }

    /// Prints what is to be known before the tables are believed.
    fn print_caveats(&self) {
        let spreads: Vec<f64> = (0..self.jobs.len()).filter_map(|job| spread(&self.ratios(job, 0, 1))).collect();
        if let (Some(median), Some(most)) = (median(&spreads), spreads.iter().copied().reduce(f64::max)) {
            let (median, most) = (median * 100.0, most * 100.0);
            println!("\nbetween rounds our ratios differ by {median:.0} % (median), {most:.0} % at most");
        }
        for (job, row) in self.jobs.iter().zip(self.cells) {
            for (interpreter, cell) in self.interpreters.iter().zip(row) {
                if let Some(why) = &cell.failure {
                    println!("X {} on {}: {why}", interpreter.label, job.name);
                }
            }
        }
    }

    /// The same for programs.
    pub fn json(&self, machine: &str) -> Value {
        let rows = self.jobs.iter().enumerate().map(|(job, row)| {
            let cells = self.interpreters.iter().enumerate().map(|(i, interpreter)| {
                let cell = &self.cells[job][i];
                let samples = cell.samples.iter().flatten().map(|sample| {
                    json!({"processor_s": sample.processor, "elapsed_s": sample.elapsed, "peak_kib": sample.peak_kib})
                });
                json!({
                    "interpreter": interpreter.label,
                    "ratio": median(&self.ratios(job, i, 1)),
                    "failure": cell.failure,
                    "samples": samples.collect::<Vec<_>>(),
                })
            });
            json!({"name": row.name, "cells": cells.collect::<Vec<_>>()})
        });
        let interpreters = self.interpreters.iter().enumerate().map(|(i, interpreter)| {
            let groups: serde_json::Map<String, Value> =
                self.groups().map(|(letter, name)| (name.to_string(), json!(self.mean(i, 1, Some(letter))))).collect();
            json!({
                "label": interpreter.label,
                "command": interpreter.command,
                "version": interpreter.version,
                "groups": groups,
                "all": self.mean(i, 1, None),
                "ours_against_it": self.mean(0, i, None),
            })
        });
        json!({
            "machine": machine,
            "metric": self.metric.name,
            "reference": self.interpreters[1].label,
            "interpreters": interpreters.collect::<Vec<_>>(),
            "jobs": rows.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Metric, Report};
    use crate::interpreter::Interpreter;
    use crate::measure::{Cell, Job, Sample};

    fn cell(times: &[f64], failure: Option<&str>) -> Cell {
        let sample = |&processor| Some(Sample { processor, elapsed: 0.0, peak_kib: 0.0 });
        Cell { samples: times.iter().map(sample).collect(), failure: failure.map(str::to_string) }
    }

    #[test]
    fn means_are_of_what_both_do() {
        let label = |label: &str| Interpreter { label: label.to_string(), command: Vec::new(), version: String::new() };
        let interpreters = ["ours", "reference", "other"].map(label);
        let jobs = ["c1", "c2", "t1"].map(|name| Job { name: name.to_string(), arguments: Vec::new() });
        let cells = [
            vec![cell(&[1.0, 2.0], None), cell(&[2.0, 4.0], None), cell(&[4.0, 8.0], None)],
            vec![cell(&[8.0, 8.0], None), cell(&[1.0, 1.0], None), cell(&[8.0], Some("it printed something else"))],
            vec![cell(&[1.0, 1.0], None), cell(&[4.0, 4.0], None), cell(&[1.0, 1.0], None)],
        ];
        let metric = Metric { name: "time", unit: "s", value: |sample| sample.processor };
        let report = Report {
            interpreters: &interpreters,
            jobs: &jobs,
            cells: &cells,
            metric,
            grouped: true,
            with_memory: false,
        };
        let near = |value: Option<f64>, wanted: f64| value.is_some_and(|value| (value - wanted).abs() < 1e-12);
        // 0.5 and 8 are 2 in the mean; with 0.25 they are 1.
        assert!(near(report.mean(0, 1, Some('c')), 2.0));
        assert!(near(report.overall(), 1.0));
        // The other did not do the second: 0.25 and 1 are left.
        assert!(near(report.mean(0, 2, None), 0.5));
        assert_eq!(report.mean(0, 1, Some('s')), None);
        assert!(report.complete());
        let json = report.json("a machine");
        assert_eq!(json["jobs"][1]["cells"][2]["failure"], "it printed something else");
        assert_eq!(json["jobs"][0]["cells"][0]["ratio"], 0.5);
        assert!(near(json["interpreters"][0]["groups"]["tables"].as_f64(), 0.25));
    }
}
