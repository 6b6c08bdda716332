//! Coroutines: switching between threads without Rust stack, and the host's `resume` and `yield`.

use perilune_core::base::limits::MAX_C_CALLS;
use perilune_core::{CallInfo, CallStatus, TValue, Thread};

use super::drive::{Step, run};
use super::unwind::{BUSY, ResumeGuard};
use super::{panic, switch};
use crate::anchor::Wait;
use crate::error::{LuaResult, Status, Thrown};
use crate::state::{Continuation, LuaState};
use crate::{CoStatus, ThreadRef};

const _: () = assert!(Status::Yield as u8 == Thread::YIELDED);

/// Starts or continues the coroutine that the running native function asked for; returns where to go on.
pub(crate) fn switch_to_target(from: &mut LuaState) -> LuaResult<(*mut Thread, Step)> {
    // SAFETY: M2.
    let (target, nargs) = unsafe {
        let global = from.global();
        (core::mem::replace(&mut (*global).resume_target, core::ptr::null_mut()), (*global).transfer_count as usize)
    };
    // `resume_then` noted the thread, but the function that asked may have lost it since.
    if target.is_null() || !from.can_name_thread(target) {
        return Err(from.raise_plain(format_args!("no coroutine to resume")));
    }
    // SAFETY: M1: the function that asked for it keeps the thread in its frame.
    let co = unsafe { LuaState::from_thread(target) };
    // SAFETY: H4.
    let waiting = unsafe { &*from.th().ci.get() };
    waiting.set(CallStatus::RESUMING);
    switch::mark_waiting(waiting);
    let step = match begin(co, nargs, from.th().n_c_calls.get()) {
        Ok(step) => step,
        Err(message) => {
            co.pop_arguments(nargs);
            from.push_str(message)?;
            return Ok((from.as_thread_ptr(), Step::Continue(Status::ErrRun)));
        }
    };
    co.th().from.set(from.as_thread_ptr());
    co.heap().running_thread = co.as_thread_ptr();
    Ok((co.as_thread_ptr(), step))
}

/// Checks that a thread can be resumed and says how it goes on (`lua_resume`'s first half).
fn begin(co: &mut LuaState, nargs: usize, levels: u16) -> Result<Step, &'static str> {
    let th = co.th();
    // SAFETY: H4.
    let ci = unsafe { &*th.ci.get() };
    // SAFETY: H4: both lie in one stack.
    let held = unsafe { th.top.get().offset_from(ci.func.get()) } as usize - 1;
    let status = Status::from_u8(th.status.get());
    match status {
        _ if th.status.get() == BUSY => return Err("cannot resume non-suspended coroutine"),
        Status::Ok if !core::ptr::eq(ci, &th.base_ci) => return Err("cannot resume non-suspended coroutine"),
        Status::Ok if held <= nargs => return Err("cannot resume dead coroutine"),
        Status::Ok | Status::Yield => {}
        _ => return Err("cannot resume dead coroutine"),
    }
    if levels + 1 >= MAX_C_CALLS {
        return Err("C stack overflow");
    }
    co.heap().wake_thread(co.thread());
    th.n_c_calls.set(levels + 1);
    th.n_non_yieldable.set(0);
    if status == Status::Ok {
        let func = th.save(th.from_top(nargs + 1));
        return Ok(Step::Enter { func, nresults: -1, flags: CallStatus::FROM_NATIVE });
    }
    th.status.set(Status::Ok as u8);
    let hidden_end = ci.func.get().wrapping_add(1);
    show_frame(ci);
    if ci.is_lua() {
        // It yielded inside a hook: the interrupted instruction goes on, whatever was passed.
        th.top.set(hidden_end);
        return Ok(Step::Bytecode);
    }
    if ci.pc.get().is_null() { Ok(Step::Native(Ok(nargs))) } else { Ok(Step::Continue(Status::Yield)) }
}

/// Hides what a function has below its `n` yielded values, so that the host counts these alone. A Lua function that a hook
/// suspends has none, and nobody can get at its registers.
pub(crate) fn hide_frame(th: &Thread, ci: &CallInfo, n: usize) {
    let func = th.from_top(n + 1);
    // SAFETY: H4: both lie in one stack.
    ci.hidden.set(unsafe { func.offset_from(ci.func.get()) } as u32);
    ci.func.set(func);
}

/// The reverse of [`hide_frame`].
fn show_frame(ci: &CallInfo) {
    ci.func.set(ci.func.get().wrapping_sub(ci.hidden.get() as usize));
    ci.hidden.set(0);
}

/// Suspends the running coroutine and returns to whoever resumed it.
pub(crate) fn yield_to_resumer(co: &mut LuaState) -> LuaResult<(*mut Thread, Step)> {
    // SAFETY: M2.
    let n = unsafe { (*co.global()).transfer_count as usize };
    let th = co.th();
    if th.n_non_yieldable.get() > 0 {
        // `yield_values` has not been asked.
        return Err(co.raise_plain(format_args!("attempt to yield from outside a coroutine")));
    }
    let from = th.from.get();
    if end_nested_run(th, from) {
        return Err(Thrown::Yield);
    }
    // SAFETY: H4.
    let ci = unsafe { &*th.ci.get() };
    // A hook yields nothing, and what a function asked for is looked at again.
    let n = if ci.is_lua() { 0 } else { n.min(co.held()) };
    th.status.set(Status::Yield as u8);
    if !ci.is_lua() {
        hide_frame(th, ci, n);
    }
    if from.is_null() {
        return Err(Thrown::Yield);
    }
    th.from.set(core::ptr::null_mut());
    if !ci.is_lua() && ci.hidden.get() == 0 {
        switch::mark_waiting(ci);
    }
    // SAFETY: E3: the resumer waits, and whoever runs it keeps it reachable.
    let from = unsafe { LuaState::from_thread(from) };
    give(co, from, n, Status::Yield)
}

/// Whether the yield must first leave a nested run; then takes that run's mark off its frame, since the run ends now.
fn end_nested_run(th: &Thread, from: *mut Thread) -> bool {
    // SAFETY: E3.
    if !from.is_null() && th.n_c_calls.get() == unsafe { (*from).n_c_calls.get() } + 1 {
        return false;
    }
    let mut ci = th.ci.get();
    // SAFETY: H4.
    unsafe {
        while !core::ptr::eq(ci, &th.base_ci) {
            if (*ci).has(CallStatus::FRESH) {
                (*ci).clear(CallStatus::FRESH);
                (*ci).set(CallStatus::FROM_NATIVE);
                return true;
            }
            ci = (*ci).prev.get();
        }
    }
    false
}

/// Moves `n` values to the resumer, which goes on with `status`.
fn give(co: &mut LuaState, from: &mut LuaState, n: usize, status: Status) -> LuaResult<(*mut Thread, Step)> {
    co.heap().running_thread = from.as_thread_ptr();
    // SAFETY: H4: a native frame's pointer.
    if from.th().stack_last.get() as usize <= from.th().top.get() as usize + (n + 1) * size_of::<TValue>() {
        // Growing may fail; then the values are lost and the resumer gets the error.
        if !from.check_stack(n + 1) {
            co.pop_arguments(n);
            from.push_str("too many results to resume")?;
            return Ok((from.as_thread_ptr(), Step::Continue(Status::ErrRun)));
        }
    }
    let source = co.th().from_top(n);
    for i in 0..n {
        // SAFETY: H1: `n` values lie there.
        from.th().push(unsafe { *source.add(i) });
    }
    co.th().top.set(source);
    Ok((from.as_thread_ptr(), Step::Continue(status)))
}

/// The body of a coroutine came back. `None`: the host resumed it.
pub(crate) fn finished(co: &mut LuaState) -> LuaResult<Option<(*mut Thread, Step)>> {
    let th = co.th();
    let from = th.from.get();
    if from.is_null() {
        return Ok(None);
    }
    th.from.set(core::ptr::null_mut());
    // SAFETY: H4: both lie in one stack.
    let n = unsafe { th.top.get().offset_from(th.base_ci.func.get()) } as usize - 1;
    // SAFETY: E3.
    let from = unsafe { LuaState::from_thread(from) };
    give(co, from, n, Status::Ok).map(Some)
}

/// The running coroutine ends by an error that none of its frames takes; the resumer gets the error's value.
///
/// The frames stay as they are, for a traceback.
pub(crate) fn died(co: &mut LuaState, thrown: Thrown, value: TValue) -> LuaResult<(*mut Thread, Step)> {
    let th = co.th();
    let from = th.from.replace(core::ptr::null_mut());
    th.status.set(thrown as u8);
    // SAFETY: H4.
    unsafe { (*th.ci.get()).top.set(th.top.get()) };
    // SAFETY: E3.
    let from = unsafe { LuaState::from_thread(from) };
    co.heap().running_thread = from.as_thread_ptr();
    from.th().push_at_end(value);
    Ok((from.as_thread_ptr(), Step::Continue(thrown.status())))
}

impl LuaState {
    /// Takes `n` values that were moved here for nothing off again.
    fn pop_arguments(&mut self, n: usize) {
        let n = n.min(self.held());
        let th = self.th();
        th.top.set(th.from_top(n));
    }

    /// Yields `n` values (manual §4.8, `lua_yield`); to be used as the last expression of a native function. When the
    /// coroutine is resumed, the function returns the values passed to `resume` as its results.
    ///
    /// # Errors
    /// Always an `Err`: [`Thrown::Yield`], or an error where a yield is not possible.
    #[doc(alias = "lua_yield")]
    pub fn yield_values(&mut self, n: usize) -> LuaResult<usize> {
        self.yield_with(n, None)
    }

    /// The same (manual §4.8, `lua_yieldk`); when the coroutine is resumed, `k` runs with [`Status::Yield`].
    #[doc(alias = "lua_yieldk")]
    pub fn yield_k(&mut self, n: usize, ctx: isize, k: Continuation) -> LuaResult<usize> {
        self.yield_with(n, Some((ctx, k)))
    }

    fn yield_with(&mut self, n: usize, k: Option<(isize, Continuation)>) -> LuaResult<usize> {
        let th = self.th();
        if th.n_non_yieldable.get() > 0 || !self.is_running() {
            let message = if core::ptr::eq(self.as_thread_ptr(), self.heap().main_thread) {
                "attempt to yield from outside a coroutine"
            } else {
                "attempt to yield across a C-call boundary"
            };
            return Err(self.run_error(format_args!("{message}")));
        }
        // SAFETY: H4: both lie in one stack.
        let (ci, held) = unsafe {
            let ci = &*th.ci.get();
            (ci, th.top.get().offset_from(ci.func.get()) as usize - 1)
        };
        if !ci.is_lua() {
            ci.pc.set(core::ptr::null());
            ci.clear(CallStatus::THEN);
        }
        if let Some((ctx, k)) = k {
            if ci.is_lua() {
                return Err(self.run_error(format_args!("hooks cannot continue after yielding")));
            }
            self.set_continuation(ctx, k);
        }
        // SAFETY: M2.
        unsafe { (*self.global()).transfer_count = n.min(held) as u32 };
        Err(Thrown::Yield)
    }

    /// Asks for `co` to be resumed with the `nargs` values on top of *its* stack; `k` then runs with the status in which it
    /// came back (OK, yield, or an error), its results or the error's value on top of this stack. Takes no Rust stack.
    ///
    /// # Errors
    /// Always an `Err`, which the VM understands.
    pub fn resume_then(&mut self, co: ThreadRef, nargs: usize, ctx: isize, k: Continuation) -> LuaResult<usize> {
        self.check_thread(co)?;
        self.check_can_wait()?;
        self.set_continuation(ctx, k);
        // SAFETY: M2.
        unsafe {
            let global = self.global();
            (*global).resume_target = co.0.as_ptr();
            (*global).transfer_count = nargs as u32;
        }
        Err(Thrown::Resume)
    }

    /// Starts or continues a coroutine from the host (manual §4.8, `lua_resume`): `nargs` arguments lie on its stack, above
    /// the function if it is new. On return the stack holds the yielded or returned values, or the error's value.
    #[doc(alias = "lua_resume")]
    pub fn resume(&mut self, from: Option<&mut LuaState>, nargs: usize) -> Status {
        let running = self.heap().running_thread;
        // SAFETY: E1.
        let levels = from.map_or(0, |from| from.th().n_c_calls.get()).max(unsafe { (*running).n_c_calls.get() });
        let non_yieldable = self.th().n_non_yieldable.get();
        let status = match begin(self, nargs, levels) {
            Err(message) => {
                self.pop_arguments(nargs);
                match panic::shielded(self, |co| co.push_str(message)) {
                    Ok(()) => Status::ErrRun,
                    Err(thrown) => thrown.status(),
                }
            }
            Ok(step) => {
                let guard = ResumeGuard::new(self, running, non_yieldable);
                let wait = Wait::new(self, running);
                // SAFETY: N2: it stays here until the end.
                unsafe { Wait::begin(&wait) };
                self.heap().running_thread = self.as_thread_ptr();
                let result = panic::shielded(self, |co| run(co, step));
                guard.disarm();
                match result {
                    Ok(()) => Status::Ok,
                    Err(Thrown::Yield) => Status::Yield,
                    Err(thrown) => {
                        self.th().status.set(thrown as u8);
                        thrown.status()
                    }
                }
            }
        };
        self.heap().running_thread = running;
        self.th().n_non_yieldable.set(non_yieldable);
        status
    }

    /// The status of the thread (manual §4.8, `lua_status`).
    #[doc(alias = "lua_status")]
    pub fn status(&self) -> Status {
        match self.th().status.get() {
            BUSY => Status::Ok,
            status => Status::from_u8(status),
        }
    }

    /// Whether the running function can yield (manual §4.8, `lua_isyieldable`).
    ///
    /// Within calls of a native function that asked for it ([`seem_unyieldable`](Self::seem_unyieldable)) the answer is
    /// no although a yield works.
    #[doc(alias = "lua_isyieldable")]
    pub fn is_yieldable(&self) -> bool {
        let th = self.th();
        let mut ci = th.ci.get();
        // SAFETY: H4.
        unsafe {
            while !core::ptr::eq(ci, &th.base_ci) {
                if (*ci).has(CallStatus::SEEMS_UNYIELDABLE) {
                    return false;
                }
                ci = (*ci).prev.get();
            }
        }
        th.n_non_yieldable.get() == 0 && self.is_running()
    }

    /// Whether this is the thread whose function runs (E1), and not one that it holds.
    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        core::ptr::eq(self.heap().running_thread, self.as_thread_ptr())
    }

    /// Raises an error unless a native function of this thread runs: what is asked for stacklessly happens when it returns.
    #[inline]
    pub(crate) fn check_can_wait(&mut self) -> LuaResult<()> {
        // SAFETY: H4.
        if unsafe { (*self.th().ci.get()).is_lua() } {
            return Err(self.raise_plain(format_args!("cannot use continuations inside hooks")));
        }
        if self.is_running() { Ok(()) } else { Err(self.raise_plain(format_args!("thread is not running"))) }
    }

    /// Lets `is_yieldable` say no within the calls that the running native function makes, as it does in the reference
    /// implementation, which cannot yield there. Scripts that ask thus go the same way on both; a yield works all the same.
    pub fn seem_unyieldable(&mut self) {
        // SAFETY: H4.
        unsafe { (*self.th().ci.get()).set(CallStatus::SEEMS_UNYIELDABLE) };
    }

    /// What `coroutine.status` says of a thread, seen from this one.
    pub fn coroutine_status(&self, co: ThreadRef) -> CoStatus {
        if self.can_name(co) { self.status_of(co) } else { CoStatus::Dead }
    }

    /// The same of a thread that is live.
    pub(crate) fn status_of(&self, co: ThreadRef) -> CoStatus {
        if core::ptr::eq(co.0.as_ptr(), self.as_thread_ptr()) {
            return CoStatus::Running;
        }
        let th = &*co.object();
        if th.status.get() == BUSY {
            return CoStatus::Normal;
        }
        match Status::from_u8(th.status.get()) {
            Status::Yield => CoStatus::Suspended,
            Status::Ok if !core::ptr::eq(th.ci.get(), &th.base_ci) => CoStatus::Normal,
            Status::Ok if th.top.get() > th.base_ci.func.get().wrapping_add(1) => CoStatus::Suspended,
            _ => CoStatus::Dead,
        }
    }
}
