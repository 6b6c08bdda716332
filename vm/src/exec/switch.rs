//! Coroutine switches without a call: what `coroutine.resume`, a wrapped coroutine and `coroutine.yield` come to when an
//! instruction of a Lua function calls them and nothing unusual is in the way.
//!
//! The frames look the same as after the general way (`drive`), so that either side may go on in either way: the resumer's
//! native frame waits with its continuation, the coroutine's is that of `coroutine.yield`, and both are marked `DIRECT`. What
//! is saved is the way of the values over the native frames: they go directly where the waiting instruction wants them.
//!
//! A coroutine whose body is a Lua function begins and ends in the same way.
//!
//! These functions are parts of handlers: I1 to I4 hold for them, and neither thread has hooks. They give the state to go on
//! with, or `None`, having changed nothing: the function must be called.

use perilune_core::base::limits::{MAX_C_CALLS, MIN_STACK};
use perilune_core::code::FrameWord;
use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, GcRef, LuaClosure, NativeClosure, TValue, Thread};

use super::coroutine_natives::{finish_resume, finish_wrapped, native_resume, native_wrapped, native_yield};
use super::interp::{Dispatch, Machine};
use crate::error::Status;
use crate::state::{Continuation, NativeFn};

/// The status of the frame of a resumption that waits for plain results.
const RESUMING: u16 = CallStatus::RESUMING | CallStatus::DIRECT;
/// The status of the frame of a `coroutine.yield` that waits for plain results.
const YIELDING: u16 = CallStatus::DIRECT;

/// A call: its function's slot, how many arguments lie above, and how many results are wanted, as the instruction has it.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) func: *mut TValue,
    pub(crate) nargs: usize,
    pub(crate) wanted: u16,
}

/// Whether the value is `coroutine.yield`.
#[inline(always)]
pub(crate) fn is_yield(callee: TValue) -> bool {
    callee.t == tag::NATIVE && callee.u == address(native_yield)
}

/// Whether the value is `coroutine.resume`.
#[inline(always)]
pub(crate) fn is_resume(callee: TValue) -> bool {
    callee.t == tag::NATIVE && callee.u == address(native_resume)
}

/// The coroutine of a function that `coroutine.wrap` made.
///
/// # Safety
/// V1.
#[inline(always)]
pub(crate) unsafe fn wrapped_coroutine(callee: TValue) -> Option<GcRef<Thread>> {
    // SAFETY: V1.
    unsafe {
        if callee.t != tag::NATIVE_CLOSURE {
            return None;
        }
        let closure = callee.as_ref::<NativeClosure>();
        if core::ptr::eq(closure.func(), native_wrapped as NativeFn as *const ()) {
            (*closure.upvalue_slot(0)).get::<Thread>()
        } else {
            None
        }
    }
}

/// The payload of a light native function.
#[inline(always)]
pub(super) fn address(function: NativeFn) -> u64 {
    (function as *const ()).addr() as u64
}

/// Marks a native frame that begins to wait in the general way, if it is such that the short way may end its wait.
pub(super) fn mark_waiting(ci: &CallInfo) {
    let k = ci.pc.get();
    let finishes = |finish: Continuation| core::ptr::eq(k, finish as *const ());
    let is_plain = match ci.status.get() {
        0 => k.is_null(),
        CallStatus::RESUMING => finishes(finish_resume) || finishes(finish_wrapped),
        _ => false,
    };
    // SAFETY: H4: a native frame has a frame before it.
    if is_plain && unsafe { (*ci.prev.get()).is_lua() } {
        ci.set(CallStatus::DIRECT);
    }
}

/// How many slots the instruction of a waiting frame takes for `n` values; `None`: they may not fit.
///
/// # Safety
/// The frame is the thread's running one, marked `DIRECT`.
#[inline(always)]
unsafe fn wanted(th: &Thread, waiting: &CallInfo, n: usize) -> Option<usize> {
    // What an instruction wants fits into its frame (I1), unless it wants all.
    let wanted = waiting.nresults();
    if wanted >= 0 {
        return Some(wanted as usize);
    }
    let end = waiting.func.get().wrapping_add(n);
    if end >= th.stack_last.get() {
        return None;
    }
    th.top.set(end);
    Some(n)
}

/// Fills `wanted` slots with `n` values and then with nil.
///
/// # Safety
/// Both are slots of stacks, as many as are named (H1).
#[inline(always)]
pub(crate) unsafe fn deliver(dest: *mut TValue, wanted: usize, source: *const TValue, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let distance = source.cast::<u8>().offset_from(dest.cast::<u8>());
        let mut dest = dest;
        let filled = dest.add(n.min(wanted));
        let end = dest.add(wanted);
        while dest < filled {
            // One after the other, so that a single register does.
            let source = dest.byte_offset(distance);
            (*dest).u = (*source).u;
            (*dest).t = (*source).t;
            dest = dest.add(1);
        }
        while dest < end {
            (*dest).t = tag::NIL;
            dest = dest.add(1);
        }
    }
}

/// The state of a thread whose waiting frame has got its values: that frame is left, and its caller goes on.
///
/// # Safety
/// The thread's running frame is a waiting one; I1 for its caller, which has saved its `pc`.
#[inline(always)]
unsafe fn go_on(thread: *mut Thread, waiting: &CallInfo, dispatch: *const Dispatch) -> Machine {
    // SAFETY: E1, M2.
    unsafe {
        let ci = waiting.prev.get();
        (*(*thread).heap.get()).running_thread = thread;
        Machine { lua: thread, pc: (*ci).pc.get().cast(), base: (*ci).base(), ci, dispatch }
    }
}

/// Pushes the frame of the function that is called, which waits.
#[inline(always)]
unsafe fn begin_to_wait(m: Machine, frame: *mut CallInfo, call: Call, limit: *mut TValue, status: u16, k: *const ()) {
    // SAFETY: I1, H4: the frame after the running one.
    unsafe {
        (*m.ci).pc.set(m.pc.cast());
        (*frame).func.set(call.func);
        (*frame).top.set(limit);
        (*frame).begin_as_coded(call.wanted, status);
        (*frame).pc.set(k);
        (*m.lua).ci.set(frame);
    }
}

/// Puts `n` values, which lie from `values`, where the resumer's instruction wants them; `wanted` is how many slots that takes.
///
/// # Safety
/// `waiting` is the resumer's frame, marked `DIRECT`; `wanted` is what [`wanted`] said.
#[inline(always)]
unsafe fn hand_over(waiting: &CallInfo, resumed: bool, wanted: usize, values: *const TValue, n: usize) {
    if wanted == 0 {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let dest = waiting.func.get();
        if resumed {
            *dest = TValue::TRUE;
        }
        deliver(dest.add(resumed as usize), wanted - resumed as usize, values, n);
    }
}

/// Whether the waiting frame is that of `coroutine.resume`, whose first result is true.
#[inline(always)]
fn is_resumption(waiting: &CallInfo) -> bool {
    core::ptr::eq(waiting.pc.get(), finish_resume as Continuation as *const ())
}

/// `coroutine.yield` to a resumer that waits for plain results.
///
/// # Safety
/// I1; the call is the running instruction's, of `coroutine.yield`.
#[inline(always)]
pub(crate) unsafe fn yield_values(m: Machine, call: Call) -> Option<Machine> {
    // SAFETY: E3, H4.
    unsafe {
        let th = &*m.lua;
        let resumer = th.from.get();
        let frame = (*m.ci).next.get();
        if resumer.is_null() || frame.is_null() {
            return None;
        }
        let from = &*resumer;
        let waiting = &*from.ci.get();
        if waiting.status.get() != RESUMING
            || th.n_c_calls.get() != from.n_c_calls.get() + 1
            || th.n_non_yieldable.get() != 0
            || from.hook_mask.get() != 0
        {
            return None;
        }
        let resumed = is_resumption(waiting);
        let wanted = wanted(from, waiting, call.nargs + resumed as usize)?;
        let values = call.func.add(1);
        th.top.set(values);
        th.status.set(Status::Yield as u8);
        th.from.set(core::ptr::null_mut());
        // The room of a native function as far as there is some; who resumes the coroutine makes more (A3).
        let limit = values.wrapping_add(MIN_STACK).min(th.stack_last.get());
        begin_to_wait(m, frame, call, limit, YIELDING, core::ptr::null());
        hand_over(waiting, resumed, wanted, values, call.nargs);
        Some(go_on(resumer, waiting, m.dispatch))
    }
}

/// The return of `n` values, which lie from `first`, from the body of a coroutine to a resumer that waits for plain results.
///
/// # Safety
/// I1; the running instruction is a return, and no upvalues are to be closed.
#[inline(always)]
pub(crate) unsafe fn end(m: Machine, first: *const TValue, n: usize) -> Option<Machine> {
    // SAFETY: E3, H4.
    unsafe {
        let th = &*m.lua;
        let resumer = th.from.get();
        if (*m.ci).status.get() & CallStatus::SLOW_RETURN != CallStatus::FROM_NATIVE
            || !core::ptr::eq((*m.ci).prev.get(), &th.base_ci)
            || resumer.is_null()
        {
            return None;
        }
        let from = &*resumer;
        let waiting = &*from.ci.get();
        if waiting.status.get() != RESUMING || from.hook_mask.get() != 0 {
            return None;
        }
        let resumed = is_resumption(waiting);
        let wanted = wanted(from, waiting, n + resumed as usize)?;
        th.ci.set((*m.ci).prev.get());
        th.top.set(th.base_ci.func.get().add(1));
        th.from.set(core::ptr::null_mut());
        hand_over(waiting, resumed, wanted, first, n);
        (*th.heap.get()).retire_stack(th);
        Some(go_on(resumer, waiting, m.dispatch))
    }
}

/// `coroutine.resume` of a coroutine that is new, or else waits in a plain `coroutine.yield`.
///
/// # Safety
/// I1; the call is the running instruction's, of `coroutine.resume`, and `co` is its first argument.
#[inline(always)]
pub(crate) unsafe fn resume<const NEW: bool>(m: Machine, call: Call, co: GcRef<Thread>) -> Option<Machine> {
    // SAFETY: the caller's promise; H1: there is room for a native function's values.
    unsafe {
        let arguments = call.func.add(2);
        let next = begin_or_go_on::<NEW>(m, call, co, arguments, call.nargs - 1, finish_resume)?;
        // The continuation finds the frame as `native_resume` leaves it: the coroutine, and true below the results.
        (*arguments).t = tag::TRUE;
        (*m.lua).top.set(arguments.add(1));
        Some(next)
    }
}

/// The call of a function that `coroutine.wrap` made of `co`, when that is new, or else waits in a plain `coroutine.yield`.
///
/// # Safety
/// I1; the call is the running instruction's, of such a function.
#[inline(always)]
pub(crate) unsafe fn resume_wrapped<const NEW: bool>(m: Machine, call: Call, co: GcRef<Thread>) -> Option<Machine> {
    // SAFETY: the caller's promise.
    unsafe {
        let arguments = call.func.add(1);
        let next = begin_or_go_on::<NEW>(m, call, co, arguments, call.nargs, finish_wrapped)?;
        (*m.lua).top.set(arguments);
        Some(next)
    }
}

/// What the two kinds of resumption have in common; the caller sets the resumer's top.
#[inline(always)]
unsafe fn begin_or_go_on<const NEW: bool>(
    m: Machine,
    call: Call,
    co: GcRef<Thread>,
    arguments: *const TValue,
    nargs: usize,
    finish: Continuation,
) -> Option<Machine> {
    // SAFETY: the caller's promise.
    unsafe {
        if NEW {
            start(m, call, co, arguments, nargs, finish)
        } else {
            switch_to(m, call, co, arguments, nargs, finish)
        }
    }
}

/// Whether the thread has not begun, or has ended: if it can be resumed, it begins with its body.
#[inline(always)]
pub(crate) fn is_new(co: GcRef<Thread>) -> bool {
    co.status.get() == Status::Ok as u8
}

/// Resumes a new coroutine, whose body must be a Lua function with fixed parameters.
#[inline(always)]
unsafe fn start(
    m: Machine,
    call: Call,
    co: GcRef<Thread>,
    arguments: *const TValue,
    nargs: usize,
    finish: Continuation,
) -> Option<Machine> {
    // SAFETY: H4, F1; the coroutine is live: it is an argument or an upvalue of the called function.
    unsafe {
        let th = &*m.lua;
        let waiting = (*m.ci).next.get();
        let limit = call.func.wrapping_add(2 + MIN_STACK);
        let levels = th.n_c_calls.get() + 1;
        let body = co.base_ci.func.get().wrapping_add(1);
        let base = body.wrapping_add(1);
        // One whose frames are not all left has begun; with nothing but its function it has not ended.
        if !core::ptr::eq(co.ci.get(), &co.base_ci)
            || !core::ptr::eq(co.top.get(), base)
            || (*body).t != tag::LUA_CLOSURE
            || co.hook_mask.get() != 0
            || co.is_settled()
            || waiting.is_null()
            || limit >= th.stack_last.get()
            || levels >= MAX_C_CALLS
        {
            return None;
        }
        let code = GcRef::<LuaClosure>::from_addr((*body).u).code();
        let word = *code.sub(1).cast::<FrameWord>();
        let frame_limit = base.wrapping_byte_add(word.frame_bytes as usize);
        if word.is_vararg != 0 || frame_limit >= co.stack_last.get() {
            return None;
        }
        // A thread that has given its stack away has no such frame, but no room for one either.
        let frame = &*co.base_ci.next.get();
        begin_to_wait(m, waiting, call, limit, RESUMING, finish as *const ());
        frame.func.set(body);
        frame.top.set(frame_limit);
        frame.begin_as_coded(0, CallStatus::LUA | CallStatus::FROM_NATIVE);
        frame.set_registers(base, code);
        co.ci.set(co.base_ci.next.get());
        co.top.set(frame_limit);
        co.n_c_calls.set(levels);
        co.n_non_yieldable.set(0);
        co.from.set(m.lua);
        deliver(base, word.num_params as usize, arguments, nargs);
        (*co.heap.get()).running_thread = co.as_ptr();
        Some(Machine { lua: co.as_ptr(), pc: code, base, ci: co.base_ci.next.get(), ..m })
    }
}

/// Resumes a coroutine that waits in a plain `coroutine.yield`.
#[inline(always)]
unsafe fn switch_to(
    m: Machine,
    call: Call,
    co: GcRef<Thread>,
    arguments: *const TValue,
    nargs: usize,
    finish: Continuation,
) -> Option<Machine> {
    // SAFETY: H4; the coroutine is live: it is an argument or an upvalue of the called function.
    unsafe {
        let th = &*m.lua;
        let frame = (*m.ci).next.get();
        let waiting = &*co.ci.get();
        let limit = call.func.wrapping_add(2 + MIN_STACK);
        let levels = th.n_c_calls.get() + 1;
        if co.status.get() != Status::Yield as u8
            || waiting.status.get() != YIELDING
            || co.hook_mask.get() != 0
            || co.is_settled()
            || frame.is_null()
            || limit >= th.stack_last.get()
            || levels >= MAX_C_CALLS
        {
            return None;
        }
        let wanted = wanted(&co, waiting, nargs)?;
        begin_to_wait(m, frame, call, limit, RESUMING, finish as *const ());
        co.n_c_calls.set(levels);
        co.status.set(Status::Ok as u8);
        co.from.set(m.lua);
        if wanted != 0 {
            deliver(waiting.func.get(), wanted, arguments, nargs);
        }
        Some(go_on(co.as_ptr(), waiting, m.dispatch))
    }
}
