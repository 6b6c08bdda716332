//! What each command does.

use std::fs::File;
use std::io::BufReader;
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
        Command::Matrix(arguments) => matrix(&lab, &workloads, &arguments),
        Command::Record(arguments) => record(&lab, &workloads, &arguments),
        Command::Replay(arguments) => replay(&lab, &arguments),
        Command::Histogram(arguments) => histogram(&lab, &workloads, &arguments),
        Command::Latency(arguments) => choice(&lab, &workloads, &arguments, false),
        Command::Footprint(arguments) => choice(&lab, &workloads, &arguments, true),
        Command::Threads(arguments) => threads(&lab, &workloads, &arguments),
        Command::Compare(args::Compare { before, after }) => {
            print!("{}", compare::text(&Report::read(&before)?, &Report::read(&after)?)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Allocs => Ok(allocs(&lab)),
        Command::List => Ok(list(&workloads)),
        Command::Cell => cell::answer(lab).map(|()| ExitCode::SUCCESS),
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
    print!("{}", tables::text(&report, with_latencies));
    outputs.write(&report)?;
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

fn record(lab: &Lab, workloads: &[Workload], arguments: &args::Record) -> Result<ExitCode> {
    let args::Record { name, output, allocator, length } = arguments;
    let workload = matrix::choose(workloads, std::slice::from_ref(name))?.remove(0);
    let argument = workload.argument(length.size());
    let note = record::to_file(lab, allocator, &workload, argument, output)?;
    let facts = replay::read(output)?;
    ensure!(facts.totals == note.totals, "the recording is not what the machine asked for: it is of no use");
    let calls = facts.totals.calls;
    println!(
        "recorded {} {argument} on {allocator}: {} calls in {}, {:.2} bytes a call, hash {:016x}",
        workload.name,
        count(calls as f64),
        bytes(facts.file_bytes as f64),
        facts.file_bytes as f64 / calls.max(1) as f64,
        facts.totals.hash
    );
    println!(
        "it printed: {}
its note is in {}",
        note.checksum,
        Note::path(output).display()
    );
    Ok(ExitCode::SUCCESS)
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
    let args::Histogram { name, length, json } = arguments;
    let path = Path::new(name);
    let is_trace = path.is_file() && !name.ends_with(".lua");
    let histograms = if is_trace {
        let file = File::open(path).with_context(|| format!("cannot open the trace '{name}'"))?;
        histogram::of_trace(name, BufReader::new(file)).with_context(|| format!("'{name}'"))?
    } else {
        let workload = matrix::choose(workloads, std::slice::from_ref(name))?.remove(0);
        histogram::of_workload(lab.find("system")?, &workload, workload.argument(length.size()))?
    };
    print!("{}", histograms.text());
    if let Some(path) = json {
        let written = std::fs::write(path, serde_json::to_string(&histograms)?);
        written.with_context(|| format!("cannot write the JSON file '{}'", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
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

fn allocs(lab: &Lab) -> ExitCode {
    let mut table = table(3, &["allocator", "in bulk", "what it is"]);
    for subject in &lab.subjects {
        let in_bulk = if subject.frees_in_bulk() { "yes" } else { "no" };
        table.add_row([subject.name(), in_bulk, subject.about()]);
    }
    println!("{table}\n'in bulk': it frees all blocks at once when a state that owns it is closed");
    ExitCode::SUCCESS
}

fn list(workloads: &[Workload]) -> ExitCode {
    for workload in workloads {
        let arguments = [Size::Quick, Size::Default, Size::Long].map(|size| workload.argument(size).to_string());
        println!("{} ({})", workload.name, arguments.join(", "));
        println!("    {}\n    stresses: {}", workload.about, workload.stresses);
    }
    println!("in parentheses: the arguments for --quick, the default, and --long");
    ExitCode::SUCCESS
}
