//! What a run of the lab gave: the data behind every output. Written as JSON, it is what `compare` reads.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::cell::{Counts, LatencyTable, Timed};
use super::histogram::Histograms;
use super::os::Machine;
use super::replay::TraceFacts;
use super::stats::{Spread, Verdict, median};
use super::workload::Size;
use super::{html, rows};

/// The version of the form that reports are saved in.
pub const SCHEMA: u32 = 1;

/// The least live bytes for which fragmentation is told: the system counts resident pages in lots of some hundred kilobytes.
const FRAGMENTATION_FROM: f64 = 1e6;

/// A run of the lab.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The command and its arguments.
    pub command: String,
    /// When it began: the date and time in UTC.
    pub date: String,
    /// Where it ran.
    pub machine: Machine,
    /// How long the workloads ran.
    pub size: Size,
    /// The allocator that others are compared with.
    pub baseline: String,
    /// The allocators: name, and what each is.
    pub allocators: Vec<(String, String)>,
    /// Whether somebody ended the run before its end.
    pub interrupted: bool,
    /// The workloads of `matrix`, `latency` and `footprint`.
    pub rows: Vec<Row>,
    /// What `replay` gave.
    pub replay: Option<ReplayReport>,
    /// What `histogram` gave.
    #[serde(default)]
    pub histograms: Option<Histograms>,
    /// What `threads` gave.
    pub threads: Vec<ThreadsRow>,
}

/// A workload under several allocators.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    /// The workload's name.
    pub workload: String,
    /// What it does.
    pub about: String,
    /// What it demands of allocators.
    pub stresses: String,
    /// The argument that it got.
    pub argument: u64,
    /// The seconds that each run of the control took.
    pub control: Vec<f64>,
    /// By which part differences may be the machine's noise.
    pub noise: f64,
    /// The allocators.
    pub cells: Vec<CellRow>,
}

/// A workload under one allocator.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CellRow {
    /// The allocator's name.
    pub allocator: String,
    /// The timed runs, in the order of the passes.
    pub times: Vec<Timed>,
    /// The ratio of its time to the baseline's.
    pub ratio: Option<Spread>,
    /// What may be said of that.
    pub verdict: Option<Verdict>,
    /// What went through the allocator.
    pub counts: Option<Counts>,
    /// How long calls took.
    pub latency: Option<LatencyTable>,
    /// What went wrong; the other figures do not count then.
    pub error: Option<String>,
}

impl CellRow {
    /// The seconds of the runs.
    pub fn seconds(&self) -> Vec<f64> {
        self.times.iter().map(|time| time.running).collect()
    }

    /// The median of the seconds with its interval.
    pub fn time(&self) -> Option<Spread> {
        Spread::of(&self.seconds())
    }

    /// The median of the seconds that closing took.
    pub fn closing(&self, in_bulk: bool) -> Option<f64> {
        let times = self.times.iter().filter(|time| time.in_bulk == in_bulk);
        median(&times.map(|time| time.closing).collect::<Vec<_>>())
    }

    /// The median of what resident memory grew by.
    pub fn resident(&self) -> Option<f64> {
        median(&self.times.iter().map(|time| time.resident_growth as f64).collect::<Vec<_>>())
    }

    /// The median of the page faults.
    pub fn page_faults(&self) -> Option<f64> {
        median(&self.times.iter().map(|time| time.page_faults as f64).collect::<Vec<_>>())
    }

    /// Resident growth in proportion to the highest sum of live sizes, if that is large enough for it to say anything.
    pub fn fragmentation(&self) -> Option<f64> {
        let live = self.counts.as_ref()?.peak_live as f64;
        (live >= FRAGMENTATION_FROM).then_some(self.resident()? / live)
    }

    /// Which part of growing resizes stayed in place.
    pub fn in_place(&self) -> Option<f64> {
        let counts = self.counts.as_ref()?;
        (counts.grows > 0).then(|| counts.grows_in_place as f64 / counts.grows as f64)
    }
}

/// A trace under several allocators.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReplayReport {
    /// The trace's file.
    pub trace: String,
    /// What is in it.
    pub facts: TraceFacts,
    /// Seconds of the machine itself, without the allocator, if the recording's own figures were there.
    pub machine_seconds: Option<f64>,
    /// Seconds of the replay's loop alone, without an allocator.
    pub floor_seconds: f64,
    /// By which part differences may be the machine's noise.
    #[serde(default)]
    pub noise: f64,
    /// The allocators.
    pub cells: Vec<ReplayCell>,
}

impl ReplayReport {
    /// The seconds of each replay without those of the loop.
    pub fn own_seconds(&self, cell: &ReplayCell) -> Vec<f64> {
        cell.seconds.iter().map(|seconds| (seconds - self.floor_seconds).max(1e-9)).collect()
    }

    /// How many operations come before the close.
    pub fn operations(&self) -> u64 {
        self.facts.close_at.unwrap_or(self.facts.totals.calls)
    }
}

/// A trace under one allocator.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReplayCell {
    /// The allocator's name.
    pub allocator: String,
    /// Seconds of each replay, without the close.
    pub seconds: Vec<f64>,
    /// Seconds of closing object by object.
    pub closing: Vec<f64>,
    /// Seconds of closing in bulk.
    pub closing_in_bulk: Vec<f64>,
    /// The ratio to the baseline.
    pub ratio: Option<Spread>,
    /// What may be said of that.
    pub verdict: Option<Verdict>,
    /// What went wrong.
    pub error: Option<String>,
}

/// A workload in several threads at once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ThreadsRow {
    /// The workload's name.
    pub workload: String,
    /// The allocator's name.
    pub allocator: String,
    /// For each number of threads the seconds of the runs by the clock.
    pub seconds: Vec<(usize, Vec<f64>)>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Where a report goes besides the terminal.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Outputs")]
pub struct Outputs {
    /// Write everything to a file as JSON; `compare` reads those of `matrix` and `replay`.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the table to a file as CSV.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write a page with plots to one file, which needs no network.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

impl Outputs {
    /// The files with what each is.
    fn files(&self) -> impl Iterator<Item = (&Path, Form)> {
        let files = [(&self.json, Form::Json), (&self.csv, Form::Csv), (&self.html, Form::Html)];
        files.into_iter().filter_map(|(path, form)| Some((path.as_deref()?, form)))
    }

    /// Looks whether the files can be written to, before a run that would be lost.
    ///
    /// # Errors
    /// One cannot be.
    pub fn check(&self) -> Result<()> {
        for (path, form) in self.files() {
            let open = OpenOptions::new().append(true).create(true).open(path);
            open.with_context(|| format!("cannot write the {} '{}'", form.name(), path.display()))?;
        }
        Ok(())
    }

    /// Writes the files; each is tried, whatever happened to the others.
    ///
    /// # Errors
    /// Which ones could not be written, and why.
    pub fn write(&self, report: &Report) -> Result<()> {
        let mut failures = Vec::new();
        for (path, form) in self.files() {
            match write(path, form, report) {
                Ok(()) => eprintln!("wrote the {} {}", form.name(), path.display()),
                Err(error) => {
                    failures.push(format!("cannot write the {} '{}': {error:#}", form.name(), path.display()))
                }
            }
        }
        ensure!(failures.is_empty(), "{}", failures.join("; "));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Csv,
    Html,
}

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON file",
            Self::Csv => "CSV file",
            Self::Html => "report",
        }
    }
}

fn write(path: &Path, form: Form, report: &Report) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    match form {
        Form::Json => serde_json::to_writer(&mut file, report)?,
        Form::Csv => rows::write_csv(report, &mut file)?,
        Form::Html => file.write_all(html::page(report)?.as_bytes())?,
    }
    file.flush()?;
    Ok(())
}

impl Report {
    /// An empty report of a run that begins now.
    pub fn new() -> Self {
        let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.as_secs());
        let command =
            std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ");
        Self { schema: SCHEMA, command, date: date(seconds), machine: Machine::here(), ..Self::default() }
    }

    /// Reads a saved report.
    ///
    /// # Errors
    /// The file cannot be read, or is no report that this version knows.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the report '{name}'"))?;
        let report: Self = serde_json::from_str(&text).with_context(|| {
            format!("'{name}' is no report of the lab (it must be the file that --json has written)")
        })?;
        ensure!(report.schema == SCHEMA, "'{name}' is a report of form {}, and only {SCHEMA} is known", report.schema);
        Ok(report)
    }

    /// What failed, in sentences.
    pub fn failures(&self) -> Vec<String> {
        let rows = self.rows.iter().flat_map(|row| {
            row.cells.iter().filter_map(|cell| Some((row.workload.as_str(), &cell.allocator, cell.error.as_ref()?)))
        });
        let threads = self.threads.iter().filter_map(|row| Some((&*row.workload, &row.allocator, row.error.as_ref()?)));
        let cells = self.replay.iter().flat_map(|replay| {
            replay.cells.iter().filter_map(|cell| Some((&*replay.trace, &cell.allocator, cell.error.as_ref()?)))
        });
        rows.chain(threads)
            .chain(cells)
            .map(|(what, allocator, error)| format!("{what} on {allocator}: {error}"))
            .collect()
    }
}

/// An argument as a shell would have to be given it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%~".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The date and time of a number of seconds since 1970, in UTC.
fn date(seconds: u64) -> String {
    let (mut day, second) = (seconds / 86400, seconds % 86400);
    let mut year = 1970;
    let days_in = |year: u64| {
        if (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400) { 366 } else { 365 }
    };
    while day >= days_in(year) {
        day -= days_in(year);
        year += 1;
    }
    let february = days_in(year) - 337;
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02} {:02}:{:02} UTC", day + 1, second / 3600, second / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_735_689_599), "2024-12-31 23:59 UTC");
    }

    #[test]
    fn a_command_can_be_given_to_a_shell() {
        assert_eq!(
            ["--html", "a/b.html", "my file", "it's", ""].map(quoted),
            ["--html", "a/b.html", "'my file'", r"'it'\''s'", "''"]
        );
    }

    #[test]
    fn a_report_survives_saving() {
        let mut report = Report::new();
        let cell = CellRow { allocator: "slab".into(), error: Some("too slow".into()), ..CellRow::default() };
        report.rows.push(Row { workload: "w".into(), cells: vec![cell], ..Row::default() });
        let text = serde_json::to_string(&report).expect("JSON");
        let again: Report = serde_json::from_str(&text).expect("a report");
        assert_eq!(again.failures(), ["w on slab: too slow"]);
        assert_eq!(again.machine, report.machine);
    }
}
