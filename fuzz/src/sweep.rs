//! The allocation-failure sweep: a script is run again and again, each time with memory failing at another request.
//!
//! When request *n* fails *once*, the emergency collection and the second attempt must make that invisible: the outcome is the
//! same as without a failure. When all requests *from n on* fail, the script ends in a memory error, or in success where it does
//! not need what failed. When *two* fail, so that the second attempt is in vain as well, there is an error, but memory for what
//! follows: the script goes on if it catches the error. In all cases the heap is whole, the state closes, and not one byte is left; and the state had kept its
//! side of the allocation contract.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use perilune_alloc_adapters::{Checking, Counting, FailAfter, FailOnce, System};
use perilune_vm::{HookEvent, Interrupter, LoadMode, Lua, LuaResult, LuaState, Status, testing};

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

/// What refuses: what the outer one refuses, the inner ones do not see.
type Memory = FailOnce<FailOnce<FailAfter<Counting<Checking<System>>>>>;

/// How many requests were refused.
fn refused(memory: &Memory) -> u64 {
    memory.refused() + memory.inner().refused() + memory.inner().inner().refused()
}

thread_local! {
    /// What the script of this thread has printed. It is the host's memory, as a terminal's would be.
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// `print (···)`, without the lookup of `tostring`.
fn print(lua: &mut LuaState) -> LuaResult<usize> {
    write_all(lua, b"\t")?;
    OUTPUT.with_borrow_mut(|output| output.push(b'\n'));
    Ok(0)
}

/// `io.write (···)`
fn write(lua: &mut LuaState) -> LuaResult<usize> {
    write_all(lua, b"")?;
    lua.get_global("io")?;
    lua.get_field(-1, "stdout")?;
    Ok(1)
}

/// Writes all arguments.
fn write_all(lua: &mut LuaState, between: &[u8]) -> LuaResult<()> {
    for arg in 1..=lua.get_top() {
        lua.push_tostring(arg)?;
        OUTPUT.with_borrow_mut(|output| {
            output.extend(if arg > 1 { between } else { b"" });
            output.extend(lua.str_at(-1).unwrap_or_default());
        });
        lua.pop(1);
    }
    Ok(())
}

/// Does nothing.
fn ignore(_: &mut LuaState) -> LuaResult<usize> {
    Ok(0)
}

/// The time, which stands still.
fn zero(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_integer(0)?;
    Ok(1)
}

/// Opens the libraries, and defines what takes the output, a time that stands still, and the variables that make the official
/// suite soft.
fn prepare(lua: &mut LuaState) -> LuaResult<()> {
    perilune_stdlib::open_libs(lua)?;
    perilune_stdlib::preload_socket(lua)?;
    lua.register("print", print)?;
    lua.register("Message", ignore)?;
    lua.get_global("io")?;
    lua.push_native(write)?;
    lua.set_field(-2, "write")?;
    // Scripts print times and random numbers.
    lua.get_global("os")?;
    for name in ["clock", "time"] {
        lua.push_native(zero)?;
        lua.set_field(-2, name)?;
    }
    lua.get_global("math")?;
    lua.get_field(-1, "randomseed")?;
    lua.push_integer(1)?;
    lua.call(1, 0)?;
    for name in ["_soft", "_port", "_nomsg"] {
        lua.push_boolean(true)?;
        lua.set_global(name)?;
    }
    lua.set_top(0)
}

/// A text without what differs from run to run: the digits of addresses.
fn without_addresses(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut parts = text.split("0x");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str("0x");
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        // Short ones are numbers.
        result.push_str(if digits > 6 { "…" } else { &part[..digits] });
        result.push_str(&part[digits..]);
    }
    result
}

/// Interrupts a script that runs too long, and goes on doing so.
pub struct Watchdog(Arc<Mutex<Watched>>);

#[derive(Default)]
struct Watched {
    state: Option<(Interrupter, Instant)>,
    /// Whether the script has been interrupted.
    interrupted: bool,
    /// Whether the thread is to end.
    over: bool,
}

/// The hook that ends an interrupted script.
fn stop(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    lua.set_hook(None, 0, 0);
    Err(lua.raise(format_args!("interrupted!")))
}

impl Watchdog {
    /// Starts its thread.
    pub fn new() -> Self {
        let watched = Arc::new(Mutex::new(Watched::default()));
        let shared = Arc::clone(&watched);
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_millis(50));
                let mut watched = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if watched.over {
                    break;
                }
                if let Some((interrupter, deadline)) = watched.state
                    && deadline < Instant::now()
                {
                    watched.interrupted = true;
                    // SAFETY: the state is taken out, under the lock, before it closes.
                    unsafe { interrupter.interrupt(stop) };
                }
            }
        });
        Self(watched)
    }

    /// Runs a call, and interrupts it after a time; whether it had to comes with the result.
    fn watch<R>(&self, lua: &mut LuaState, time: Duration, call: impl FnOnce(&mut LuaState) -> R) -> (R, bool) {
        let set = |state| {
            let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            watched.state = state;
            std::mem::take(&mut watched.interrupted)
        };
        set(Some((lua.interrupter(), Instant::now() + time)));
        let result = call(lua);
        (result, set(None))
    }
}

impl Default for Watchdog {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).over = true;
    }
}

/// How long a script may take.
const TIME: Duration = Duration::from_secs(60);

/// Runs the script in a state that has just been made.
fn run_in(lua: &mut LuaState, memory: &Memory, script: &Script, watchdog: &Watchdog) -> Result<Outcome, String> {
    let mut status = match prepare(lua) {
        Ok(()) => lua.load_bytes(&script.source, format!("@{}", script.name).as_bytes(), LoadMode::TEXT),
        Err(thrown) => {
            let status = thrown.status();
            lua.error_to_top(thrown);
            status
        }
    };
    if status == Status::Ok {
        let (ended, interrupted) = watchdog.watch(lua, TIME, |lua| lua.pcall(0, 0, 0));
        if interrupted {
            return Err(format!("it did not end within {} s", TIME.as_secs()));
        }
        status = ended;
    }
    let message = match status {
        Status::Ok => String::new(),
        _ => without_addresses(lua.str_at(-1).unwrap_or(b"(no message)")),
    };
    testing::check_memory(lua);
    // After every second failure memory comes back, and the state is used again.
    if refused(memory) > 0 && memory.count().is_multiple_of(2) {
        memory.disarm();
        memory.inner().disarm();
        memory.inner().inner().disarm();
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

/// Runs a script with some requests failing.
///
/// # Errors
/// In words: the heap was not whole, bytes were left, the contract was broken, the script did not end.
pub fn run(script: &Script, failure: Failure, watchdog: &Watchdog) -> Result<Run, String> {
    let (first, second, rest) = match failure {
        Failure::Never => (0, 0, 0),
        Failure::Once(n) => (n, 0, 0),
        Failure::Twice(n) => (n, n, 0),
        Failure::From(n) => (0, 0, n),
    };
    let memory = Counting::new(Checking::recording(System));
    let memory: Memory = FailOnce::new(FailOnce::new(FailAfter::new(memory, rest), second), first);
    OUTPUT.take();
    let mut for_state = u64::MAX;
    let mut requests = 0;
    let attempt = || {
        // The seed is fixed, so that the order of `pairs` is the same each time.
        let Ok(mut lua) = Lua::with_seed(&memory, 1) else {
            return Ok(Outcome { status: None, message: String::new(), output: String::new() });
        };
        for_state = memory.count();
        let outcome = run_in(&mut lua, &memory, script, watchdog);
        requests = memory.count();
        outcome
    };
    let mut outcome = catch_unwind(AssertUnwindSafe(attempt)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        format!("a panic: {}", text.or_else(|| payload.downcast_ref().copied()).unwrap_or("(no message)"))
    })??;
    outcome.output = without_addresses(&OUTPUT.take());
    let counting = memory.inner().inner().inner();
    let checking = counting.inner();
    if let Some(violation) = checking.violations().first() {
        return Err(format!("the allocation contract was broken: {violation}"));
    }
    if counting.live_bytes() > 0 {
        return Err(checking.leaks().to_string());
    }
    Ok(Run { outcome, requests, for_state })
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
}

/// How often a fault of one kind is told in full.
const FAULTS: usize = 10;

impl Figures {
    fn fault(&mut self, text: String) {
        if self.faults.len() < FAULTS {
            self.faults.push(text);
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

/// Sweeps a script: each of so many requests fails once, with the next one, and with all that follow.
///
/// # Errors
/// Without any failure the script does not give the same twice.
pub fn sweep(script: &Script, most: u64, watchdog: &Watchdog) -> Result<Figures, String> {
    let plain = run(script, Failure::Never, watchdog)?;
    let again = run(script, Failure::Never, watchdog)?;
    if plain.outcome != again.outcome {
        return Err(format!(
            "its output differs from run to run: {}",
            difference(&plain.outcome.output, &again.outcome.output)
        ));
    }
    let mut figures = Figures { requests: plain.requests, ..Figures::default() };
    for n in points(plain.requests, most) {
        figures.once += 1;
        match run(script, Failure::Once(n), watchdog) {
            Err(fault) => figures.fault(format!("request {n} fails once: {fault}")),
            Ok(Run { outcome, .. }) if outcome == plain.outcome => {}
            // Before there is a state, nothing can be collected.
            Ok(Run { outcome: Outcome { status: None, .. }, .. }) if n <= plain.for_state => {}
            Ok(Run { outcome, .. }) => {
                let Outcome { status, message, output } = outcome;
                let how = match (status, message) == (plain.outcome.status, plain.outcome.message.clone()) {
                    true => difference(&plain.outcome.output, &output),
                    false => String::new(),
                };
                let ending =
                    run(script, Failure::Once(n), watchdog).map(|run| (run.outcome.status, run.outcome.message));
                figures.fault(format!("request {n} fails once: it ends in {ending:?} {how}"));
            }
        }
        figures.twice += 1;
        if let Err(fault) = run(script, Failure::Twice(n), watchdog) {
            figures.fault(format!("requests {n} and {} fail: {fault}", n + 1));
        }
        figures.from += 1;
        match run(script, Failure::From(n), watchdog) {
            Err(fault) => figures.fault(format!("all requests fail from {n} on: {fault}")),
            Ok(Run { outcome, .. }) if outcome.is_memory_error() => figures.memory_errors += 1,
            Ok(Run { outcome, .. }) if outcome.status == Some(Status::Ok) || outcome == plain.outcome => {
                figures.successes += 1
            }
            Ok(Run { outcome, .. }) => {
                figures.other_errors += 1;
                figures.other.get_or_insert_with(|| format!("from {n} on: {:?} {}", outcome.status, outcome.message));
            }
        }
    }
    Ok(figures)
}
