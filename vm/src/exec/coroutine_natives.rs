//! `coroutine.resume`, `coroutine.yield` and the function that `coroutine.wrap` makes (manual §6.2).
//!
//! They are stackless natives like any other; the interpreter knows them by address, so that the common cases need no call
//! at all (`switch`).

use crate::error::{LuaResult, Status};
use crate::state::LuaState;
use crate::{LuaType, ThreadRef, upvalue_index};

/// The first argument, which must be a thread.
fn thread_argument(lua: &mut LuaState) -> LuaResult<ThreadRef> {
    match lua.to_thread(1) {
        Some(co) => Ok(co),
        None => Err(lua.arg_error(1, "thread expected")),
    }
}

/// Moves the `nargs` topmost values to a coroutine that is about to be resumed; otherwise says why it cannot be.
/// The machine finds the other reasons why a coroutine cannot be resumed.
///
/// The coroutine must be in a slot of the stack or an upvalue.
fn prepare(lua: &mut LuaState, co: ThreadRef, nargs: usize) -> LuaResult<Option<&'static str>> {
    // SAFETY: M1: the coroutine is in a slot of the stack or an upvalue.
    let state = unsafe { co.woken_state() };
    if state.status() == Status::Ok && state.get_top() == 0 {
        return Ok(Some("cannot resume dead coroutine"));
    }
    if !state.check_stack(nargs) {
        return Ok(Some("too many arguments to resume"));
    }
    lua.xmove(state, nargs)?;
    Ok(None)
}

/// `coroutine.resume (co [, val1, ···])` (§6.2)
pub fn native_resume(lua: &mut LuaState) -> LuaResult<usize> {
    let co = thread_argument(lua)?;
    let nargs = lua.get_top() as usize - 1;
    if let Some(refusal) = prepare(lua, co, nargs)? {
        lua.push_boolean(false)?;
        lua.push_str(refusal)?;
        return Ok(2);
    }
    // The first result, if there is no error, goes below those of the coroutine.
    lua.push_boolean(true)?;
    lua.resume_then(co, nargs, 0, finish_resume)
}

/// Returns true and what the coroutine passed, or false and its error.
pub(super) fn finish_resume(lua: &mut LuaState, status: Status, _: isize) -> LuaResult<usize> {
    if status.is_error() {
        lua.push_boolean(false)?;
        lua.insert(-2);
        return Ok(2);
    }
    // The host may have taken values from a function that waits.
    Ok((lua.get_top() as usize).saturating_sub(1))
}

/// What `wrap` returns: resumes the coroutine that is its upvalue.
pub fn native_wrapped(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(co) = lua.to_thread(upvalue_index(1)) else {
        return Err(lua.raise(format_args!("cannot resume dead coroutine")));
    };
    let nargs = lua.get_top() as usize;
    if let Some(refusal) = prepare(lua, co, nargs)? {
        lua.push_str(refusal)?;
        return propagate(lua);
    }
    lua.resume_then(co, nargs, 0, finish_wrapped)
}

/// Returns what the coroutine passed, or propagates its error.
pub(super) fn finish_wrapped(lua: &mut LuaState, status: Status, _: isize) -> LuaResult<usize> {
    if status.is_error() { propagate(lua) } else { Ok(lua.get_top() as usize) }
}

/// Raises the error value on top; a message gets the position of the caller in front.
fn propagate(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.lua_type(-1) == LuaType::String {
        lua.where_(1)?;
        lua.insert(-2);
        lua.concat(2)?;
    }
    Err(lua.error())
}

/// `coroutine.yield (···)` (§6.2)
pub fn native_yield(lua: &mut LuaState) -> LuaResult<usize> {
    let count = lua.get_top() as usize;
    lua.yield_values(count)
}
