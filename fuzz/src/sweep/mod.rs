//! The allocation-failure sweep: a script is run with memory failing at one request, and again at another one.
//!
//! When request *n* fails *once*, the emergency collection and the second attempt must make that invisible: the outcome is the
//! same as without a failure. When all requests *from n on* fail, the script ends in a memory error, or in success where it does
//! not need what failed. When *two* fail, so that the second attempt is in vain as well, there is an error, but memory for what
//! follows: the script goes on if it catches the error. In all cases the heap is whole, the state closes, and not one byte is
//! left; and the state had kept its side of the allocation contract.
//!
//! A script runs once, and at each request that is to fail, processes branch off in which it does: what comes before it is not
//! run again. That is only right for a script that the process is all there is to. If it has files, say, both sides would move
//! through them; such a script runs from its beginning each time, in a process of its own as well.

mod child;
mod host;
mod memory;

use std::cell::RefCell;

use perilune_vm::{LoadMode, Lua, LuaState, Status, testing};

use crate::oracle::is_clean;
use crate::reference::{self, readable};
use child::Children;
use memory::{Branch, Memory};

/// A script to sweep.
#[derive(Clone, Debug)]
pub struct Script {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub source: Vec<u8>,
}

/// Which requests fail; they are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// None.
    Never,
    /// One.
    Once(u64),
    /// One and the next, which is the second attempt.
    Twice(u64),
    /// One and all that follow.
    From(u64),
}

impl Failure {
    /// What can become of a request.
    fn all(n: u64) -> [Self; 3] {
        [Self::Once(n), Self::Twice(n), Self::From(n)]
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The status of the script; `None` if there was not even a state.
    pub status: Option<Status>,
    /// The message of the error that ended it, addresses taken out.
    pub message: String,
    /// What it printed, addresses taken out.
    pub output: String,
}

impl Outcome {
    /// Whether it ended as a script must whose memory has ended: in the error, or in one that took its place on the way out.
    pub fn is_memory_error(&self) -> bool {
        match self.status {
            None | Some(Status::ErrMem) => true,
            // An error in a message handler, or in a finalizer.
            Some(Status::ErrErr) => true,
            Some(Status::Ok) => false,
            Some(_) => self.message.contains("not enough memory"),
        }
    }
}

/// A run with what is needed to go on from it.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it came to.
    pub outcome: Outcome,
    /// How many requests there were.
    pub requests: u64,
    /// How many of them made the state itself: when one of those fails there is none.
    pub for_state: u64,
}

/// Runs the script in a state that has just been made.
fn run_in(lua: &mut LuaState, memory: &Memory<'_>, script: &Script) -> Result<Outcome, String> {
    let mut status = match host::prepare(lua) {
        Ok(()) => load(lua, script),
        Err(thrown) => {
            let status = thrown.status();
            lua.error_to_top(thrown);
            status
        }
    };
    if status == Status::Ok {
        status = lua.pcall(0, 0, 0);
    }
    let message = match status {
        Status::Ok => String::new(),
        _ => readable(lua.str_at(-1).unwrap_or(b"(no message)")),
    };
    testing::check_memory(lua);
    // After every second failure memory comes back, and the state is used again.
    if memory.refused() > 0 && memory.count().is_multiple_of(2) {
        memory.recover();
        lua.set_hook(None, 0, 0);
        lua.set_top(0).map_err(|_| "the stack cannot be emptied")?;
        // A finalizer of the script's may well raise an error.
        let _ = lua.gc_collect();
        testing::check_memory(lua);
        lua.new_table().map_err(|_| "no table although there is memory again")?;
        lua.push_str("a string that is new to the state").map_err(|_| "no string although there is memory again")?;
        lua.set_field(-2, "field").map_err(|_| "no field although there is memory again")?;
    }
    Ok(Outcome { status: Some(status), message, output: String::new() })
}

fn load(lua: &mut LuaState, script: &Script) -> Status {
    lua.load_bytes(&script.source, format!("@{}", script.name).as_bytes(), LoadMode::TEXT)
}

/// Runs a script with some requests failing, in this process.
///
/// # Errors
/// In words: the heap was not whole, bytes were left, the contract was broken.
pub fn run(script: &Script, failure: Failure) -> Result<Run, String> {
    run_with(script, &Memory::failing(failure))
}

/// Runs a script in a state with this memory.
fn run_with(script: &Script, memory: &Memory<'_>) -> Result<Run, String> {
    reference::take_output();
    let mut for_state = u64::MAX;
    let mut requests = 0;
    // The seed is fixed, so that the order of `pairs` is the same each time.
    let mut outcome = match Lua::with_seed(memory, 1) {
        Ok(mut lua) => {
            for_state = memory.count();
            let outcome = run_in(&mut lua, memory, script);
            requests = memory.count();
            outcome?
        }
        Err(_) => Outcome { status: None, message: String::new(), output: String::new() },
    };
    outcome.output = reference::take_output();
    is_clean(memory.checking())?;
    Ok(Run { outcome, requests, for_state })
}

/// Whether a script reaches for what is outside of its process. Where that leads is not seen: it is refused.
fn reaches_outside(script: &Script) -> bool {
    let Ok(mut lua) = Lua::with_seed(perilune_alloc_adapters::System, 1) else { return true };
    if host::prepare(&mut lua).and_then(|()| host::note_outside(&mut lua)).is_err() {
        return true;
    }
    if load(&mut lua, script) == Status::Ok {
        // Errors are no matter here.
        let _ = lua.pcall(0, 0, 0);
    }
    drop(lua);
    reference::take_output();
    host::was_outside()
}

/// What a sweep over one script came to.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// How many requests the script makes when none fails.
    pub requests: u64,
    /// How many runs had one failing request.
    pub once: u64,
    /// How many runs had two failing requests.
    pub twice: u64,
    /// How many runs had all requests fail from one on.
    pub from: u64,
    /// How many of those ended in a memory error.
    pub memory_errors: u64,
    /// How many of those ended well.
    pub successes: u64,
    /// How many of those ended in another error, which the script made of a memory error that it had caught.
    pub other_errors: u64,
    /// One of the other errors.
    pub other: Option<String>,
    /// What went wrong, a line each.
    pub faults: Vec<String>,
    /// Whether the script reaches outside, and so ran from its beginning each time.
    pub outside: bool,
}

impl Figures {
    fn add(&mut self, failure: Failure, verdict: Verdict) {
        let (runs, how) = match failure {
            Failure::Never => return,
            Failure::Once(n) => (&mut self.once, format!("request {n} fails once")),
            Failure::Twice(n) => (&mut self.twice, format!("requests {n} and {} fail", n + 1)),
            Failure::From(n) => (&mut self.from, format!("all requests fail from {n} on")),
        };
        *runs += 1;
        match verdict {
            Verdict::AsItMust => {}
            Verdict::MemoryError => self.memory_errors += 1,
            Verdict::Success => self.successes += 1,
            Verdict::OtherError(text) => {
                self.other_errors += 1;
                self.other.get_or_insert_with(|| format!("{how}: {text}"));
            }
            Verdict::Fault(text) => self.faults.push(format!("{how}: {text}")),
        }
    }
}

/// The requests to fail: all, or `points` evenly spread.
pub fn points(requests: u64, points: u64) -> impl Iterator<Item = u64> {
    let number = points.min(requests).max(1);
    (0..number).map(move |i| 1 + (u128::from(i) * u128::from(requests) / u128::from(number)) as u64)
}

/// The first line in which two texts differ.
fn difference(expected: &str, found: &str) -> String {
    let mut lines = expected.lines().zip(found.lines()).enumerate();
    match lines.find(|(_, (expected, found))| expected != found) {
        Some((at, (expected, found))) => format!("line {} is {found:?} instead of {expected:?}", at + 1),
        None => format!("{} lines instead of {}", found.lines().count(), expected.lines().count()),
    }
}

/// What a run with failing memory is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is as it must be.
    AsItMust,
    /// Memory had ended, and the script with it.
    MemoryError,
    /// Memory had ended, and the script did not need any more.
    Success,
    /// Memory had ended, and the script made another error of that.
    OtherError(String),
    /// Something is wrong.
    Fault(String),
}

impl Verdict {
    /// Judges a run by one without failures.
    fn of(failure: Failure, plain: &Run, result: Result<Run, String>) -> Self {
        let Run { outcome, .. } = match result {
            Ok(run) => run,
            Err(fault) => return Self::Fault(fault),
        };
        match failure {
            Failure::Never | Failure::Once(_) if outcome == plain.outcome => Self::AsItMust,
            // Before there is a state, nothing can be collected.
            Failure::Once(n) if outcome.status.is_none() && n <= plain.for_state => Self::AsItMust,
            Failure::Never | Failure::Once(_) => {
                let Outcome { status, message, output } = outcome;
                let how = match (status, &message) == (plain.outcome.status, &plain.outcome.message) {
                    true => difference(&plain.outcome.output, &output),
                    false => format!("it ends in {status:?} {message}"),
                };
                Self::Fault(how)
            }
            Failure::Twice(_) => Self::AsItMust,
            Failure::From(_) if outcome.is_memory_error() => Self::MemoryError,
            Failure::From(_) if outcome.status == Some(Status::Ok) || outcome == plain.outcome => Self::Success,
            Failure::From(_) => Self::OtherError(format!("{:?} {}", outcome.status, outcome.message)),
        }
    }

    /// A byte that says which it is, and the text.
    fn to_bytes(&self) -> Vec<u8> {
        let (byte, text) = match self {
            Self::AsItMust => (b'a', ""),
            Self::MemoryError => (b'm', ""),
            Self::Success => (b's', ""),
            Self::OtherError(text) => (b'o', &**text),
            Self::Fault(text) => (b'f', &**text),
        };
        [&[byte], text.as_bytes()].concat()
    }

    /// The reverse.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&byte, text) = bytes.split_first()?;
        let text = String::from_utf8_lossy(text).into_owned();
        match byte {
            b'a' => Some(Self::AsItMust),
            b'm' => Some(Self::MemoryError),
            b's' => Some(Self::Success),
            b'o' => Some(Self::OtherError(text)),
            b'f' => Some(Self::Fault(text)),
            _ => None,
        }
    }
}

/// Sweeps a script: each of so many requests fails once, with the next one, and with all that follow. So many processes run at
/// the same time at most, beside this one; only one if the script reaches outside.
///
/// # Errors
/// Without any failure the script does not give the same twice, or the system does not give what it takes.
pub fn sweep(script: &Script, most: u64, jobs: usize) -> Result<Figures, String> {
    let plain = run(script, Failure::Never)?;
    same(&plain, &run(script, Failure::Never)?)?;
    let outside = reaches_outside(script);
    let children = RefCell::new(Children::new(if outside { 1 } else { jobs }));
    let points = RefCell::new(points(plain.requests, most));
    // Whether this is a child then.
    let fork = |n| Failure::all(n).into_iter().any(|failure| children.borrow_mut().fork(failure));
    if outside {
        let child = points.borrow_mut().any(fork);
        if child {
            children.borrow_mut().tell(|failure| Verdict::of(failure, &plain, run(script, failure)));
        }
    } else {
        let next = || points.borrow_mut().next().unwrap_or(u64::MAX);
        let branch = |n| match fork(n) {
            true => Branch::Leave(children.borrow().failure()),
            false => Branch::Stay(next()),
        };
        let result = run_with(script, &Memory::forking(next(), &branch));
        if children.borrow().failure() != Failure::Never {
            children.borrow_mut().tell(|failure| Verdict::of(failure, &plain, result));
        }
        same(&plain, &result?)?;
    }
    let mut figures = Figures { requests: plain.requests, outside, ..Figures::default() };
    for (failure, verdict) in children.into_inner().hear_all()? {
        figures.add(failure, verdict);
    }
    Ok(figures)
}

/// That two runs without failures came to the same.
fn same(plain: &Run, again: &Run) -> Result<(), String> {
    if plain.outcome == again.outcome {
        return Ok(());
    }
    Err(format!("its output differs from run to run: {}", difference(&plain.outcome.output, &again.outcome.output)))
}
