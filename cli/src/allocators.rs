//! The allocators that `--alloc` names, and what goes around them: the limit and the counters.

use std::cell::Cell;
use std::process::ExitCode;

#[cfg(unix)]
use perilune_alloc_adapters::Libc;
use perilune_alloc_adapters::{
    Bump, BumpFreeList, Counting, LuaAlloc, Mimalloc, MimallocShared, Slab, Stats, System, UpBump,
};
#[cfg(feature = "lproc")]
use perilune_stdlib::lproc::Settings;
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
    /// Lets processes have it, if it may be used on another thread than the one that made it.
    #[cfg(feature = "lproc")]
    pub offer: fn(Settings, &str) -> Settings,
    /// The name of the allocator that processes have by default when the program has this one.
    pub for_processes: &'static str,
}

/// A row of the table: name, what it is, how it is made. One that is bound to a thread also names the one that processes get.
macro_rules! allocator {
    ($name:literal, $about:literal, $make:expr) => {
        Allocator {
            name: $name,
            about: $about,
            start: |program| start_on($make, program),
            #[cfg(feature = "lproc")]
            offer: |settings, name| settings.allocator(name, || $make),
            for_processes: $name,
        }
    };
    ($name:literal, $about:literal, $make:expr, processes: $other:literal) => {
        Allocator {
            name: $name,
            about: $about,
            start: |program| start_on($make, program),
            #[cfg(feature = "lproc")]
            offer: |settings, _| settings,
            for_processes: $other,
        }
    };
}

/// The allocators; the first one is the default.
pub const ALLOCATORS: &[Allocator] = &[
    allocator!(
        "slab",
        "size classes for objects, the platform's allocator for large blocks (the default)",
        Slab::new()
    ),
    allocator!("system", "the allocator of the platform, as Rust calls it", System),
    #[cfg(unix)]
    allocator!("libc", "the allocator of the platform: malloc, realloc, free", Libc),
    allocator!("mimalloc", "mimalloc, with a heap for the state, which is freed whole", Mimalloc::new(), processes: "mimalloc-shared"),
    allocator!("mimalloc-shared", "mimalloc, with its heap for all", MimallocShared),
    #[cfg(feature = "jemalloc")]
    allocator!("jemalloc", "jemalloc", perilune_alloc_adapters::Jemalloc),
    #[cfg(feature = "snmalloc")]
    allocator!("snmalloc", "snmalloc", perilune_alloc_adapters::Snmalloc),
    allocator!("bump", "an arena that reuses nothing before the state is closed", Bump::new()),
    allocator!("bump-free-list", "an arena that reuses blocks by their size", BumpFreeList::new()),
    allocator!("up-bump", "an arena whose last block grows where it is; reuses nothing else", UpBump::new()),
];

/// The allocator of a name.
pub fn find(name: &[u8]) -> Result<&'static Allocator, Mistake> {
    ALLOCATORS.iter().find(|allocator| allocator.name.as_bytes() == name).ok_or_else(|| {
        let names: Vec<&str> = ALLOCATORS.iter().map(|allocator| allocator.name).collect();
        [b"unknown allocator '", name, b"' (there are: ", names.join(", ").as_bytes(), b")"].concat()
    })
}

/// The allocators as a text, one a line.
pub fn table() -> String {
    let row = |allocator: &Allocator| {
        let Allocator { name, about, for_processes, .. } = allocator;
        if name == for_processes {
            format!("{name:<15} {about}\n")
        } else {
            format!("{name:<15} {about} (not for processes: these get {for_processes})\n")
        }
    };
    ALLOCATORS.iter().map(row).collect()
}

/// Runs the program on the allocator that its options name.
pub fn start(program: &Program) -> ExitCode {
    (program.options.allocator.start)(program)
}

/// Puts an allocator under the limit that the options set.
#[cfg(not(feature = "lproc"))]
fn limited<A: LuaAlloc>(allocator: A, program: &Program) -> impl LuaAlloc + use<A> {
    perilune_alloc_adapters::Limit::new(allocator, program.options.memory_limit.unwrap_or(usize::MAX))
}

/// Puts an allocator under the limit that the options set, together with those of processes.
#[cfg(feature = "lproc")]
fn limited<A: LuaAlloc>(allocator: A, program: &Program) -> impl LuaAlloc + use<A> {
    program.budget.wrap(allocator)
}

/// Puts the instruments that the options ask for around an allocator, and runs the program.
fn start_on<A: LuaAlloc + 'static>(allocator: A, program: &Program) -> ExitCode {
    if program.options.allocation_stats {
        // The counters live as long as the process, because `os.exit` ends it from within the state.
        let memory: &Counting<_> = Box::leak(Box::new(Counting::new(limited(allocator, program))));
        show_at_exit(program.options.allocator.name, memory);
        program.run(memory)
    } else if program.options.memory_limit.is_some() {
        program.run(limited(allocator, program))
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
