//! The conformance kit: finds out whether an allocator keeps the allocation contract, and says in words where it does not.
//!
//! ```
//! use perilune_alloc_adapters::{System, conformance};
//!
//! conformance::check(|| System);
//! ```
//!
//! The kit calls the allocator in fixed and in random sequences, beside a model of what must come of it: every block is filled,
//! and its bytes, its alignment and its neighbours are looked at. A sequence in which something goes wrong is made as short as
//! it can be, and the report shows it:
//!
//! ```text
//! the allocation contract is broken: a resize to the same or a smaller size never fails
//!   seen: resizing a block from 24 to 8 bytes gave null
//!   after these steps, the last of which showed it:
//!     1. block 1 = a new block of kind other of 24 bytes
//!     2. other blocks are made until no more come
//!     3. block 1 is resized to 8 bytes
//! ```
//!
//! - [`check`] panics with the report, for tests; [`run`] returns it.
//! - [`check_send`] and [`run_send`] move the adapter to other threads between calls as well: for all that is `Send`.
//! - [`Kit`] has the parameters: seed, number and length of sequences, the memory that a fresh adapter is good for, and the
//!   adapter's own count of live bytes, if it has one. The same parameters give the same sequences each time.
//! - [`Kit::run_steps`] runs a sequence that comes from elsewhere, for fuzzers: [`steps`] makes one of any numbers, and
//!   [`Step::simpler`] helps to shrink it.
//!
//! `make` gives a fresh adapter by value each time; not a reference to one, since what frees in bulk is dropped.
//!
//! What the kit cannot see: whether memory runs out. A shrink, say, that needs memory fails only when there is none. So give it
//! adapters with an end, an arena of a few MiB for example; the report says whether the end was met. (A [`Limit`](crate::Limit)
//! around an adapter is no such end: it refuses before the adapter is asked, and never refuses a shrink.) And an allocator that
//! writes where it should not may bring the process down before a report is made.
//!
//! Whether memory comes back from a dropped adapter that frees in bulk is seen by the size of the process. Tools that hold freed
//! memory back must hold back little for it (`ASAN_OPTIONS=quarantine_size_mb=4`).

mod model;
mod rule;
mod sequence;
mod shrink;
mod whole;

use std::fmt;
use std::thread;

use perilune_core::LuaAlloc;

use model::{Fault, Figures, Run, Settings};
pub use rule::Rule;
pub use sequence::{Step, steps};
pub use whole::BulkCheck;

/// How often sequences are run again to make a failing one shorter.
const SHRINK_TRIES: usize = 2000;

/// A rule that an adapter breaks, and how. The `Display` form is a report of a few lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// What was seen.
    pub seen: String,
    /// The shortest sequence that was found, a step a line.
    pub steps: Vec<String>,
    /// The seed of the random sequences.
    pub seed: u64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the allocation contract is broken: {}", self.rule)?;
        writeln!(f, "  seen: {}", self.seen)?;
        write!(f, "  after these steps, the last of which showed it:")?;
        for (at, step) in self.steps.iter().enumerate() {
            write!(f, "\n  {:>3}. {step}", at + 1)?;
        }
        Ok(())
    }
}

impl std::error::Error for Broken {}

/// What a kit did, when nothing was wrong. The `Display` form says it in a few lines, with what could not be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many sequences were run.
    pub sequences: usize,
    /// How many calls there were.
    pub operations: u64,
    /// How many requests of possible sizes were refused.
    pub refused: u64,
    /// How often the adapter was filled until nothing more came.
    pub filled: u64,
    /// How often the adapter went to another thread.
    pub hops: u64,
    /// What was found out about freeing in bulk.
    pub bulk: BulkCheck,
    /// The seed of the random sequences.
    pub seed: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequences, operations, refused, filled, hops, bulk, seed } = self;
        writeln!(f, "the contract was kept by {operations} calls in {sequences} sequences (seed {seed})")?;
        match filled {
            0 => writeln!(f, "  memory never ran out, so shrinking and freeing without memory were not tried")?,
            _ => writeln!(f, "  memory ran out {filled} times, and {refused} requests were refused")?,
        }
        match hops {
            0 => writeln!(f, "  it stayed in its thread")?,
            _ => writeln!(f, "  it went to another thread {hops} times")?,
        }
        match bulk {
            BulkCheck::NotClaimed => write!(f, "  it does not free in bulk"),
            BulkCheck::Came { bytes } => write!(f, "  {} MiB came back from dropped adapters", bytes >> 20),
            BulkCheck::NotMeasured => write!(f, "  whether it frees in bulk, as it says, cannot be measured here"),
        }
    }
}

/// Runs the kit with its usual parameters.
///
/// # Errors
/// The first rule that is broken.
pub fn run<A: LuaAlloc>(make: impl Fn() -> A) -> Result<Report, Broken> {
    Kit::new(make).run()
}

/// The same, with moves to other threads between calls.
///
/// # Errors
/// The first rule that is broken.
pub fn run_send<A: LuaAlloc + Send>(make: impl Fn() -> A) -> Result<Report, Broken> {
    Kit::new(make).sends().run()
}

/// Runs the kit with its usual parameters.
///
/// # Panics
/// A rule is broken; the message says which and how.
#[track_caller]
pub fn check<A: LuaAlloc>(make: impl Fn() -> A) -> Report {
    Kit::new(make).check()
}

/// The same, with moves to other threads between calls.
///
/// # Panics
/// A rule is broken; the message says which and how.
#[track_caller]
pub fn check_send<A: LuaAlloc + Send>(make: impl Fn() -> A) -> Report {
    Kit::new(make).sends().check()
}

/// Runs a stretch of steps, here or in another thread.
type Stretch<A> = fn(&mut Run<A>, &[Step], bool, &Settings<A>) -> Result<(), (usize, Fault)>;

/// In this thread.
fn here<A: LuaAlloc>(
    run: &mut Run<A>,
    steps: &[Step],
    careful: bool,
    settings: &Settings<A>,
) -> Result<(), (usize, Fault)> {
    run.steps(steps, careful, settings)
}

/// In a thread that is gone afterwards.
fn elsewhere<A: LuaAlloc + Send>(
    run: &mut Run<A>,
    steps: &[Step],
    careful: bool,
    settings: &Settings<A>,
) -> Result<(), (usize, Fault)> {
    let joined = thread::scope(|scope| scope.spawn(|| run.steps(steps, careful, settings)).join());
    joined.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// The kit with its parameters.
///
/// ```
/// use perilune_alloc_adapters::conformance::Kit;
/// use perilune_alloc_adapters::{Limit, System};
///
/// // A million bytes, and the adapter's own count is looked at after each call.
/// let kit = Kit::new(|| Limit::new(System, 1_000_000)).budget(200_000).live_bytes(|limit| limit.used());
/// let report = kit.seed(7).sequences(50).sends().check();
/// assert!(report.filled > 0);
/// ```
pub struct Kit<'a, A> {
    make: Box<dyn Fn() -> A + 'a>,
    seed: u64,
    sequences: usize,
    length: usize,
    elsewhere: Option<Stretch<A>>,
    settings: Settings<A>,
}

impl<'a, A: LuaAlloc> Kit<'a, A> {
    /// A kit for the adapters that a function makes, with 300 random sequences of 60 steps.
    pub fn new(make: impl Fn() -> A + 'a) -> Self {
        Self {
            make: Box::new(make),
            seed: 1,
            sequences: 300,
            length: 60,
            elsewhere: None,
            settings: Settings { budget: 512 << 10, live_bytes: None, pattern: model::pattern() },
        }
    }

    /// The seed of the random sequences; 1 if nobody says.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many random sequences are run, after the fixed ones.
    #[must_use]
    pub fn sequences(mut self, number: usize) -> Self {
        self.sequences = number;
        self
    }

    /// How many steps a random sequence has.
    #[must_use]
    pub fn length(mut self, steps: usize) -> Self {
        self.length = steps.max(1);
        self
    }

    /// How many bytes a fresh adapter can give even if nothing is ever freed, 16 more for each request included. As long as
    /// less has been asked for, a refused request is a fault. If nobody says, it is 512 KiB.
    #[must_use]
    pub fn budget(mut self, bytes: usize) -> Self {
        self.settings.budget = bytes;
        self
    }

    /// How to read the sum of the sizes of all live blocks off an adapter that counts them: it is compared after each call.
    #[must_use]
    pub fn live_bytes(mut self, read: fn(&A) -> usize) -> Self {
        self.settings.live_bytes = Some(read);
        self
    }

    /// Moves the adapter to other threads between calls.
    #[must_use]
    pub fn sends(mut self) -> Self
    where
        A: Send,
    {
        self.elsewhere = Some(elsewhere);
        self
    }

    /// Runs everything.
    ///
    /// # Panics
    /// A rule is broken; the message says which and how.
    #[track_caller]
    pub fn check(&self) -> Report {
        match self.run() {
            Ok(report) => report,
            Err(broken) => panic!("{broken}"),
        }
    }

    /// Runs everything.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn run(&self) -> Result<Report, Broken> {
        let threads = self.elsewhere.is_some();
        let fixed = sequence::fixed(threads);
        let mut report = Report {
            sequences: fixed.len() + self.sequences,
            operations: 0,
            refused: 0,
            filled: 0,
            hops: 0,
            bulk: BulkCheck::NotClaimed,
            seed: self.seed,
        };
        let random = (0..self.sequences as u64).map(|number| sequence::random(self.seed, number, self.length, threads));
        for (number, steps) in fixed.into_iter().chain(random).enumerate() {
            let (result, figures) = self.execute(&steps, false, number % 2 == 1);
            if result.is_err() {
                return Err(self.explain(steps));
            }
            report.operations += figures.operations;
            report.refused += figures.refused;
            report.filled += figures.filled;
            report.hops += figures.hops;
        }
        let told = |(rule, seen, steps)| Broken { rule, seen, steps, seed: self.seed };
        whole::twins(&self.make).map_err(told)?;
        report.bulk = whole::bulk(&self.make, self.settings.budget).map_err(told)?;
        Ok(report)
    }

    /// Runs one sequence, twice: if the adapter frees in bulk, blocks are left to it the second time. It is not made shorter.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn run_steps(&self, steps: &[Step]) -> Result<(), Broken> {
        for leave in [false, true] {
            if let Err((done, fault)) = self.execute(steps, true, leave).0 {
                let steps = sequence::in_words(&steps[..done.min(steps.len())]);
                return Err(Broken { rule: fault.rule, seen: fault.what, steps, seed: self.seed });
            }
        }
        Ok(())
    }

    /// Runs a sequence on a fresh adapter. On a fault, the number of steps that were done comes with it; all of them, if it was
    /// seen at the end.
    fn execute(&self, steps: &[Step], careful: bool, leave: bool) -> (Result<(), (usize, Fault)>, Figures) {
        let mut run = Run::new((self.make)());
        let mut done = 0;
        let mut result = Ok(());
        for (number, stretch) in steps.split_inclusive(|step| *step == Step::MoveThread).enumerate() {
            let runs = if number == 0 { here } else { self.elsewhere.unwrap_or(here) };
            run.figures.hops += (number > 0) as u64;
            result = runs(&mut run, stretch, careful, &self.settings).map_err(|(at, fault)| (done + at, fault));
            if result.is_err() {
                break;
            }
            done += stretch.len();
        }
        if result.is_ok() {
            result = run.finish(leave, &self.settings).map_err(|fault| (steps.len(), fault));
        }
        let figures = run.figures;
        match result {
            Ok(()) => (run.close().map_err(|fault| (steps.len(), fault)), figures),
            Err(_) => {
                run.abandon(&self.settings);
                (result, figures)
            }
        }
    }

    /// The report on a sequence in which something went wrong.
    fn explain(&self, mut steps: Vec<Step>) -> Broken {
        // With care the fault is seen earlier, perhaps, and as what it is. Blocks left to the adapter may matter, or not.
        let fails = |steps: &[Step]| {
            let found = |leave| self.execute(steps, true, leave).0.err();
            found(false).or_else(|| found(true))
        };
        let Some((done, first)) = fails(&steps) else {
            let seen = "a sequence went wrong, but not when it was run again".to_owned();
            return Broken { rule: Rule::Independent, seen, steps: sequence::in_words(&steps), seed: self.seed };
        };
        steps.truncate(done);
        let steps = shrink::shrink(steps, SHRINK_TRIES, |steps| {
            fails(steps).is_some_and(|(_, fault)| fault.rule == first.rule)
        });
        let fault = fails(&steps).map_or(first, |(_, fault)| fault);
        let rule = shrink::blame(&steps, fault.rule);
        Broken { rule, seen: fault.what, steps: sequence::in_words(&steps), seed: self.seed }
    }
}

impl<A> fmt::Debug for Kit<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit")
            .field("seed", &self.seed)
            .field("sequences", &self.sequences)
            .field("length", &self.length)
            .field("budget", &self.settings.budget)
            .finish_non_exhaustive()
    }
}
