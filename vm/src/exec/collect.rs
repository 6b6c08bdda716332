//! Where the collector runs: checks after allocations, and finalizers.

use perilune_core::{CallInfo, CallStatus, Thread};

use super::call::call_slot_no_yield;
use super::{panic, protect};
use crate::error::{LuaResult, Status, Thrown};
use crate::meta::{self, MetaEvent};
use crate::state::LuaState;

/// A finalizer runs as long as this lives: without hooks and without the collector, and the frame that it interrupts is
/// marked. A panic ends that, too (X1).
struct Finalizing {
    thread: *mut Thread,
    ci: *mut CallInfo,
    was_finalizer: bool,
    allow_hook: bool,
    running: bool,
}

impl Finalizing {
    fn begin(lua: &LuaState) -> Self {
        let th = lua.th();
        // SAFETY: H4.
        let frame = unsafe { &*th.ci.get() };
        let this = Self {
            thread: lua.as_thread_ptr(),
            ci: th.ci.get(),
            was_finalizer: frame.has(CallStatus::FINALIZER),
            allow_hook: th.allow_hook.replace(false),
            running: core::mem::replace(&mut lua.heap().running, false),
        };
        frame.set(CallStatus::FINALIZER);
        this
    }
}

impl Drop for Finalizing {
    fn drop(&mut self) {
        // SAFETY: M1: the thread runs.
        let lua = unsafe { LuaState::from_thread(self.thread) };
        if !self.was_finalizer {
            // SAFETY: H4: frames below a running one stay where they are.
            unsafe { (*self.ci).clear(CallStatus::FINALIZER) };
        }
        lua.th().allow_hook.set(self.allow_hook);
        lua.heap().running = self.running;
    }
}

impl LuaState {
    /// Does a step of the collector if one is due, and calls the finalizers that it found.
    ///
    /// Whatever the caller still needs is on the stack below the top.
    #[doc(alias = "luaC_checkGC")]
    #[inline(always)]
    pub(crate) fn gc_check(&mut self) -> LuaResult<()> {
        if self.heap().debt > 0 || cfg!(gc_zeal) { self.gc_step_slow() } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn gc_step_slow(&mut self) -> LuaResult<()> {
        // SAFETY: G1: everything in use is reachable from the running thread.
        unsafe { self.heap().step() };
        self.heap().drop_dead_values();
        let due = self.heap().finalizers_due();
        self.run_finalizers(due)
    }

    /// Calls up to `n` pending finalizers.
    #[doc(alias = "runafewfinalizers")]
    pub(crate) fn run_finalizers(&mut self, n: u32) -> LuaResult<()> {
        for _ in 0..n {
            if !self.run_one_finalizer(true)? {
                break;
            }
        }
        Ok(())
    }

    /// Calls all pending finalizers; their errors are dropped when the state is closing.
    #[doc(alias = "luaC_callallpendingfinalizers")]
    pub(crate) fn run_all_finalizers(&mut self, propagate: bool) -> LuaResult<()> {
        while self.run_one_finalizer(propagate)? {}
        Ok(())
    }

    /// Calls one pending finalizer; false if there was none.
    #[doc(alias = "GCTM")]
    fn run_one_finalizer(&mut self, propagate: bool) -> LuaResult<bool> {
        if self.th().spare() < 2 {
            // Errors of memory have filled the stack; the finalizer has time.
            return Ok(false);
        }
        let Some(object) = self.heap().next_finalizer() else { return Ok(false) };
        let method = meta::of(self, object, MetaEvent::Gc);
        if !method.is_function() {
            return Ok(true);
        }
        let finalizing = Finalizing::begin(self);
        let th = self.th();
        // The slots above the limit have room for both (H1).
        let func = th.save(th.top.get());
        th.push(method);
        th.push(object);
        let status = protect::run_from(self, func, 0, |lua| {
            let slot = lua.th().restore(func);
            call_slot_no_yield(lua, slot, 0)
        });
        drop(finalizing);
        if status == Status::Ok {
            return Ok(true);
        }
        if !propagate {
            self.pop(1);
            return Ok(true);
        }
        let thrown = match status {
            Status::ErrRun => panic::shielded(self, Self::finalizer_error),
            Status::ErrMem => Thrown::Memory,
            Status::ErrErr => Thrown::ErrorInHandler,
            _ => Thrown::Finalizer,
        };
        Err(self.escape(thrown))
    }

    /// Replaces the error's value on top by the message that says where it came from.
    fn finalizer_error(&mut self) -> Thrown {
        let pushed = match self.str_at(-1) {
            Some(_) => self.push_value(-1),
            None => self.push_str("no message"),
        };
        let made = pushed.and_then(|()| {
            self.push_str("error in __gc metamethod (")?;
            self.rotate(-2, 1);
            self.push_str(")")?;
            self.concat(3)
        });
        match made {
            Ok(()) => Thrown::Finalizer,
            Err(thrown) => thrown,
        }
    }
}
