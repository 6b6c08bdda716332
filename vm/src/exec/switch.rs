//! Coroutine switches without a call: what `coroutine.resume`, a wrapped coroutine and `coroutine.yield` come to when an
//! instruction of a Lua function calls them and nothing unusual is in the way.
//!
//! The frames look the same as after the general way (`drive`), so that either side may go on in either way: the resumer's
//! native frame waits with its continuation, marked `DIRECT`; the coroutine's is that of `coroutine.yield`. What is saved is
//! the way of the values over the native frames: they go directly where the waiting instruction wants them.

use perilune_core::base::limits::{MAX_C_CALLS, MIN_STACK};
use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, GcRef, NativeClosure, TValue, Thread};

use super::coroutine_natives::{finish_resume, finish_wrapped, native_resume, native_wrapped, native_yield};
use super::drive::Next;
use crate::error::Status;
use crate::state::{Continuation, LuaState, NativeFn};

/// What keeps a waiting native frame from being filled directly: its caller is no instruction that waits for plain results.
const NOT_PLAIN: u16 = CallStatus::SLOW_RETURN | CallStatus::THEN | CallStatus::HOOKED | CallStatus::PROTECTED;

/// Does the call of a native function at `func` if it is a plain coroutine switch; `None`: it must be called.
///
/// # Safety
/// The running frame is a Lua function's, and the values above `func` up to the top are the arguments.
pub(crate) unsafe fn try_switch(lua: &mut LuaState, func: *mut TValue, nresults: i16) -> Option<Next> {
    // SAFETY: H1; V1.
    unsafe {
        let callee = *func;
        if callee.t == tag::NATIVE {
            if callee.u == address(native_yield) {
                return yield_directly(lua, func, nresults);
            }
            if callee.u == address(native_resume) && lua.th().top.get() > func.add(1) {
                let co = (*func.add(1)).get::<Thread>()?;
                return resume_directly(lua, co, func, nresults, finish_resume);
            }
        } else if callee.t == tag::NATIVE_CLOSURE {
            let closure = callee.as_ref::<NativeClosure>();
            if core::ptr::eq(closure.func(), native_wrapped as NativeFn as *const ()) {
                let co = (*closure.upvalue_slot(0)).get::<Thread>()?;
                return resume_directly(lua, co, func, nresults, finish_wrapped);
            }
        }
        None
    }
}

/// The payload of a light native function.
#[inline(always)]
fn address(function: NativeFn) -> u64 {
    (function as *const ()).addr() as u64
}

/// Pushes a native frame that waits.
#[inline(always)]
unsafe fn push_waiting(th: &Thread, ci: *mut CallInfo, func: *mut TValue, nresults: i16, status: u16) {
    // SAFETY: H4: the frame after the running one exists.
    unsafe {
        let frame = &*ci;
        frame.func.set(func);
        frame.top.set(th.top.get().wrapping_add(MIN_STACK));
        frame.nresults.set(nresults);
        frame.status.set(status);
        frame.extra.set(0);
        frame.pc.set(core::ptr::null());
        th.ci.set(ci);
    }
}

/// Pops the waiting native frame of a thread: its results are the value in `first`, if any, and `n` values from `source`.
#[inline(always)]
unsafe fn deliver(th: &Thread, ci: &CallInfo, first: Option<TValue>, source: *const TValue, n: usize) {
    // SAFETY: H1, H4: the caller has made sure of room.
    unsafe {
        let mut dest = ci.func.get();
        let wanted = ci.nresults.get();
        let caller = ci.prev.get();
        th.ci.set(caller);
        let mut left = if wanted < 0 { usize::MAX } else { wanted as usize };
        if let Some(first) = first
            && left > 0
        {
            *dest = first;
            dest = dest.add(1);
            left -= 1;
        }
        let moved = n.min(left);
        for i in 0..moved {
            *dest.add(i) = *source.add(i);
        }
        dest = dest.add(moved);
        if wanted < 0 {
            th.top.set(dest);
            return;
        }
        for _ in moved..left {
            *dest = TValue::NIL;
            dest = dest.add(1);
        }
        th.top.set((*caller).top.get());
    }
}

/// Whether `n` values fit from a frame's function slot on.
#[inline(always)]
fn fits(th: &Thread, ci: &CallInfo, n: usize) -> bool {
    ci.func.get().wrapping_add(n + 1) < th.stack_last.get()
}

/// `coroutine.yield` to a resumer that waits for plain results.
unsafe fn yield_directly(lua: &mut LuaState, func: *mut TValue, nresults: i16) -> Option<Next> {
    let th = lua.th();
    let from = th.from.get();
    // SAFETY: E3, H4.
    unsafe {
        let next = (*th.ci.get()).next.get();
        if from.is_null() || next.is_null() || th.n_non_yieldable.get() != 0 || th.hook_mask.get() != 0 {
            return None;
        }
        let from = &*from;
        let waiting = &*from.ci.get();
        let n = th.top.get().offset_from(func) as usize - 1;
        if !waiting.has(CallStatus::DIRECT)
            || th.n_c_calls.get() != from.n_c_calls.get() + 1
            || from.hook_mask.get() != 0
            || !fits(from, waiting, n + 1)
        {
            return None;
        }
        push_waiting(th, next, func, nresults, 0);
        th.status.set(Status::Yield as u8);
        th.from.set(core::ptr::null_mut());
        let resumed_by = waiting.pc.get();
        let first = core::ptr::eq(resumed_by, finish_resume as Continuation as *const ()).then_some(TValue::TRUE);
        deliver(from, waiting, first, func.add(1), n);
        th.top.set(func.add(1));
        let from = core::ptr::from_ref(from).cast_mut();
        lua.heap().running_thread = from;
        Some(from)
    }
}

/// A resumption of a coroutine that waits in a plain `coroutine.yield`.
unsafe fn resume_directly(
    lua: &mut LuaState,
    co: GcRef<Thread>,
    func: *mut TValue,
    nresults: i16,
    finish: Continuation,
) -> Option<Next> {
    let th = lua.th();
    // SAFETY: H4; the coroutine is live: it is an argument or an upvalue of the called function.
    unsafe {
        let next = (*th.ci.get()).next.get();
        let waiting = &*co.ci.get();
        let is_resume = (*func).t == tag::NATIVE;
        let first_arg = func.add(1 + is_resume as usize);
        let nargs = th.top.get().offset_from(first_arg) as usize;
        if co.status.get() != Status::Yield as u8
            || next.is_null()
            || (th.hook_mask.get() | co.hook_mask.get()) != 0
            || waiting.is_lua()
            || waiting.status.get() & NOT_PLAIN != 0
            || !waiting.pc.get().is_null()
            || waiting.extra.get() != 0
            || core::ptr::eq(waiting.prev.get(), &co.base_ci)
            || !(*waiting.prev.get()).is_lua()
            || th.n_c_calls.get() + 1 >= MAX_C_CALLS
            || !fits(&co, waiting, nargs)
            || func.add(MIN_STACK) >= th.stack_last.get()
        {
            return None;
        }
        push_waiting(th, next, func, nresults, CallStatus::RESUMING | CallStatus::DIRECT);
        (*next).pc.set(finish as *const ());
        (*next).ctx.set(0);
        co.n_c_calls.set(th.n_c_calls.get() + 1);
        co.n_non_yieldable.set(0);
        co.status.set(Status::Ok as u8);
        co.from.set(lua.as_thread_ptr());
        deliver(&co, waiting, None, first_arg, nargs);
        // The continuation finds the frame as `native_resume` leaves it: the coroutine, and true below the results.
        if is_resume {
            *first_arg = TValue::TRUE;
            th.top.set(first_arg.add(1));
        } else {
            th.top.set(first_arg);
        }
        lua.heap().running_thread = co.as_ptr();
        Some(co.as_ptr())
    }
}
