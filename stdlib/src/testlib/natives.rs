//! The native functions that scripts of the little language become: called, continued, and as hooks.

use perilune_vm::{
    HookEvent, HookKind, LuaResult, LuaState, LuaType, MASK_CALL, MASK_COUNT, MASK_LINE, MASK_RETURN, REGISTRY_INDEX,
    Status, testing, upvalue_index,
};

use super::commands::{push_text_of, status_name, text};
use super::control::Control;
use super::runner::{self, Failure};

/// The registry's key of the table with the scripts of hooks, by the address of their thread.
const HOOK_SCRIPTS: &str = "C_HOOK";

/// `T.testC ([state | thread,] script, ···)`: runs a script of the little language.
#[doc(alias = "testC")]
pub(super) fn test_c(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_userdata(1) {
        let state = state_argument(lua)?;
        let script = text(lua, 2)?;
        return run_elsewhere(lua, state, &script);
    }
    let Some(thread) = lua.to_thread(1) else {
        let script = text(lua, 1)?;
        return runner::run(lua, &script);
    };
    let script = text(lua, 2)?;
    // SAFETY: T2: the running function got the thread as an argument; the script cannot take it from its frame.
    let on = unsafe { thread.state() };
    runner::run_on(lua, on, &script).map_err(Failure::thrown)
}

/// The state of the first argument.
#[doc(alias = "getstate")]
pub(super) fn state_argument(lua: &mut LuaState) -> LuaResult<&'static mut LuaState> {
    let control = Control::of(lua)?;
    match lua.to_light_userdata(1).and_then(|handle| control.state(handle)) {
        Some(state) => Ok(state),
        None => Err(lua.arg_error(1, "state expected")),
    }
}

/// Runs a script on another state; its error comes back as one with the same text.
fn run_elsewhere(lua: &mut LuaState, state: &mut LuaState, script: &[u8]) -> LuaResult<usize> {
    match runner::run_on(lua, state, script) {
        Ok(n) => Ok(n),
        Err(Failure::Own(thrown)) => Err(thrown),
        Err(Failure::Other(thrown)) => {
            state.error_to_top(thrown);
            push_text_of(lua, state, -1)?;
            Err(lua.error())
        }
    }
}

/// `T.makeCfunc (script, ···)`: a native function that runs the script, with all arguments as upvalues.
#[doc(alias = "makeCfunc")]
pub(super) fn make_cfunc(lua: &mut LuaState) -> LuaResult<usize> {
    text(lua, 1)?;
    let n = lua.get_top() as usize;
    lua.push_native_closure(run_first_upvalue, n)?;
    Ok(1)
}

/// Runs the script that is the first upvalue.
#[doc(alias = "Cfunc")]
fn run_first_upvalue(lua: &mut LuaState) -> LuaResult<usize> {
    let script = text(lua, upvalue_index(1))?;
    runner::run(lua, &script)
}

/// Goes on with the script at the index that is the context; the globals `status` and `ctx` tell how it came to that.
#[doc(alias = "Cfunck")]
pub(super) fn continue_script(lua: &mut LuaState, status: Status, ctx: isize) -> LuaResult<usize> {
    lua.push_str(status_name(status))?;
    lua.set_global("status")?;
    lua.push_integer(ctx as i64)?;
    lua.set_global("ctx")?;
    run_script_at(lua, ctx as i32)
}

fn run_script_at(lua: &mut LuaState, idx: i32) -> LuaResult<usize> {
    if !lua.is_string(idx) {
        return Err(lua.raise(format_args!("attempt to runC null script")));
    }
    let script = text(lua, idx)?;
    runner::run(lua, &script)
}

/// The thread's address, under which its hook's script is kept.
fn address(lua: &LuaState) -> *const core::ffi::c_void {
    core::ptr::from_ref(lua).cast()
}

/// The hook: runs the thread's script with the event's name and line on the stack.
#[doc(alias = "Chook")]
fn hook(lua: &mut LuaState, event: &HookEvent) -> LuaResult<()> {
    let script = if lua.get_field(REGISTRY_INDEX, HOOK_SCRIPTS)? == LuaType::Table {
        lua.raw_get_p(-1, address(lua))?;
        let script = if lua.is_string(-1) { Some(text(lua, -1)?) } else { None };
        lua.pop(1);
        script
    } else {
        None
    };
    lua.pop(1);
    let (name, line) = match event.kind {
        HookKind::Call => ("call", -1),
        HookKind::Return => ("ret", -1),
        HookKind::Line(line) => ("line", line),
        HookKind::Count => ("count", -1),
        HookKind::TailCall => ("tailcall", -1),
    };
    lua.push_str(name)?;
    lua.push_integer(i64::from(line))?;
    match script {
        Some(script) => runner::run(lua, &script).map(|_| ()),
        None => Err(lua.raise(format_args!("attempt to runC null script"))),
    }
}

/// Makes a script the thread's hook; an empty one turns hooks off.
#[doc(alias = "sethookaux")]
pub(super) fn set_script_hook(lua: &mut LuaState, mask: u8, count: i32, script: &[u8]) -> LuaResult<()> {
    if script.is_empty() {
        lua.set_hook(None, 0, 0);
        return Ok(());
    }
    lua.get_subtable(REGISTRY_INDEX, HOOK_SCRIPTS)?;
    lua.push_bytes(script)?;
    lua.raw_set_p(-2, address(lua))?;
    lua.pop(1);
    lua.set_hook(Some(hook), mask, count);
    Ok(())
}

/// `T.sethook ([script, mask [, count]])`
pub(super) fn sethook(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.is_none_or_nil(1) {
        lua.set_hook(None, 0, 0);
        return Ok(0);
    }
    let script = text(lua, 1)?;
    let letters = text(lua, 2)?;
    let count = lua.opt_integer(3, 0)? as i32;
    let mut mask = if count > 0 { MASK_COUNT } else { 0 };
    for (letter, bit) in [(b'c', MASK_CALL), (b'r', MASK_RETURN), (b'l', MASK_LINE)] {
        if letters.contains(&letter) {
            mask |= bit;
        }
    }
    set_script_hook(lua, mask, count, &script)?;
    Ok(0)
}

/// `T.resume (thread)`: resumes it without arguments, from the host; true, or false and an error.
#[doc(alias = "coresume")]
pub(super) fn resume(lua: &mut LuaState) -> LuaResult<usize> {
    let Some(co) = lua.to_thread(1) else { return Err(lua.arg_error(1, "coroutine expected")) };
    // SAFETY: L5.
    let co = unsafe { co.state() };
    // SAFETY: M1: the running thread is reachable.
    let status = co.resume(Some(unsafe { testing::alias(lua) }), 0);
    lua.push_boolean(!status.is_error())?;
    if status.is_error() {
        co.xmove(lua, 1)?;
        return Ok(2);
    }
    Ok(1)
}
