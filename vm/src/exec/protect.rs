//! Protected calls: where errors end.

use perilune_core::{CallInfo, CallStatus, TValue, Thread};

use super::drive::Step;
use super::unwind::Guard;
use super::{coroutine, upvalue};
use crate::error::{LuaResult, Status, Thrown};
use crate::state::LuaState;

/// The value of an error that was just raised on this thread.
#[doc(alias = "seterrorobj")]
pub(crate) fn error_value(lua: &mut LuaState, thrown: Thrown) -> TValue {
    match thrown {
        Thrown::Memory => memory_message(lua),
        Thrown::ErrorInHandler => match lua.heap().new_string(b"error in error handling") {
            Ok(message) => TValue::object(message),
            Err(_) => memory_message(lua),
        },
        // SAFETY: H1: the value was pushed by whoever raised the error.
        _ => unsafe { *lua.th().from_top(1) },
    }
}

fn memory_message(lua: &LuaState) -> TValue {
    // SAFETY: the message is pinned (G1).
    TValue::object(unsafe { perilune_core::GcRef::from_ptr(lua.heap().memory_message) })
}

/// Runs `body` in protected mode from the stack offset `func` on (`luaD_pcall`).
#[doc(alias = "luaD_pcall")]
pub(crate) fn run_from(
    lua: &mut LuaState,
    func: usize,
    handler: usize,
    body: impl FnOnce(&mut LuaState) -> LuaResult<()>,
) -> Status {
    let running = core::mem::replace(&mut lua.heap().running_thread, lua.as_thread_ptr());
    let th = lua.th();
    let ci = th.ci.get();
    let allow_hook = th.allow_hook.get();
    let non_yieldable = th.n_non_yieldable.get();
    let levels = th.n_c_calls.get();
    let guard = Guard::new(lua, running, func);
    let old_handler = lua.th().err_func.replace(handler);
    let result = body(lua);
    guard.disarm();
    let status = match result {
        Ok(()) => Status::Ok,
        Err(thrown) => {
            lua.th().n_non_yieldable.set(non_yieldable);
            lua.th().n_c_calls.set(levels);
            unwind(lua, ci, func, allow_hook, thrown)
        }
    };
    lua.th().err_func.set(old_handler);
    lua.heap().running_thread = running;
    status
}

/// The same from the top of the stack, without a handler.
#[doc(alias = "luaD_rawrunprotected")]
pub(crate) fn run(lua: &mut LuaState, body: impl FnOnce(&mut LuaState) -> LuaResult<()>) -> Status {
    let func = lua.th().save(lua.th().top.get());
    run_from(lua, func, 0, body)
}

/// Goes back to frame `ci` with the error's value at offset `func` and nothing above it.
fn unwind(lua: &mut LuaState, ci: *mut CallInfo, func: usize, allow_hook: bool, thrown: Thrown) -> Status {
    let value = error_value(lua, thrown);
    let th = lua.th();
    // The value is kept at the top while upvalues are closed.
    upvalue::close_from(lua, th.restore(func));
    // A function that kept many errors of memory to itself may have filled the stack to its end.
    th.top.set(th.restore(func));
    th.push_at_end(value);
    th.ci.set(ci);
    th.allow_hook.set(allow_hook);
    // SAFETY: M1.
    unsafe { lua.heap().shrink_stack(lua.thread()) };
    thrown.status()
}

/// Delivers an error to the protected frame `ci` of a `pcall_k` or `pcall_then`.
pub(crate) fn deliver(lua: &mut LuaState, ci: *mut CallInfo, thrown: Thrown) -> Status {
    // SAFETY: H4.
    let frame = unsafe { &*ci };
    let func = frame.protected()[0] as usize;
    unwind(lua, ci, func, frame.has(CallStatus::ALLOW_HOOK), thrown)
}

/// Finds who takes an error that was raised on the running thread (E1): a protected frame, or the resumer of a coroutine.
///
/// # Errors
/// The error itself, where a host boundary comes first (E2); its frame is popped then.
pub(crate) fn recover(lua: &mut LuaState, thrown: Thrown) -> LuaResult<(*mut Thread, Step)> {
    let th = lua.th();
    let mut ci = th.ci.get();
    // SAFETY: H4.
    unsafe {
        while !core::ptr::eq(ci, &th.base_ci) {
            // A function that the host called may itself have asked for a protected call (`pcall_k`).
            if (*ci).has(CallStatus::PROTECTED) {
                let status = deliver(lua, ci, thrown);
                return Ok((lua.as_thread_ptr(), Step::Continue(status)));
            }
            if (*ci).has(CallStatus::FRESH) {
                // The value stays on top for whoever takes it.
                super::call::give_up_frames(lua, (*ci).prev.get());
                return Err(thrown);
            }
            ci = (*ci).prev.get();
        }
    }
    let value = error_value(lua, thrown);
    if lua.th().from.get().is_null() {
        // The host resumed it: the error's value is left on top.
        if matches!(thrown, Thrown::Memory | Thrown::ErrorInHandler) {
            lua.th().push_at_end(value);
        }
        return Err(thrown);
    }
    coroutine::died(lua, thrown, value)
}
