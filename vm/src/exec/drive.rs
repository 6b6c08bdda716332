//! The machine between two stretches of bytecode: calls, returns, continuations and coroutine switches, one step at a time.
//!
//! [`drive`] turns a [`Step`] into the thread whose bytecode is to run next, without recursion: a native function that asks
//! for a call, the call's return, the continuation it runs, and what that asks for are steps of one loop.
//!
//! E1. While bytecode or a native function runs, `heap.running_thread` is its thread, and errors are raised on it.
//! E2. Each nested [`run`] owns exactly one frame with `FRESH` set, on the thread on which it was begun; it ends when that
//!     frame returns, or by an error that no protected frame above it takes.
//! E3. A thread with `from` set was resumed without Rust stack: its end, yield or error continues `from`, whose running frame
//!     is native and has `RESUMING` set.

use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, NativeClosure, TValue, Thread};

use super::{call, coroutine, finish, interp};
use crate::api::QuickNative;
use crate::error::{LuaResult, Status, Thrown};
use crate::state::{Continuation, LuaState, NativeFn};

/// What to do next on a thread.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// Call the function at this byte offset of the stack, with the values above it as arguments.
    Enter { func: usize, nresults: i16, flags: u16 },
    /// The native function of the running frame came back with this.
    Native(LuaResult<usize>),
    /// A frame with these status bits was popped and its results are in place.
    Popped { status: u16, nresults: i16 },
    /// The native function of the running frame is to be continued with this status.
    Continue(Status),
    /// The running frame's bytecode goes on.
    Bytecode,
}

/// The thread to run next; null to leave the loop because a host boundary was reached.
pub(crate) type Next = *mut Thread;

/// Runs steps until bytecode is to be executed or a host boundary is reached.
pub(crate) fn drive(lua: &mut LuaState, step: Step) -> LuaResult<Next> {
    let mut lua = lua.as_thread_ptr();
    let mut step = step;
    loop {
        // SAFETY: M1: the thread runs, so it is reachable (E1).
        let state = unsafe { LuaState::from_thread(lua) };
        step = match step {
            Step::Enter { func, nresults, flags } => enter(state, func, nresults, flags)?,
            Step::Native(Ok(n)) => call::leave_native(state, n)?,
            Step::Native(Err(Thrown::Call)) => enter_requested(state)?,
            Step::Native(Err(Thrown::Resume)) => {
                let (target, next) = coroutine::switch_to_target(state)?;
                lua = target;
                next
            }
            Step::Native(Err(Thrown::Yield)) => {
                let (target, next) = coroutine::yield_to_resumer(state)?;
                lua = target;
                next
            }
            Step::Native(Err(error)) => return Err(error),
            Step::Popped { status, nresults } => {
                if status & CallStatus::FRESH != 0 {
                    return Ok(core::ptr::null_mut());
                }
                let ci = state.th().ci.get();
                // SAFETY: H4.
                let is_lua = unsafe { (*ci).is_lua() };
                if is_lua {
                    if status & CallStatus::META != 0 {
                        finish::finish_op(state)?
                    } else {
                        if nresults >= 0 {
                            // SAFETY: H4.
                            state.th().top.set(unsafe { (*ci).top.get() });
                        }
                        Step::Bytecode
                    }
                } else if core::ptr::eq(ci, &state.th().base_ci) {
                    match coroutine::finished(state)? {
                        Some((target, next)) => {
                            lua = target;
                            next
                        }
                        None => return Ok(core::ptr::null_mut()),
                    }
                } else {
                    // SAFETY: H4.
                    let then = unsafe { (*ci).status.get() } & CallStatus::THEN != 0;
                    Step::Continue(if then { Status::Ok } else { Status::Yield })
                }
            }
            Step::Continue(status) => proceed(state, status)?,
            Step::Bytecode => return Ok(lua),
        }
    }
}

/// Continues the native function of the running frame, and begins the call that it asks for, if that is of a Lua function.
#[inline(always)]
pub(super) fn proceed(lua: &mut LuaState, status: Status) -> LuaResult<Step> {
    match continue_native(lua, status) {
        Err(Thrown::Call) => enter_requested(lua),
        result => Ok(Step::Native(result)),
    }
}

/// Begins the call that the running native function asked for, or says how it is begun.
#[inline(always)]
fn enter_requested(lua: &mut LuaState) -> LuaResult<Step> {
    let th = lua.th();
    let count = transfer_count(lua);
    // SAFETY: M2.
    let wanted = unsafe { (*lua.global()).transfer_wanted };
    // `call_then` has seen to all this, but the function that asked may have done something else since.
    // SAFETY: H4.
    let asked = unsafe { (*th.ci.get()).has(CallStatus::THEN) };
    if !asked
        || count >= lua.held()
        || (wanted as isize > count as isize + 1 && !lua.check_stack(wanted as usize - count - 1))
    {
        return Err(lua.raise_plain(format_args!("not enough values on the stack for a call")));
    }
    let th = lua.th();
    let slot = th.from_top(count + 1);
    // SAFETY: H1.
    let callee = unsafe { *slot };
    if callee.tag() == tag::LUA_CLOSURE {
        // SAFETY: H1, H4: the values from the slot to the top are the native function's last ones. Its frame has no `pc` that
        // the call needs: that is its continuation.
        if unsafe { finish::enter_lua(lua, slot, th.top.get(), wanted, CallStatus::FROM_NATIVE) }.is_none() {
            call::push_lua_frame(lua, slot, wanted, CallStatus::FROM_NATIVE)?;
        }
        return Ok(Step::Bytecode);
    }
    Ok(Step::Enter { func: th.save(slot), nresults: wanted, flags: CallStatus::FROM_NATIVE })
}

/// How many values the last request of a native function concerns.
fn transfer_count(lua: &LuaState) -> usize {
    // SAFETY: M2.
    unsafe { (*lua.global()).transfer_count as usize }
}

/// Begins a call; a native function runs to its end or to its next request.
fn enter(lua: &mut LuaState, func: usize, nresults: i16, flags: u16) -> LuaResult<Step> {
    let slot = lua.th().restore(func);
    // SAFETY: H1.
    let callee = unsafe { *slot };
    match callee.tag() {
        tag::LUA_CLOSURE => {
            call::push_lua_frame(lua, slot, nresults, flags)?;
            Ok(Step::Bytecode)
        }
        tag::NATIVE | tag::QUICK_NATIVE | tag::NATIVE_CLOSURE => {
            let function = native_of(callee);
            call::push_native_frame(lua, slot, nresults, flags)?;
            Ok(Step::Native(call::call_function(lua, function)))
        }
        _ => {
            let func = call::try_call_metamethod(lua, slot)?;
            Ok(Step::Enter { func, nresults, flags })
        }
    }
}

/// The native function of a value that has the tag of one.
#[inline(always)]
pub(crate) fn native_of(callee: TValue) -> NativeFn {
    // SAFETY: V1; the VM makes such values of `NativeFn` alone.
    unsafe {
        let pointer = match callee.tag() {
            tag::NATIVE => callee.as_pointer().cast_const().cast::<()>(),
            tag::QUICK_NATIVE => return QuickNative::of(callee).function,
            _ => match QuickNative::of_closure(callee.as_ref()) {
                Some(native) => return native.function,
                None => callee.as_ref::<NativeClosure>().func(),
            },
        };
        core::mem::transmute::<*const (), NativeFn>(pointer)
    }
}

/// Runs the continuation of the running native frame.
#[doc(alias = "finishCcall")]
fn continue_native(lua: &mut LuaState, status: Status) -> LuaResult<usize> {
    let ci = lua.th().ci.get();
    // SAFETY: H4.
    let frame: &CallInfo = unsafe { &*ci };
    if frame.has(CallStatus::PROTECTED) {
        frame.clear(CallStatus::PROTECTED);
        lua.th().err_func.set(frame.protected()[1] as usize);
    }
    frame.clear(CallStatus::THEN | CallStatus::RESUMING | CallStatus::DIRECT | CallStatus::TRUE_FIRST);
    // A call of a Lua function with a fixed number of results left the top at the frame's limit; natives own their top.
    let k = frame.pc.get();
    let ctx = frame.ctx();
    frame.pc.set(core::ptr::null());
    if k.is_null() {
        return Err(lua.raise(format_args!("attempt to continue a function without continuation")));
    }
    // SAFETY: a native frame's `pc` is null or a `Continuation` (`set_continuation`).
    let k = unsafe { core::mem::transmute::<*const (), Continuation>(k) };
    let result = k(lua, status, ctx);
    if core::ptr::eq(lua.th().ci.get(), ci) { result } else { call::back_in_frame(lua, ci, result) }
}

/// Runs from a step until the host boundary of this run is reached (E2).
#[doc(alias = "luaV_execute")]
pub(crate) fn run(lua: &mut LuaState, step: Step) -> LuaResult<()> {
    let mut result = drive(lua, step);
    loop {
        match result {
            Ok(next) if next.is_null() => return Ok(()),
            Ok(next) => {
                // SAFETY: `drive` returned a thread whose running frame is a Lua function's, with its state saved.
                let (stopped, thrown) = unsafe { interp::execute(next) };
                match thrown {
                    None => return Ok(()),
                    Some(thrown) => {
                        debug_assert!(!stopped.is_null());
                        result = Err(thrown);
                    }
                }
            }
            Err(Thrown::Yield) => return Err(Thrown::Yield),
            Err(thrown) => {
                // SAFETY: M1, E1.
                let running = unsafe { LuaState::from_thread(lua.heap().running_thread) };
                let (target, step) = super::protect::recover(running, thrown)?;
                // SAFETY: M1; the target is the running thread or one that waits for it.
                result = drive(unsafe { LuaState::from_thread(target) }, step);
            }
        }
    }
}
