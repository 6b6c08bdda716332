//! A process: a state in a thread of its own, and what others may know of it and do to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use perilune_vm::{HookEvent, Interrupter, LuaAlloc, LuaResult, LuaState, Thrown};

use super::context::Context;
use super::group::Group;
use super::memory::Bytes;
use super::run;
use super::wait::{Ended, Wait};

/// The process was cancelled.
const CANCELLED: u8 = 1 << 0;
/// The process ends by its own will.
const EXITING: u8 = 1 << 1;
/// The state is about to be freed.
const CLOSED: u8 = 1 << 2;

/// A state of any type.
pub(super) trait Owner: Send {
    fn state(&mut self) -> &mut LuaState;
}

impl<A: LuaAlloc + Send> Owner for perilune_vm::Lua<A> {
    fn state(&mut self) -> &mut LuaState {
        self
    }
}

/// How a process ended.
pub(super) enum Outcome {
    /// Its function has returned these results.
    Done(Arc<Bytes>),
    /// Its function has returned, but there are no results, for this reason.
    DoneWithout(Reason),
    /// An error, whose value this is, if there was memory for it.
    Failed(Option<Arc<Bytes>>),
    Cancelled,
}

/// Why a process that has ended well has no results.
pub(super) enum Reason {
    /// A result cannot be copied; the message.
    Message(Arc<Bytes>),
    NoMemory,
}

/// What a process shares with those who know it.
pub(super) struct Process {
    id: u64,
    /// Why its functions are to stop, if they are.
    flags: AtomicU8,
    /// Whether it waits for something.
    pub(super) waits: AtomicBool,
    /// Whether it has ended.
    ended: AtomicBool,
    control: Mutex<Control>,
}

/// What is reached under the lock.
struct Control {
    /// There as long as the state is open (LP6).
    interrupter: Option<Interrupter>,
    /// Its thread, once it runs.
    thread: Option<Thread>,
    /// Who is to be woken when it ends.
    joiners: Vec<Thread>,
    outcome: Option<Outcome>,
}

impl Process {
    /// The process of a state that is open.
    fn new(id: u64, interrupter: Interrupter) -> Arc<Self> {
        let control = Control { interrupter: Some(interrupter), thread: None, joiners: Vec::new(), outcome: None };
        Arc::new(Self {
            id,
            flags: AtomicU8::new(0),
            waits: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            control: Mutex::new(control),
        })
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        // Nothing that is done under the lock panics.
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    fn has(&self, flags: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flags != 0
    }

    /// Whether no function of the state is to run any more.
    pub(super) fn must_stop(&self) -> bool {
        self.has(CANCELLED | EXITING | CLOSED)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.has(CANCELLED)
    }

    pub(super) fn is_exiting(&self) -> bool {
        self.has(EXITING)
    }

    /// Stops the process: whether it computes or waits, it ends soon. False if it has ended already.
    pub(super) fn cancel(&self) -> bool {
        let control = self.control();
        if control.outcome.is_some() {
            return false;
        }
        self.flags.fetch_or(CANCELLED, Ordering::Relaxed);
        if let Some(interrupter) = control.interrupter {
            // SAFETY: LP6.
            unsafe { interrupter.interrupt(stop) };
        }
        let thread = control.thread.clone();
        drop(control);
        if let Some(thread) = thread {
            thread.unpark();
        }
        true
    }

    /// Begins to end the process, whose state this is, by its own will.
    pub(super) fn exit(&self, lua: &mut LuaState) -> Thrown {
        self.flags.fetch_or(EXITING, Ordering::Relaxed);
        // SAFETY: the state is open, as a function of it runs.
        unsafe { lua.interrupter().interrupt(stop) };
        stop_error(lua)
    }

    /// The status in a word.
    pub(super) fn status(&self) -> &'static str {
        match &self.control().outcome {
            None if self.waits.load(Ordering::Relaxed) => "waiting",
            None => "running",
            Some(Outcome::Done(_) | Outcome::DoneWithout(_)) => "done",
            Some(Outcome::Failed(_)) => "failed",
            Some(Outcome::Cancelled) => "cancelled",
        }
    }

    /// Waits for the end of the process.
    pub(super) fn wait_for_end(&self, wait: &Wait<'_>) -> Ended {
        let this = thread::current();
        let mut control = self.control();
        if control.outcome.is_none() {
            control.joiners.push(this.clone());
        }
        drop(control);
        let ended = wait.until_true(|| self.ended.load(Ordering::Acquire));
        if ended != Ended::Signalled {
            self.control().joiners.retain(|thread| thread.id() != this.id());
        }
        ended
    }

    /// Looks at how the process has ended, if it has.
    pub(super) fn with_outcome<T>(&self, look: impl FnOnce(Option<&Outcome>) -> T) -> T {
        look(self.control().outcome.as_ref())
    }

    /// Notes how the process has ended, and wakes those who wait for that.
    pub(super) fn end(&self, outcome: Outcome) {
        let mut control = self.control();
        control.outcome = Some(outcome);
        let joiners = core::mem::take(&mut control.joiners);
        self.ended.store(true, Ordering::Release);
        drop(control);
        for joiner in joiners {
            joiner.unpark();
        }
    }
}

/// The hook that stops a state for good: it raises an error before each instruction from now on, whichever coroutine executes
/// it, so that no protected call gets further than to its next instruction.
fn stop(lua: &mut LuaState, _event: &HookEvent) -> LuaResult<()> {
    // Without a context nobody can say that the state is not to stop.
    let must_stop = Context::of_state(lua).is_none_or(|context| context.must_stop());
    if !must_stop {
        lua.set_hook(None, 0, 0);
        return Ok(());
    }
    // SAFETY: the state is open, as a hook of it runs. Coroutines without this hook find the interrupt.
    unsafe { lua.interrupter().interrupt(stop) };
    Err(stop_error(lua))
}

/// The error by which a process is left. No message handler is asked: it would be a function that runs on.
pub(super) fn stop_error(lua: &mut LuaState) -> Thrown {
    match lua.push_str("cancelled") {
        Ok(()) => Thrown::Runtime,
        Err(thrown) => thrown,
    }
}

/// A process as its thread has it: whatever happens to this, the state is closed and the end is told.
pub(super) struct Body {
    pub(super) process: Arc<Process>,
    group: Arc<Group>,
    /// There until it is closed (LP7).
    owner: Option<Box<dyn Owner>>,
    /// How it ended, once that is known.
    outcome: Option<Outcome>,
}

impl Body {
    pub(super) fn new(group: &Arc<Group>, mut owner: Box<dyn Owner>) -> Self {
        let process = Process::new(group.next_id(), owner.state().interrupter());
        Self { process, group: Arc::clone(group), owner: Some(owner), outcome: None }
    }

    /// The state.
    pub(super) fn state(&mut self) -> Option<&mut LuaState> {
        self.owner.as_mut().map(|owner| owner.state())
    }

    /// Runs the process in this thread.
    pub(super) fn run(mut self) {
        self.process.control().thread = Some(thread::current());
        let (process, group) = (Arc::clone(&self.process), Arc::clone(&self.group));
        // After a panic of a native function, which its hook has told of, the process counts as failed.
        let outcome = self.state().and_then(|lua| {
            let run = AssertUnwindSafe(|| run::main_function(lua, &process, group.memory()));
            catch_unwind(run).ok()
        });
        self.outcome = outcome;
    }

    /// Closes the state. Its finalizers run, unless the process was cancelled; when they have run, nothing of it does any more.
    fn close(&mut self) {
        let Some(mut owner) = self.owner.take() else { return };
        let process = &self.process;
        process.flags.fetch_and(!EXITING, Ordering::Relaxed);
        // SAFETY: nothing runs in the state afterwards.
        let _ = catch_unwind(AssertUnwindSafe(|| unsafe { owner.state().finalize_all() }));
        process.flags.fetch_or(CLOSED, Ordering::Relaxed);
        // LP6: from here on nobody else can interrupt the state.
        process.control().interrupter = None;
        // What finalizers have left to finalize is not to run on, as nobody could stop it.
        // SAFETY: the state is open.
        unsafe { owner.state().interrupter().interrupt(stop) };
        let _ = catch_unwind(AssertUnwindSafe(|| drop(owner)));
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.close();
        let outcome = self.outcome.take().unwrap_or(Outcome::Failed(None));
        self.group.end(&self.process, outcome);
    }
}
