//! Running interpreters, each run in a process of its own, and what each run took.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use crate::interpreter::Interpreter;

/// One thing that every interpreter does.
pub struct Job {
    /// How tables name it; the first letter of a program's name is its group.
    pub name: String,
    /// The arguments with which interpreters are called.
    pub arguments: Vec<String>,
}

/// What one run took.
#[derive(Clone, Copy)]
pub struct Sample {
    /// Seconds of processor time, the system's included.
    pub processor: f64,
    /// Seconds from begin to end.
    pub elapsed: f64,
    /// The largest resident memory, in KiB.
    pub peak_kib: f64,
}

/// All runs of one job by one interpreter.
#[derive(Default)]
pub struct Cell {
    /// What each round gave.
    pub samples: Vec<Option<Sample>>,
    /// Why it is not to be compared.
    pub failure: Option<String>,
}

/// How everything is run.
pub struct Plan<'a> {
    /// How often.
    pub rounds: usize,
    /// On which core.
    pub core: usize,
    /// In which folder.
    pub folder: &'a Path,
}

/// Binds this process, and so those that it starts, to a core.
fn pin(core: usize) -> Result<(), String> {
    // SAFETY: a set of cores is plain data, of which nothing is a set without cores; both calls get that local.
    let result = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if core >= libc::CPU_SETSIZE as usize {
            return Err(format!("there is no core {core}"));
        }
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    if result == 0 { Ok(()) } else { Err(format!("cannot use core {core}: {}", std::io::Error::last_os_error())) }
}

/// Runs a job once: what it took, and what it printed, blanks made equal; or why it failed.
fn run(interpreter: &Interpreter, job: &Job, folder: &Path) -> Result<Result<(Sample, String), String>, String> {
    let problem = |error: std::io::Error| format!("cannot run {}: {error}", interpreter.label);
    let (mut output, pipe) = std::io::pipe().map_err(problem)?;
    let mut command = Command::new(&interpreter.command[0]);
    command.args(&interpreter.command[1..]).args(&job.arguments).current_dir(folder).stdin(Stdio::null());
    command.env_remove("LUA_INIT").env_remove("LUA_INIT_5_3").env_remove("LUA_INIT_5_4").env_remove("LUA_INIT_5_5");
    command.stdout(pipe.try_clone().map_err(problem)?).stderr(pipe);
    let begin = Instant::now();
    let child = command.spawn().map_err(problem)?;
    // The command has ends of the pipe, which would keep it from coming to its end.
    drop(command);
    let mut text = Vec::new();
    output.read_to_end(&mut text).map_err(problem)?;
    let mut status = 0;
    // SAFETY: the child is ours and was not waited for; both pointers are to locals, and usage is plain data.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        if libc::wait4(child.id() as i32, &mut status, 0, &mut usage) < 0 {
            return Err(problem(std::io::Error::last_os_error()));
        }
        usage
    };
    let elapsed = begin.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&text);
    let status = ExitStatus::from_raw(status);
    if !status.success() {
        return Ok(Err(format!("{status}: {}", text.lines().next().unwrap_or("no message"))));
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    let sample = Sample {
        processor: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        elapsed,
        peak_kib: usage.ru_maxrss as f64,
    };
    Ok(Ok((sample, text.split_whitespace().collect::<Vec<_>>().join(" "))))
}

/// Runs every job by every interpreter, of which the second is the reference, in an order that is reversed each other round;
/// `cells[job][interpreter]`. Who fails once, or prints something else than the reference, is not run again.
pub fn measure(interpreters: &[Interpreter], jobs: &[Job], plan: &Plan<'_>) -> Result<Vec<Vec<Cell>>, String> {
    pin(plan.core)?;
    let row = || interpreters.iter().map(|_| Cell::default()).collect();
    let mut cells: Vec<Vec<Cell>> = jobs.iter().map(|_| row()).collect();
    for round in 0..plan.rounds {
        if plan.rounds < 50 {
            eprintln!("round {} of {}", round + 1, plan.rounds);
        }
        for (job, row) in jobs.iter().zip(&mut cells) {
            let mut order: Vec<usize> = (0..interpreters.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            let mut printed = vec![None; interpreters.len()];
            for i in order {
                let cell = &mut row[i];
                if cell.failure.is_some() {
                    cell.samples.push(None);
                    continue;
                }
                let sample = match run(&interpreters[i], job, plan.folder)? {
                    Ok((sample, text)) => {
                        printed[i] = Some(text);
                        Some(sample)
                    }
                    Err(why) => {
                        cell.failure = Some(why);
                        None
                    }
                };
                cell.samples.push(sample);
            }
            disagree(row, &printed);
        }
    }
    Ok(cells)
}

/// Notes who printed something else than the reference.
fn disagree(row: &mut [Cell], printed: &[Option<String>]) {
    let Some(Some(wanted)) = printed.get(1) else { return };
    for (cell, text) in row.iter_mut().zip(printed) {
        if let Some(text) = text
            && text != wanted
        {
            let begin = |text: &str| text.chars().take(60).collect::<String>();
            cell.failure = Some(format!("it printed '{}' instead of '{}'", begin(text), begin(wanted)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Job, Plan, measure};
    use crate::interpreter::Interpreter;

    fn shell(script: &str) -> Interpreter {
        let command = ["/bin/sh", "-c", script].map(str::to_string).to_vec();
        Interpreter { label: script.to_string(), command, version: String::new() }
    }

    #[test]
    fn who_fails_or_disagrees_is_told() {
        let interpreters =
            [shell("echo 'a  b'"), shell("echo a; echo b"), shell("echo c"), shell("echo no >&2; exit 3")];
        let jobs = [Job { name: "job".to_string(), arguments: Vec::new() }];
        let plan = Plan { rounds: 3, core: 0, folder: std::path::Path::new("/") };
        let cells = measure(&interpreters, &jobs, &plan).unwrap();
        let failures: Vec<Option<&str>> = cells[0].iter().map(|cell| cell.failure.as_deref()).collect();
        assert_eq!(failures[..2], [None, None]);
        assert_eq!(failures[2], Some("it printed 'c' instead of 'a b'"));
        assert_eq!(failures[3], Some("exit status: 3: no"));
        let counts: Vec<usize> = cells[0].iter().map(|cell| cell.samples.iter().flatten().count()).collect();
        assert_eq!(counts, [3, 3, 1, 0]);
        assert!(cells[0].iter().all(|cell| cell.samples.len() == 3));
        let sample = cells[0][0].samples[0].unwrap();
        assert!(sample.elapsed > 0.0 && sample.peak_kib > 0.0 && sample.processor >= 0.0);
    }
}
