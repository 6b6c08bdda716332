//! Where the collector runs: checks after allocations, and finalizers.

use perilune_core::CallStatus;
use perilune_core::value::tag;

use super::call::call_slot_no_yield;
use super::protect;
use crate::error::{LuaResult, Status, Thrown};
use crate::meta::{self, MetaEvent};
use crate::state::LuaState;

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
        if !matches!(method.tag(), tag::NATIVE | tag::NATIVE_CLOSURE | tag::LUA_CLOSURE) {
            return Ok(true);
        }
        let th = self.th();
        let allow_hook = th.allow_hook.replace(false);
        let running = core::mem::replace(&mut self.heap().running, false);
        let ci = th.ci.get();
        // SAFETY: H4.
        let was_finalizer = unsafe { (*ci).has(CallStatus::FINALIZER) };
        // The slots above the limit have room for both (H1).
        let func = th.save(th.top.get());
        th.push(method);
        th.push(object);
        // SAFETY: H4.
        unsafe { (*ci).set(CallStatus::FINALIZER) };
        let status = protect::run_from(self, func, 0, |lua| {
            let slot = lua.th().restore(func);
            call_slot_no_yield(lua, slot, 0)
        });
        if !was_finalizer {
            // SAFETY: H4: frames below a running one stay where they are.
            unsafe { (*ci).clear(CallStatus::FINALIZER) };
        }
        self.th().allow_hook.set(allow_hook);
        self.heap().running = running;
        if status == Status::Ok {
            return Ok(true);
        }
        if !propagate {
            self.pop(1);
            return Ok(true);
        }
        if status == Status::ErrRun {
            return Err(self.finalizer_error());
        }
        Err(match status {
            Status::ErrMem => Thrown::Memory,
            Status::ErrErr => Thrown::ErrorInHandler,
            _ => Thrown::Finalizer,
        })
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
