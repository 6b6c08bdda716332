//! The allocators that `--alloc` names, and what goes around them: the limit and the counters.

use std::cell::Cell;
use std::process::ExitCode;

use perilune_alloc_adapters::{Counting, Limit, LuaAlloc, Stats, System};
use perilune_stdlib::stdio::write_stderr;

use crate::args::Mistake;
use crate::script::Program;

/// An allocator that the user can choose.
pub struct Allocator {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a few words.
    about: &'static str,
    /// Runs the program on it.
    start: fn(&Program) -> ExitCode,
}

/// The allocators; the first one is the default.
pub const ALLOCATORS: &[Allocator] =
    &[Allocator { name: "system", about: "the allocator of the platform", start: |program| start_on(System, program) }];

/// The allocator of a name.
pub fn find(name: &[u8]) -> Result<&'static Allocator, Mistake> {
    ALLOCATORS.iter().find(|allocator| allocator.name.as_bytes() == name).ok_or_else(|| {
        let names: Vec<&str> = ALLOCATORS.iter().map(|allocator| allocator.name).collect();
        [b"unknown allocator '", name, b"' (there are: ", names.join(", ").as_bytes(), b")"].concat()
    })
}

/// The allocators as a text, one a line.
pub fn table() -> String {
    ALLOCATORS.iter().map(|allocator| format!("{:<10} {}\n", allocator.name, allocator.about)).collect()
}

/// Runs the program on the allocator that its options name.
pub fn start(program: &Program) -> ExitCode {
    (program.options.allocator.start)(program)
}

/// Puts the instruments that the options ask for around an allocator, and runs the program.
fn start_on<A: LuaAlloc + 'static>(allocator: A, program: &Program) -> ExitCode {
    let limit = program.options.memory_limit;
    if program.options.allocation_stats {
        // The counters live as long as the process, because `os.exit` ends it from within the state.
        let memory: &Counting<_> =
            Box::leak(Box::new(Counting::new(Limit::new(allocator, limit.unwrap_or(usize::MAX)))));
        show_at_exit(program.options.allocator.name, memory);
        program.run(memory)
    } else if let Some(limit) = limit {
        program.run(Limit::new(allocator, limit))
    } else {
        program.run(allocator)
    }
}

/// Something whose counters can be read.
trait Source {
    fn stats(&self) -> Stats;
}

impl<A: LuaAlloc> Source for Counting<A> {
    fn stats(&self) -> Stats {
        Counting::stats(self)
    }
}

thread_local! {
    /// What is shown when the process ends.
    static SHOWN: Cell<Option<(&'static str, &'static dyn Source)>> = const { Cell::new(None) };
}

/// Has the counters written to standard error when the process ends, in whichever way it does so by itself.
fn show_at_exit(name: &'static str, source: &'static dyn Source) {
    extern "C" fn show() {
        if let Some((name, source)) = SHOWN.get() {
            write_stderr(format!("allocator {name}\n{}", source.stats()).as_bytes());
        }
    }
    SHOWN.set(Some((name, source)));
    // SAFETY: the function is of the expected type and does not unwind; without room for it there is no report.
    unsafe { libc::atexit(show) };
}
