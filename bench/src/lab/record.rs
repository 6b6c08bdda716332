//! Recording a workload, and what is noted beside a recording.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use perilune_alloc_adapters::Tracing;
use perilune_alloc_adapters::trace::TraceSummary;
use serde::{Deserialize, Serialize};

use super::Lab;
use super::audit::{Audit, Totals};
use super::cell::{Kind, Outcome, run_through};
use super::stats::median;
use super::subject::Subject;
use super::workload::{Driver, Workload};

/// How often the workload is timed without the recording.
const TIMED_RUNS: usize = 3;

/// What is noted beside a recording, in a file of its name and `.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The workload's name.
    pub workload: String,
    /// Its argument.
    pub argument: u64,
    /// The allocator that it ran on.
    pub allocator: String,
    /// What it printed.
    pub checksum: String,
    /// What the machine asked for, counted before it was recorded.
    pub totals: Totals,
    /// The median of the seconds of processor time of runs on that allocator without a recording.
    pub seconds: Option<f64>,
}

impl Note {
    /// Where the note of a recording is.
    pub fn path(trace: &Path) -> PathBuf {
        let mut name = trace.as_os_str().to_owned();
        name.push(".json");
        name.into()
    }

    /// The note of a recording, if there is one.
    ///
    /// # Errors
    /// There is one that cannot be understood.
    pub fn of(trace: &Path) -> Result<Option<Self>> {
        let path = Self::path(trace);
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        let note = serde_json::from_str(&text);
        note.map(Some).with_context(|| format!("'{}' is no note of a recording", path.display()))
    }
}

/// Runs a workload and records it into `output`, which errors call by its `name`; gives what was asked, what was recorded, and the
/// checksum.
///
/// # Errors
/// The workload failed, or writing did.
pub fn record(
    subject: &dyn Subject,
    workload: &Workload,
    argument: u64,
    output: impl Write,
    name: &str,
) -> Result<(Totals, TraceSummary, String)> {
    let memory = Audit::new(Tracing::new(subject.make(), output));
    let mark = || {
        // Of many states none is the one whose close ends the recording.
        if workload.driver == Driver::Script {
            memory.inner().mark_close();
        }
    };
    let finished = run_through(&memory, workload, argument, &mark)?;
    let summary = memory.inner().finish().with_context(|| format!("cannot write {name}"))?;
    let totals = memory.totals();
    ensure!(summary.live_blocks == 0, "{} blocks were left after the close", summary.live_blocks);
    Ok((totals, summary, finished.checksum))
}

/// Records a workload into a file, and writes the note.
///
/// # Errors
/// The workload failed, or a file cannot be written.
pub fn to_file(lab: &Lab, allocator: &str, workload: &Workload, argument: u64, path: &Path) -> Result<Note> {
    let subject = lab.find(allocator)?;
    let name = format!("the trace '{}'", path.display());
    let file = File::create(path).with_context(|| format!("cannot write {name}"))?;
    let (totals, summary, checksum) = record(subject, workload, argument, file, &name)?;
    ensure!(summary.operations >= totals.calls, "the recording lacks operations");
    let mut seconds = Vec::new();
    for _ in 0..TIMED_RUNS {
        let spec = lab.spec(allocator, Kind::Time { in_bulk: false }, Some((workload.clone(), argument)));
        if let Outcome::Time(time) = spec.run()? {
            seconds.push(time.running);
        }
    }
    let note = Note {
        workload: workload.name.clone(),
        argument,
        allocator: allocator.into(),
        checksum,
        totals,
        seconds: median(&seconds),
    };
    let path = Note::path(path);
    let written = std::fs::write(&path, serde_json::to_string_pretty(&note)? + "\n");
    written.with_context(|| format!("cannot write the recording's note '{}'", path.display()))?;
    Ok(note)
}
