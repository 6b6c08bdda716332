//! What each command does.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use super::args::{self, Arguments, Command};
use super::matrix::{self, Plan};
use super::record::{self, Note};
use super::report::{Outputs, Report};
use super::tables::{self, table};
use super::units::{bytes, count};
use super::workload::{self, Size, Workload};
use super::{Lab, cell, compare, histogram, replay, threads};

/// What a process returns that was interrupted.
const INTERRUPTED: u8 = 130;

/// Does what the arguments say.
///
/// # Errors
/// What went wrong, in a sentence.
pub fn run(lab: Lab, arguments: Arguments) -> Result<ExitCode> {
    let lab = lab.with_libraries(&arguments.libraries)?;
    let workloads = workload::list(arguments.workloads.as_ref())?;
    match arguments.command {
        Command::Matrix(arguments) => return matrix(&lab, &workloads, &arguments),
        Command::Record(arguments) => say(&record(&lab, &workloads, &arguments)?),
        Command::Replay(arguments) => return replay(&lab, &arguments),
        Command::Histogram(arguments) => return histogram(&lab, &workloads, &arguments),
        Command::Latency(arguments) => return choice(&lab, &workloads, &arguments, false),
        Command::Footprint(arguments) => return choice(&lab, &workloads, &arguments, true),
        Command::Threads(arguments) => return threads(&lab, &workloads, &arguments),
        Command::Compare(args::Compare { before, after }) => {
            say(&compare::text(&Report::read(&before)?, &Report::read(&after)?)?)
        }
        Command::Allocs => say(&allocs(&lab)),
        Command::List => say(&list(&workloads)),
        Command::Cell => cell::answer(lab),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Writes to standard output; that whoever reads there has seen enough is no error.
fn say(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// An empty report about these allocators.
fn report(lab: &Lab, allocators: &[String], baseline: &str, size: Size) -> Result<Report> {
    let about = |name: &String| Ok((name.clone(), lab.find(name)?.about().to_owned()));
    let allocators = allocators.iter().map(about).collect::<Result<_>>()?;
    Ok(Report { baseline: baseline.into(), allocators, size, ..Report::new() })
}

/// Shows a report, with latencies if they are wanted, and writes it to files.
fn finish(mut report: Report, with_latencies: bool, outputs: &Outputs) -> Result<ExitCode> {
    report.interrupted = matrix::interrupted();
    // A terminal that takes nothing is no reason to lose the files, too.
    let shown = say(&tables::text(&report, with_latencies));
    outputs.write(&report)?;
    shown?;
    Ok(match () {
        () if report.interrupted => ExitCode::from(INTERRUPTED),
        () if !report.failures().is_empty() => ExitCode::FAILURE,
        () => ExitCode::SUCCESS,
    })
}

fn matrix(lab: &Lab, workloads: &[Workload], arguments: &args::Matrix) -> Result<ExitCode> {
    let args::Matrix { names, allocators, length, rounds, baseline, latency, outputs } = arguments;
    let plan = Plan {
        allocators: lab.choose(&allocators.names, baseline)?,
        workloads: matrix::choose(workloads, names)?,
        size: length.size(),
        rounds: usize::from(*rounds),
        baseline: baseline.clone(),
        counts: true,
        latency: *latency || outputs.html.is_some(),
    };
    outputs.check()?;
    let mut report = report(lab, &plan.allocators, baseline, plan.size)?;
    matrix::watch_for_interrupts()?;
    report.rows = plan.run(lab);
    finish(report, *latency, outputs)
}

/// `latency` and `footprint`.
fn choice(lab: &Lab, workloads: &[Workload], arguments: &args::Choice, footprint: bool) -> Result<ExitCode> {
    let args::Choice { names, allocators, length, outputs } = arguments;
    // There is nothing to be compared with; whichever comes first stands for it.
    let baseline = allocators.names.first().map_or("system", String::as_str);
    let plan = Plan {
        allocators: lab.choose(&allocators.names, baseline)?,
        workloads: matrix::choose(workloads, names)?,
        size: length.size(),
        rounds: 0,
        baseline: baseline.into(),
        counts: footprint,
        latency: !footprint,
    };
    outputs.check()?;
    let mut report = report(lab, &plan.allocators, baseline, plan.size)?;
    matrix::watch_for_interrupts()?;
    report.rows = plan.run(lab);
    finish(report, true, outputs)
}

fn record(lab: &Lab, workloads: &[Workload], arguments: &args::Record) -> Result<String> {
    let args::Record { name, output, allocator, length } = arguments;
    let workload = matrix::choose(workloads, std::slice::from_ref(name))?.remove(0);
    let argument = workload.argument(length.size());
    let note = record::to_file(lab, allocator, &workload, argument, output)?;
    let facts = replay::read(output)?;
    ensure!(facts.totals == note.totals, "the recording is not what the machine asked for: it is of no use");
    let calls = facts.totals.calls;
    Ok(format!(
        "recorded {} {argument} on {allocator}: {} calls in {}, {:.2} bytes a call, hash {:016x}\nit printed: {}\nits note is in {}\n",
        workload.name,
        count(calls as f64),
        bytes(facts.file_bytes as f64),
        facts.file_bytes as f64 / calls.max(1) as f64,
        facts.totals.hash,
        note.checksum,
        Note::path(output).display()
    ))
}

fn replay(lab: &Lab, arguments: &args::Replay) -> Result<ExitCode> {
    let args::Replay { trace, allocators, rounds, baseline, outputs } = arguments;
    let names = lab.choose(&allocators.names, baseline)?;
    let facts = replay::read(trace)?;
    outputs.check()?;
    let mut report = report(lab, &names, baseline, Size::Default)?;
    matrix::watch_for_interrupts()?;
    let plan = replay::Plan { trace, facts, allocators: &names, rounds: usize::from(*rounds), baseline };
    report.replay = Some(plan.run(lab)?);
    finish(report, true, outputs)
}

fn histogram(lab: &Lab, workloads: &[Workload], arguments: &args::Histogram) -> Result<ExitCode> {
    let args::Histogram { name, length, outputs } = arguments;
    outputs.check()?;
    let mut report = report(lab, &[], "", length.size())?;
    let is_workload = name.ends_with(".lua") || workloads.iter().any(|workload| workload.name == *name);
    report.histograms = Some(if !is_workload && Path::new(name).exists() {
        let file = File::open(name).with_context(|| format!("cannot open the trace '{name}'"))?;
        histogram::of_trace(name, BufReader::new(file)).with_context(|| format!("'{name}'"))?
    } else {
        let chosen = matrix::choose(workloads, std::slice::from_ref(name));
        let workload = chosen.with_context(|| format!("there is no trace '{name}'"))?.remove(0);
        histogram::of_workload(lab.find("system")?, &workload, workload.argument(length.size()))?
    });
    finish(report, true, outputs)
}

fn threads(lab: &Lab, workloads: &[Workload], arguments: &args::Threads) -> Result<ExitCode> {
    let args::Threads { choice, threads, rounds } = arguments;
    let args::Choice { names, allocators, length, outputs } = choice;
    let baseline = allocators.names.first().map_or("system", String::as_str);
    let chosen = lab.choose(&allocators.names, baseline)?;
    let most = threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let workloads = matrix::choose(workloads, names)?;
    outputs.check()?;
    let mut report = report(lab, &chosen, baseline, length.size())?;
    matrix::watch_for_interrupts()?;
    let plan = threads::Plan {
        allocators: &chosen,
        workloads: &workloads,
        size: length.size(),
        most,
        rounds: usize::from(*rounds),
    };
    report.threads = plan.run(lab);
    finish(report, true, outputs)
}

fn allocs(lab: &Lab) -> String {
    let mut table = table(3, &["allocator", "in bulk", "what it is"]);
    for subject in &lab.subjects {
        let in_bulk = if subject.frees_in_bulk() { "yes" } else { "no" };
        table.add_row([subject.name(), in_bulk, subject.about()]);
    }
    format!("{table}\n'in bulk': it frees all blocks at once when a state that owns it is closed\n")
}

fn list(workloads: &[Workload]) -> String {
    let mut out = String::new();
    for workload in workloads {
        let arguments = [Size::Quick, Size::Default, Size::Long].map(|size| workload.argument(size).to_string());
        let _ = writeln!(out, "{} ({})", workload.name, arguments.join(", "));
        let _ = writeln!(out, "    {}\n    stresses: {}", workload.about, workload.stresses);
    }
    out.push_str("in parentheses: the arguments for --quick, the default, and --long\n");
    out
}
