//! The allocator lab: an answer, in a minute, about an allocator under a language runtime.
//!
//! The program `perilune-lab` is [`Lab::main`] with the project's allocators; one with yours as well is a few lines (the example
//! `my_allocator`). What its commands are for is told by `--help` and in `bench/README.md`.
//!
//! # Design
//! ```text
//!  args ──► commands: matrix, latency, footprint, threads, replay, record, histogram, compare
//!                 │ a Spec for each measurement, as JSON                 ▲ Outcomes
//!                 ▼                                                      │
//!          cell: this program again, as a process for one measurement ───┘
//!                 │
//!     host (a state, the workload) ──► instrument or nothing ──► subject (an allocator)
//! ```
//! - **One measurement, one process** (`cell`). None finds memory that another one has touched; an allocator that crashes takes
//!   its own cell along. The child answers with JSON, so the parent does nothing but decide what is next, and add up.
//! - **What is timed has no instrument around it.** Times, resident memory and page faults are of the allocator alone, called
//!   through the same pair as in any program. Counts, latencies and samples come from runs of their own.
//! - **Turns**. Allocators run as A B C, C B A, ...; a ratio is one of runs of the same pass. The interval of its median is one of
//!   order statistics, which assumes nothing about the distribution (`stats`); a control without allocations shows the noise.
//! - **One report** (`report`): whatever a command measures goes into the same structure, from which the terminal's tables, JSON,
//!   CSV and the page are made; so `compare` and the page never run anything.
//! - **Workloads are files** (`workload`), built in at compile time from the folder, with more from the user's folder.
//! - **Recordings** are those of the instrument `Tracing`, replayed in batches of bounded memory (`replay`); a hash over all calls
//!   (`audit`) tells that a replay did exactly what was recorded.

mod args;
mod audit;
mod cell;
mod commands;
mod compare;
mod histogram;
mod host;
mod html;
mod matrix;
mod os;
mod plots;
mod record;
mod replay;
mod report;
mod rows;
mod sampler;
mod stats;
mod subject;
mod tables;
mod threads;
mod units;
mod workload;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use clap::{CommandFactory, Parser};
use perilune_alloc_adapters::LuaAlloc;

use self::args::Arguments;
use self::cell::{Kind, Spec};
use self::subject::Subject;
use self::workload::Workload;

/// A lab with its allocators.
#[derive(Clone)]
pub struct Lab {
    subjects: Vec<Arc<dyn Subject>>,
    libraries: Vec<String>,
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Lab {
    /// The lab with the project's allocators.
    pub fn new() -> Self {
        Self { subjects: subject::known(), libraries: Vec::new() }
    }

    /// Adds an allocator: its name on the command line, what it is in a few words, and how one is made. It is made anew for each
    /// state, on the state's thread. One of the same name is replaced.
    ///
    /// What implements `GlobalAlloc` comes in through `Global`: `lab.add("mine", "…", || Global::new(&MINE))`.
    #[must_use]
    pub fn add<A, F>(self, name: &str, about: &str, make: F) -> Self
    where
        A: LuaAlloc + 'static,
        F: Fn() -> A + Send + Sync + 'static,
    {
        self.add_with_reserved(name, about, make, |_| None)
    }

    /// Adds an allocator that can tell how many bytes it has taken from the system, or `None` if it does not know.
    #[must_use]
    pub fn add_with_reserved<A, F>(self, name: &str, about: &str, make: F, reserved: fn(&A) -> Option<usize>) -> Self
    where
        A: LuaAlloc + 'static,
        F: Fn() -> A + Send + Sync + 'static,
    {
        self.with(subject::typed(name, about, make, reserved))
    }

    /// Does what the command line says. The process must be the lab's alone: it runs its own program again for each measurement.
    pub fn main(self) -> ExitCode {
        self.run(std::env::args_os())
    }

    /// Does what arguments say, the first of which is the program's name.
    fn run(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        if arguments.len() < 2 {
            return match Arguments::command().print_long_help() {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            };
        }
        let arguments = Arguments::parse_from(arguments);
        match commands::run(self, arguments) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("perilune-lab: {error:#}");
                ExitCode::FAILURE
            }
        }
    }

    /// Adds an allocator, in front if it is new: what somebody adds is what they want to see.
    fn with(mut self, subject: Arc<dyn Subject>) -> Self {
        self.subjects.retain(|other| other.name() != subject.name());
        self.subjects.insert(0, subject);
        self
    }

    /// Adds the allocators of shared libraries.
    fn with_libraries(mut self, libraries: &[String]) -> Result<Self> {
        for text in libraries {
            self = self.with(subject::from_library(text)?);
            self.libraries.push(text.clone());
        }
        Ok(self)
    }

    /// The allocator of a name.
    fn find(&self, name: &str) -> Result<&dyn Subject> {
        match self.subjects.iter().find(|subject| subject.name() == name) {
            Some(subject) => Ok(&**subject),
            None => bail!("unknown allocator '{name}' (there are: {})", self.names().join(", ")),
        }
    }

    /// The names of all allocators.
    fn names(&self) -> Vec<&str> {
        self.subjects.iter().map(|subject| subject.name()).collect()
    }

    /// The allocators that names mean, all without any; the baseline is among them.
    fn choose(&self, names: &[String], baseline: &str) -> Result<Vec<String>> {
        self.find(baseline)?;
        let mut chosen: Vec<String> = Vec::new();
        for name in names {
            self.find(name)?;
            ensure!(!chosen.contains(name), "the allocator '{name}' is named twice");
            chosen.push(name.clone());
        }
        if names.is_empty() {
            chosen = self.names().into_iter().map(String::from).collect();
        }
        if !chosen.iter().any(|name| name == baseline) {
            chosen.insert(0, baseline.to_owned());
        }
        Ok(chosen)
    }

    /// A measurement to be made.
    fn spec(&self, allocator: &str, kind: Kind, workload: Option<(Workload, u64)>) -> Spec {
        Spec { kind, allocator: allocator.into(), libraries: self.libraries.clone(), workload }
    }
}
