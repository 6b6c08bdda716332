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

use core::hint::cold_path;

use perilune_core::base::limits::MAX_C_CALLS;
use perilune_core::code::FrameWord;
use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, GcRef, LuaClosure, NativeClosure, TValue, Thread};

use super::coroutine_natives::{finish_resume, finish_wrapped, native_resume, native_wrapped, native_yield};
use super::interp::{Dispatch, Machine, computed};
use crate::error::Status;
use crate::state::{Continuation, NativeFn};

/// The status of the frame of a `coroutine.resume` that waits for plain results.
const RESUMING: u16 = WRAPPED | CallStatus::TRUE_FIRST;
/// The status of the frame of a wrapped coroutine that waits for plain results.
const WRAPPED: u16 = CallStatus::RESUMING | CallStatus::DIRECT;
/// The status of the frame of a `coroutine.yield` that waits for plain results.
const YIELDING: u16 = CallStatus::DIRECT;

/// A call: its function's slot, how many arguments lie above, and how many results are wanted, as the instruction has it.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) func: *mut TValue,
    pub(crate) nargs: usize,
    pub(crate) wanted: u16,
}

/// How many arguments the running call has.
///
/// # Safety
/// I1; H2: open calls have their arguments up to the top.
#[inline(always)]
pub(crate) unsafe fn arguments_of(m: Machine) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let values = if m.nb() != 0 { m.nb() } else { (*m.lua).top.get().offset_from(m.a()) as usize };
        values - 1
    }
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
    let status = match ci.status.get() {
        0 if k.is_null() => YIELDING,
        CallStatus::RESUMING if core::ptr::eq(k, finish_resume as Continuation as *const ()) => RESUMING,
        CallStatus::RESUMING if core::ptr::eq(k, finish_wrapped as Continuation as *const ()) => WRAPPED,
        _ => return,
    };
    // SAFETY: H4: a native frame has a frame before it.
    if unsafe { (*ci.prev.get()).is_lua() } {
        ci.set(status);
    }
}

/// What [`CallInfo::wanted_and_status`] gives for a frame with this status whose instruction wants `n` results.
const fn wanting(n: u16, status: u16) -> u32 {
    (n + 1) as u32 | (status as u32) << 16
}

/// `coroutine.resume` that wants true and a value.
const TRUE_AND_ONE: u32 = wanting(2, RESUMING);
/// `coroutine.resume` that wants nothing.
const TRUE_AND_NONE: u32 = wanting(0, RESUMING);
/// A wrapped coroutine that wants a value.
const ONE: u32 = wanting(1, WRAPPED);
/// A wrapped coroutine that wants nothing.
const NONE: u32 = wanting(0, WRAPPED);

/// `coroutine.yield` that wants a value.
const WAITS_FOR_ONE: u32 = wanting(1, YIELDING);
/// `coroutine.yield` that wants nothing.
const WAITS_FOR_NONE: u32 = wanting(0, YIELDING);

/// Copies a value by way of a single register.
///
/// # Safety
/// Both are slots of stacks (H1).
#[inline(always)]
unsafe fn copy(dest: *mut TValue, source: *const TValue) {
    // SAFETY: the caller's promise.
    unsafe {
        (*dest).u = (*source).u;
        (*dest).t = (*source).t;
    }
}

/// Whether `n` values fit where the instruction of a waiting frame wants them. If it wants all, the top is set behind them.
///
/// # Safety
/// The frame is the thread's running one, marked `DIRECT`.
#[inline(always)]
unsafe fn make_room(th: &Thread, waiting: &CallInfo, n: usize) -> bool {
    // What an instruction wants fits into its frame (I1), unless it wants all.
    if waiting.nresults() < 0 {
        let end = waiting.func.get().wrapping_add(n);
        if end >= th.stack_last.get() {
            return false;
        }
        th.top.set(end);
    }
    true
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
            copy(dest, source);
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

/// Whether there is a frame after the running one.
#[inline(always)]
unsafe fn has_next_frame(m: Machine) -> bool {
    // SAFETY: I1, H4.
    unsafe { !(*m.ci).next.get().is_null() }
}

/// Pushes the frame of the function that is called, which waits with what lies below `top`. Should it go on in the general way and
/// push values, it makes the room for them (A3). `wanted` is as in a call instruction.
///
/// # Safety
/// I1; there is a [next frame](has_next_frame).
#[inline(always)]
unsafe fn begin_to_wait(
    m: Machine,
    func: *mut TValue,
    top: *mut TValue,
    wanted: impl FnOnce() -> u16,
    status: u16,
    k: *const (),
) {
    // SAFETY: I1, H4: the frame after the running one.
    unsafe {
        (*m.ci).pc.set(m.pc.cast());
        // Loaded only now, as the handlers have registers to spare from here on.
        let frame = (*m.ci).next.get();
        (*m.lua).ci.set(frame);
        (*frame).func.set(func);
        (*frame).pc.set(k);
        (*frame).begin_as_coded(wanted(), status);
        let top = computed(top);
        (*frame).top.set(top);
        (*m.lua).top.set(top);
    }
}

/// Whether the thread is, or was last, as many levels deep as one that `from` resumes without Rust stack. If it was resumed by that
/// and runs, no nested run has begun in it since.
#[inline(always)]
fn is_one_level_above(th: &Thread, from: &Thread) -> bool {
    th.n_c_calls.get() == from.n_c_calls.get() + 1
}

/// Suspends the running coroutine; gives the place of the values.
///
/// # Safety
/// I1; the running instruction calls `coroutine.yield`, and there is a next frame.
#[inline(always)]
unsafe fn suspend(m: Machine) -> *const TValue {
    // SAFETY: the caller's promise.
    unsafe {
        (*m.lua).from.set(core::ptr::null_mut());
        (*m.lua).set_condition(Thread::WAITS);
        let func = computed(m.a());
        begin_to_wait(m, func, func.add(1), || m.nc() as u16, YIELDING, core::ptr::null());
        func.add(1)
    }
}

/// `coroutine.yield` of one value or none to a resumer that wants one or none. `None`, with nothing changed: any other way.
///
/// # Safety
/// I1; the running instruction calls `coroutine.yield`.
#[inline(always)]
pub(crate) unsafe fn yield_one(m: Machine) -> Option<Machine> {
    // SAFETY: E3, H4; H1: there is a slot above the function's.
    unsafe {
        if m.nb() != 2 {
            cold_path();
            if m.nb() != 1 {
                return None;
            }
            (*m.a().add(1)).t = tag::NIL;
        }
        let th = &*m.lua;
        let resumer = th.from.get();
        if resumer.is_null() || !has_next_frame(m) {
            cold_path();
            return None;
        }
        let from = &*resumer;
        if th.condition() != Thread::RUNS || !is_one_level_above(th, from) || from.hook_mask.get() != 0 {
            cold_path();
            return None;
        }
        let waiting = &*from.ci.get();
        match waiting.wanted_and_status() {
            TRUE_AND_ONE => {
                let value = suspend(m);
                let dest = waiting.func.get();
                (*dest).t = tag::TRUE;
                copy(dest.add(1), value);
                Some(go_on(resumer, waiting, m.dispatch))
            }
            ONE => {
                let value = suspend(m);
                copy(waiting.func.get(), value);
                Some(go_on(resumer, waiting, m.dispatch))
            }
            TRUE_AND_NONE | NONE => {
                cold_path();
                suspend(m);
                Some(go_on(resumer, waiting, m.dispatch))
            }
            _ => {
                cold_path();
                None
            }
        }
    }
}

/// `coroutine.yield` to a resumer that waits for plain results.
///
/// # Safety
/// I1; the running instruction calls `coroutine.yield`.
#[inline(always)]
pub(crate) unsafe fn yield_values(m: Machine) -> Option<Machine> {
    // SAFETY: E3, H4.
    unsafe {
        let th = &*m.lua;
        let resumer = th.from.get();
        if resumer.is_null() || !has_next_frame(m) {
            return None;
        }
        let from = &*resumer;
        let waiting = &*from.ci.get();
        if !is_waiting(waiting)
            || th.condition() != Thread::RUNS
            || !is_one_level_above(th, from)
            || from.hook_mask.get() != 0
        {
            return None;
        }
        let n = arguments_of(m);
        if !make_room(from, waiting, n + first_results(waiting)) {
            return None;
        }
        let values = suspend(m);
        hand_over(waiting, values, n);
        Some(go_on(resumer, waiting, m.dispatch))
    }
}

/// Whether the frame of a resumer waits for plain results.
#[inline(always)]
fn is_waiting(frame: &CallInfo) -> bool {
    frame.status.get() | CallStatus::TRUE_FIRST == RESUMING
}

/// How many results of the resumer's function come before those of the coroutine.
#[inline(always)]
fn first_results(waiting: &CallInfo) -> usize {
    (waiting.status.get() >> CallStatus::TRUE_FIRST.trailing_zeros()) as usize
}

/// Puts `n` values, which lie from `values`, where the resumer's instruction wants them.
///
/// # Safety
/// `waiting` is the resumer's running frame, [waits](is_waiting), and has [room](make_room) for them.
#[inline(always)]
unsafe fn hand_over(waiting: &CallInfo, values: *const TValue, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut dest = waiting.func.get();
        let mut wanted = waiting.nresults();
        if first_results(waiting) != 0 {
            if wanted == 0 {
                return;
            }
            (*dest).t = tag::TRUE;
            dest = dest.add(1);
            wanted -= (wanted > 0) as i16;
        }
        deliver(dest, if wanted >= 0 { wanted as usize } else { n }, values, n);
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
        if !is_waiting(waiting) || from.hook_mask.get() != 0 || !make_room(from, waiting, n + first_results(waiting)) {
            return None;
        }
        hand_over(waiting, first, n);
        th.ci.set((*m.ci).prev.get());
        th.top.set(th.base_ci.func.get().add(1));
        th.from.set(core::ptr::null_mut());
        (*th.heap.get()).retire_stack(th);
        Some(go_on(resumer, waiting, m.dispatch))
    }
}

/// What a coroutine is resumed by: `coroutine.resume`, or a function that `coroutine.wrap` made.
pub(crate) trait Resumer {
    /// How many of the function's arguments come before those that the coroutine gets.
    const OWN: usize;
    /// The status of the frame that waits.
    const STATUS: u16;
    /// What goes on when the coroutine comes back in the general way.
    const FINISH: Continuation;

    /// Whether the first result is true, before those of the coroutine.
    const IS_TRUE_FIRST: bool = Self::STATUS & CallStatus::TRUE_FIRST != 0;
    /// How many slots the function has while it waits, its own included.
    const SLOTS: usize = 1 + Self::OWN + Self::IS_TRUE_FIRST as usize;
}

/// `coroutine.resume`, whose first argument is the coroutine.
pub(crate) struct Resume;

impl Resumer for Resume {
    const OWN: usize = 1;
    const STATUS: u16 = RESUMING;
    const FINISH: Continuation = finish_resume;
}

/// A function that `coroutine.wrap` made, whose upvalue is the coroutine.
pub(crate) struct Wrapped;

impl Resumer for Wrapped {
    const OWN: usize = 0;
    const STATUS: u16 = WRAPPED;
    const FINISH: Continuation = finish_wrapped;
}

/// Lets the function at `func` wait for a coroutine, and has that run.
///
/// # Safety
/// I1; there is a next frame; `wanted` is as in a call instruction.
#[inline(always)]
unsafe fn wait_for<R: Resumer>(m: Machine, func: *mut TValue, wanted: impl FnOnce() -> u16, co: GcRef<Thread>) {
    // SAFETY: the caller's promise.
    unsafe {
        co.set_condition(Thread::RUNS);
        co.from.set(m.lua);
        begin_to_wait(m, func, func.add(R::SLOTS), wanted, R::STATUS, R::FINISH as *const ());
    }
}

/// The slots of the function that waits become what its continuation finds, once the coroutine has got its arguments.
///
/// # Safety
/// `func` is the slot of the function.
#[inline(always)]
unsafe fn put_first_result<R: Resumer>(func: *mut TValue) {
    if R::IS_TRUE_FIRST {
        // SAFETY: the caller's promise; H1: a native function's values fit.
        unsafe { (*func.add(R::SLOTS - 1)).t = tag::TRUE };
    }
}

/// Whether the thread has not begun, or has ended: if it can be resumed, it begins with its body.
#[inline(always)]
pub(crate) fn is_new(co: GcRef<Thread>) -> bool {
    co.status.get() == Status::Ok as u8
}

/// Resumes a new coroutine, whose body must be a Lua function with fixed parameters.
///
/// # Safety
/// I1; the call is the running instruction's, of such a function, for this coroutine.
#[inline(always)]
pub(crate) unsafe fn start<R: Resumer>(m: Machine, call: Call, co: GcRef<Thread>) -> Option<Machine> {
    // SAFETY: H4, F1; the coroutine is live: it is an argument or an upvalue of the called function.
    unsafe {
        let th = &*m.lua;
        let levels = th.n_c_calls.get() + 1;
        let body = co.base_ci.func.get().wrapping_add(1);
        let base = body.wrapping_add(1);
        // One whose frames are not all left has begun; with nothing but its function it has not ended.
        if !core::ptr::eq(co.ci.get(), &co.base_ci)
            || !core::ptr::eq(co.top.get(), base)
            || (*body).t != tag::LUA_CLOSURE
            || co.hook_mask.get() != 0
            || co.is_settled()
            || !has_next_frame(m)
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
        frame.func.set(body);
        frame.top.set(frame_limit);
        frame.begin_as_coded(0, CallStatus::LUA | CallStatus::FROM_NATIVE);
        frame.set_registers(base, code);
        co.ci.set(co.base_ci.next.get());
        co.top.set(frame_limit);
        co.n_c_calls.set(levels);
        deliver(base, word.num_params as usize, call.func.add(1 + R::OWN), call.nargs - R::OWN);
        put_first_result::<R>(call.func);
        wait_for::<R>(m, call.func, || call.wanted, co);
        (*co.heap.get()).running_thread = co.as_ptr();
        Some(Machine { lua: co.as_ptr(), pc: code, base, ci: co.base_ci.next.get(), ..m })
    }
}

/// Resumes a coroutine that waits in a plain `coroutine.yield` for no value or one, from where it has been resumed last.
/// `argument` is the value for it. `None`, with nothing changed: any other way.
///
/// # Safety
/// I1; the call is the running instruction's, of such a function, for this coroutine.
#[inline(always)]
pub(crate) unsafe fn resume_one<R: Resumer>(
    m: Machine,
    co: GcRef<Thread>,
    func: *mut TValue,
    wanted: impl FnOnce() -> u16,
    argument: *mut TValue,
) -> Option<Machine> {
    // SAFETY: H4; the coroutine is live: it is an argument or an upvalue of the called function.
    unsafe {
        if co.condition() != Thread::WAITS || co.is_settled() || !has_next_frame(m) || !is_one_level_above(&co, &*m.lua)
        {
            cold_path();
            return None;
        }
        let waiting = &*co.ci.get();
        if !matches!(waiting.wanted_and_status(), WAITS_FOR_ONE | WAITS_FOR_NONE) {
            cold_path();
            return None;
        }
        wait_for::<R>(m, func, wanted, co);
        if waiting.nresults() != 0 {
            copy(waiting.func.get(), argument);
        }
        put_first_result::<R>(func);
        Some(go_on(co.as_ptr(), waiting, m.dispatch))
    }
}

/// Resumes a coroutine that waits in a plain `coroutine.yield`. `nargs` is how many arguments are for it.
///
/// # Safety
/// I1; the call is the running instruction's, of such a function, for this coroutine.
#[inline(always)]
pub(crate) unsafe fn resume<R: Resumer>(
    m: Machine,
    co: GcRef<Thread>,
    func: *mut TValue,
    wanted: impl FnOnce() -> u16,
    nargs: usize,
) -> Option<Machine> {
    // SAFETY: H4; the coroutine is live: it is an argument or an upvalue of the called function.
    unsafe {
        let waiting = &*co.ci.get();
        let levels = (*m.lua).n_c_calls.get() + 1;
        if co.condition() != Thread::WAITS
            || waiting.status.get() != YIELDING
            || co.is_settled()
            || !has_next_frame(m)
            || levels >= MAX_C_CALLS
        {
            return None;
        }
        if !make_room(&co, waiting, nargs) {
            return None;
        }
        co.n_c_calls.set(levels);
        wait_for::<R>(m, func, wanted, co);
        let wanted = if waiting.nresults() >= 0 { waiting.nresults() as usize } else { nargs };
        deliver(waiting.func.get(), wanted, func.add(1 + R::OWN), nargs);
        put_first_result::<R>(func);
        Some(go_on(co.as_ptr(), waiting, m.dispatch))
    }
}
