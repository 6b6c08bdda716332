//! Other states and other stacks.

use perilune_vm::{LoadMode, LuaResult, LuaState, LuaType, MULTRET, NativeFn, PRELOAD_TABLE, REGISTRY_INDEX, Status};

use super::commands::{push_text_of, text};
use super::control::Control;
use super::natives::state_argument;
use super::runner::{Failure, run_on};

/// What `T.loadlib` makes ready for `require`.
const PRELOADED: &[(&str, NativeFn)] = &[
    ("_G", crate::open_base),
    ("coroutine", crate::open_coroutine),
    ("debug", crate::open_debug),
    ("io", crate::open_io),
    ("os", crate::open_os),
    ("math", crate::open_math),
    ("string", crate::open_string),
    ("table", crate::open_table),
];

/// `T.newstate ()`: a handle of a new state on the same allocator, without libraries; nil if there is not enough memory.
pub(super) fn newstate(lua: &mut LuaState) -> LuaResult<usize> {
    match Control::of(lua)?.new_state() {
        Some(handle) => lua.push_light_userdata(handle)?,
        None => lua.push_nil()?,
    }
    Ok(1)
}

/// `T.closestate (state)`
pub(super) fn closestate(lua: &mut LuaState) -> LuaResult<usize> {
    let control = Control::of(lua)?;
    let closed = lua.to_light_userdata(1).is_some_and(|handle| control.close_state(handle));
    lua.arg_check(closed, 1, "state expected")?;
    Ok(0)
}

/// Does something to another state; an error in it becomes one with the same text here.
fn on_state(
    lua: &mut LuaState,
    state: &mut LuaState,
    act: impl FnOnce(&mut LuaState) -> LuaResult<()>,
) -> LuaResult<()> {
    match act(state) {
        Ok(()) => Ok(()),
        Err(thrown) => {
            state.error_to_top(thrown);
            push_text_of(lua, state, -1)?;
            Err(lua.error())
        }
    }
}

/// What a module that is loaded already is opened with.
fn not_again(lua: &mut LuaState) -> LuaResult<usize> {
    Err(lua.raise(format_args!("module opened twice")))
}

/// `T.loadlib (state)`: opens the package library there and makes the others ready for `require`.
pub(super) fn loadlib(lua: &mut LuaState) -> LuaResult<usize> {
    let state = state_argument(lua)?;
    let mut same = false;
    on_state(lua, state, |state| {
        state.require_f("package", crate::open_package, false)?;
        state.require_f("package", not_again, true)?;
        same = state.lua_type(-1) == LuaType::Table && state.raw_equal(-1, -2);
        state.get_subtable(REGISTRY_INDEX, PRELOAD_TABLE)?;
        for &(name, open) in PRELOADED {
            state.push_native(open)?;
            state.set_field(-2, name)?;
        }
        Ok(())
    })?;
    if same { Ok(0) } else { Err(lua.raise(format_args!("a module differs from itself"))) }
}

/// `T.doremote (state, chunk)`: runs a chunk there; its results as strings, or nil, the message and the status.
pub(super) fn doremote(lua: &mut LuaState) -> LuaResult<usize> {
    let state = state_argument(lua)?;
    let chunk = text(lua, 2)?;
    on_state(lua, state, |state| state.set_top(0))?;
    let mut status = state.load_bytes(&chunk, &chunk, LoadMode::ANY);
    if status == Status::Ok {
        status = state.pcall(0, MULTRET, 0);
    }
    if status != Status::Ok {
        lua.push_nil()?;
        push_text_of(lua, state, -1)?;
        lua.push_integer(status as i64)?;
        return Ok(3);
    }
    let n = state.get_top();
    for i in 1..=n {
        push_text_of(lua, state, i)?;
    }
    state.pop(n as usize);
    Ok(n as usize)
}

/// `T.doonnewstack (chunk)`: runs a chunk on a new thread's stack, called and not resumed; its status.
pub(super) fn doonnewstack(lua: &mut LuaState) -> LuaResult<usize> {
    let chunk = text(lua, 1)?;
    let thread = lua.new_thread()?;
    // SAFETY: L5.
    let state = unsafe { thread.state() };
    let mut status = state.load_bytes(&chunk, &chunk, LoadMode::ANY);
    if status == Status::Ok {
        status = state.pcall(0, 0, 0);
    }
    lua.push_integer(status as i64)?;
    Ok(1)
}

/// The registry's key of what the panic function of `checkpanic` works with.
const PANIC_JOB: &str = "_jmpbuf";

/// What the panic function of `checkpanic` works with (`Aux`).
struct PanicJob<'a> {
    /// The thread that `checkpanic` runs on.
    own: *mut LuaState,
    /// The script that the panic function runs.
    script: &'a [u8],
    /// What the panic function came to: the text of the error or of what the script left on top, pushed on `own`; or an error
    /// there. `None` before it is called.
    outcome: Option<LuaResult<()>>,
}

/// The panic function of the states that `checkpanic` makes: runs the script, with the error's value on top.
#[doc(alias = "panicback")]
fn panic_back(lua: &mut LuaState) -> LuaResult<usize> {
    lua.get_field(REGISTRY_INDEX, PANIC_JOB)?;
    let job = lua.to_light_userdata(-1);
    lua.pop(1);
    let Some(job) = job else { return Ok(0) };
    // SAFETY: T3: `checkpanic` waits, and uses neither the job nor its thread meanwhile.
    unsafe {
        let job = job.cast::<PanicJob<'_>>();
        let own = &mut *(*job).own;
        let outcome = match run_on(own, lua, (*job).script) {
            Err(Failure::Own(thrown)) => Err(thrown),
            Err(Failure::Other(_)) | Ok(_) => push_text_of(own, lua, -1),
        };
        (*job).outcome = Some(outcome);
    }
    Ok(0)
}

/// `T.checkpanic (script [, panic script])`: runs a script on a new state, outside of any protected call, with a panic function
/// that runs the second one. The text that is on top in the panic function at last, or "no errors" if that was not called.
pub(super) fn checkpanic(lua: &mut LuaState) -> LuaResult<usize> {
    let script = text(lua, 1)?;
    let panic_script = if lua.is_none_or_nil(2) { Vec::new() } else { text(lua, 2)? };
    let control = Control::of(lua)?;
    let Some(handle) = control.new_state() else {
        lua.push_nil()?;
        return Ok(1);
    };
    let outcome = match control.state(handle) {
        Some(state) => run_unprotected(lua, state, &script, &panic_script),
        None => Ok(()),
    };
    control.close_state(handle);
    outcome.map(|()| 1)
}

/// Does what `checkpanic` does on a state that was just made.
fn run_unprotected(lua: &mut LuaState, state: &mut LuaState, script: &[u8], panic_script: &[u8]) -> LuaResult<()> {
    let mut job = PanicJob { own: core::ptr::from_mut(lua), script: panic_script, outcome: None };
    let job = &raw mut job;
    state.at_panic(Some(panic_back));
    let prepared = state.push_light_userdata(job.cast()).and_then(|()| state.set_field(REGISTRY_INDEX, PANIC_JOB));
    if prepared.is_err() {
        return Err(lua.raise(format_args!("not enough memory")));
    }
    // SAFETY: T3: the panic function uses the job and the thread only while `run_on` waits for the other state.
    let ran = run_on(unsafe { &mut *(*job).own }, state, script);
    state.at_panic(None);
    // SAFETY: T3: as above.
    match (ran, unsafe { (*job).outcome.take() }) {
        (Ok(_), _) => lua.push_str("no errors"),
        (Err(Failure::Own(thrown)), _) => Err(thrown),
        (Err(Failure::Other(_)), Some(outcome)) => outcome,
        (Err(Failure::Other(_)), None) => Err(lua.raise(format_args!("the panic function was not called"))),
    }
}
