//! Protected calls: where errors end.

use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, TValue, Thread};

use super::drive::Step;
use super::unwind::Guard;
use super::{coroutine, panic, upvalue};
use crate::anchor::Wait;
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
    let wait = Wait::new(lua, running);
    // SAFETY: N2: it stays here until the end.
    unsafe { Wait::begin(&wait) };
    // What is called on a thread that does not run comes on top of the levels of the one that does.
    // SAFETY: E1.
    lua.th().n_c_calls.set(unsafe { (*running).n_c_calls.get() });
    let old_handler = lua.th().err_func.replace(handler);
    let result = panic::shielded(lua, body);
    guard.disarm();
    let status = match result {
        Ok(()) => Status::Ok,
        Err(thrown) => {
            lua.th().n_non_yieldable.set(non_yieldable);
            unwind(lua, ci, func, allow_hook, thrown)
        }
    };
    lua.th().n_c_calls.set(levels);
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
    th.lost_ci.set(core::ptr::null_mut());
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

/// Notes the frames that an error leaves because a native function gets to see it, so that a thread that dies of it has them for
/// a traceback. Those noted before stay noted if that function has only passed the error on.
fn note_lost_frames(th: &Thread) {
    let lost = th.lost_ci.get();
    // SAFETY: H7, H4.
    unsafe {
        if lost.is_null() || (*lost).top.get() != th.top.get() {
            let ci = th.ci.get();
            (*ci).top.set(th.top.get());
            th.lost_ci.set(ci);
        }
    }
}

/// Goes back to the frames that were noted, as the error ends the thread, unless something else has happened since.
fn show_lost_frames(th: &Thread) {
    let lost = th.lost_ci.replace(core::ptr::null_mut());
    // SAFETY: H7: the frame is one of the list. H4, V1: if its function and those of the frames below are still on the stack, in
    // their order, it can be used.
    unsafe {
        if lost.is_null() || (*lost).top.get() != th.top.get() {
            return;
        }
        let (mut ci, mut above) = (lost, th.top.get());
        while !core::ptr::eq(ci, th.ci.get()) {
            let func = (*ci).func.get();
            if core::ptr::eq(ci, &th.base_ci) || func >= above || func <= th.stack.get() || !may_run(&*ci, *func) {
                return;
            }
            above = func;
            ci = (*ci).prev.get();
        }
        th.ci.set(lost);
    }
}

/// Whether a frame may be this function's.
fn may_run(frame: &CallInfo, function: TValue) -> bool {
    function.is_function() && (function.tag() == tag::LUA_CLOSURE) == frame.is_lua()
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
                panic::before_unwinding(lua, (*ci).prev.get(), thrown);
                note_lost_frames(lua.th());
                // The value stays on top for whoever takes it.
                super::call::give_up_frames(lua, (*ci).prev.get());
                return Err(thrown);
            }
            ci = (*ci).prev.get();
        }
    }
    let value = error_value(lua, thrown);
    show_lost_frames(lua.th());
    if lua.th().from.get().is_null() {
        // The host resumed it, and finds the value on top of what the function had when it died.
        let th = lua.th();
        th.push_at_end(value);
        // SAFETY: H4.
        unsafe { (*th.ci.get()).top.set(th.top.get()) };
        return Err(thrown);
    }
    coroutine::died(lua, thrown, value)
}
