//! What is put in order when a panic of the host's code unwinds through the machine.
//!
//! A panic is no error: nobody catches it but the host, with `catch_unwind`. On its way there it leaves whatever runs in
//! between.
//!
//! X1. Wherever the machine is entered by Rust code that may go on after a panic (a call, a protected call, a resumption), a
//!     [`Guard`] stands on the Rust stack; so a panic that leaves the machine finds the thread as it was when it was entered,
//!     with the coroutines that ran since dead.

use perilune_core::{CallInfo, Thread};

use super::upvalue;
use crate::error::Thrown;
use crate::state::LuaState;

/// What a thread has to be put back to when a panic leaves the machine (X1). Dropping it does so; where no panic comes it is
/// [disarmed](Guard::disarm).
pub(crate) struct Guard {
    thread: *mut Thread,
    running: *mut Thread,
    ci: *mut CallInfo,
    /// The byte offset of the stack's end, from which on values are dropped.
    top: usize,
    err_func: usize,
    levels: u16,
    non_yieldable: u16,
    allow_hook: bool,
    status: u8,
}

impl Guard {
    /// A guard for what happens from now on, above the stack offset `top`. `running` is the thread that ran before.
    #[inline(always)]
    pub(crate) fn new(lua: &LuaState, running: *mut Thread, top: usize) -> Self {
        let th = lua.th();
        Self {
            thread: lua.as_thread_ptr(),
            running,
            ci: th.ci.get(),
            top,
            err_func: th.err_func.get(),
            levels: th.n_c_calls.get(),
            non_yieldable: th.n_non_yieldable.get(),
            allow_hook: th.allow_hook.get(),
            status: th.status.get(),
        }
    }

    /// No panic has come.
    #[inline(always)]
    pub(crate) fn disarm(self) {
        core::mem::forget(self);
    }
}

impl Drop for Guard {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: M1: whoever entered the machine keeps the thread reachable.
        let lua = unsafe { LuaState::from_thread(self.thread) };
        kill_coroutines(lua);
        let th = lua.th();
        upvalue::close_from(lua, th.restore(self.top));
        th.ci.set(self.ci);
        th.top.set(th.restore(self.top));
        th.err_func.set(self.err_func);
        th.n_c_calls.set(self.levels);
        th.n_non_yieldable.set(self.non_yieldable);
        th.allow_hook.set(self.allow_hook);
        th.status.set(self.status);
        lua.heap().running_thread = self.running;
    }
}

/// The coroutines that a panic has left, from the running one down to the thread by which the machine was entered, die with
/// their frames as they are, like those that an error leaves.
fn kill_coroutines(lua: &LuaState) {
    let mut thread = lua.heap().running_thread;
    while !thread.is_null() && !core::ptr::eq(thread, lua.as_thread_ptr()) {
        // SAFETY: E3: those that wait for the running thread are live, as it is itself (G1).
        thread = unsafe { kill(&*thread) };
    }
}

/// Ends a coroutine, and returns the thread that resumed it without Rust stack.
fn kill(th: &Thread) -> *mut Thread {
    th.status.set(Thrown::Runtime as u8);
    // SAFETY: H4.
    unsafe { (*th.ci.get()).top.set(th.top.get()) };
    th.from.replace(core::ptr::null_mut())
}

/// Ends a coroutine that the host has resumed, if a panic comes (X1).
pub(crate) struct ResumeGuard {
    thread: *mut Thread,
    running: *mut Thread,
    non_yieldable: u16,
}

impl ResumeGuard {
    /// A guard for the resumption of `co`; `running` is the thread that ran before.
    pub(crate) fn new(co: &LuaState, running: *mut Thread, non_yieldable: u16) -> Self {
        Self { thread: co.as_thread_ptr(), running, non_yieldable }
    }

    /// No panic has come.
    pub(crate) fn disarm(self) {
        core::mem::forget(self);
    }
}

impl Drop for ResumeGuard {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: M1, as above.
        let co = unsafe { LuaState::from_thread(self.thread) };
        kill_coroutines(co);
        kill(co.th());
        co.th().n_non_yieldable.set(self.non_yieldable);
        co.heap().running_thread = self.running;
    }
}

/// The status of a thread whose host is in the midst of something: none that lets it be resumed.
pub(crate) const BUSY: u8 = u8::MAX;

/// Nobody resumes a thread, or works on it, as long as this lives, also when a panic ends that.
pub(crate) struct Busy {
    thread: *mut Thread,
    status: u8,
}

impl Busy {
    pub(crate) fn begin(lua: &LuaState) -> Self {
        Self { thread: lua.as_thread_ptr(), status: lua.th().status.replace(BUSY) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // SAFETY: M1: whoever entered the machine keeps the thread reachable.
        unsafe { (*self.thread).status.set(self.status) };
    }
}

/// Yields of a thread are forbidden as long as this lives, also when a panic ends that.
pub(crate) struct NoYield(*mut Thread);

impl NoYield {
    #[inline(always)]
    pub(crate) fn begin(lua: &LuaState) -> Self {
        let th = lua.th();
        th.n_non_yieldable.set(th.n_non_yieldable.get() + 1);
        Self(lua.as_thread_ptr())
    }
}

impl Drop for NoYield {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: M1: whoever entered the machine keeps the thread reachable.
        let th = unsafe { &*self.0 };
        th.n_non_yieldable.set(th.n_non_yieldable.get() - 1);
    }
}
