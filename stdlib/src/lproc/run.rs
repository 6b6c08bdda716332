//! Running a process: making its state ready, calling its function, and keeping what comes out.

use core::ffi::c_void;
use std::sync::Arc;

use perilune_vm::{
    Buffer, LoadMode, LuaResult, LuaState, LuaType, MULTRET, NativeFn, REGISTRY_INDEX, Status, Thrown, upvalue_index,
};

use super::context::Context;
use super::decode::decode;
use super::encode::{Origin, encode};
use super::memory::{Bytes, SharedMemory};
use super::process::{Outcome, Process, Reason};
use crate::message::push_parts;
use crate::stdio::write_stderr;

/// The registry's field that says that environment variables are to be ignored.
const NO_ENVIRONMENT: &str = "LUA_NOENV";
/// The slot of the message handler; what runs lies above it.
const HANDLER: i32 = 1;

/// What a new state is made ready with.
pub(super) struct Setup<'a> {
    pub(super) context: Option<Context>,
    /// Opens the libraries.
    pub(super) libraries: fn(&mut LuaState) -> LuaResult<()>,
    pub(super) ignore_environment: bool,
    /// The text of the function; if there is none, the first value of the message is the function.
    pub(super) chunk: Option<&'a [u8]>,
    /// Whether that text is no chunk, which is found out on the way.
    pub(super) chunk_is_bad: bool,
    /// The arguments.
    pub(super) message: &'a [u8],
}

/// Whether the state ignores environment variables.
pub(super) fn ignores_environment(lua: &mut LuaState) -> LuaResult<bool> {
    lua.get_field(REGISTRY_INDEX, NO_ENVIRONMENT)?;
    let ignores = lua.to_boolean(-1);
    lua.pop(1);
    Ok(ignores)
}

/// Makes a new state ready to run: the message handler, the function and its arguments are on its stack afterwards, or the
/// error's value.
pub(super) fn prepare(lua: &mut LuaState, setup: &mut Setup<'_>) -> Status {
    call_protected(lua, 0, |lua| {
        if let Some(context) = setup.context.take() {
            context.give(lua)?;
        }
        if setup.ignore_environment {
            lua.push_boolean(true)?;
            lua.set_field(REGISTRY_INDEX, NO_ENVIRONMENT)?;
        }
        (setup.libraries)(lua)?;
        lua.require_f("lproc", super::open_lproc, true)?;
        lua.set_top(0)?;
        lua.push_nil()?;
        lua.push_native_closure(add_traceback, 1)?;
        if let Some(chunk) = setup.chunk {
            let status = lua.load_bytes(chunk, chunk, LoadMode::ANY);
            setup.chunk_is_bad = status == Status::ErrSyntax;
            match status {
                Status::Ok => {}
                Status::ErrMem => {
                    lua.pop(1);
                    return Err(Thrown::Memory);
                }
                _ => return Err(lua.error()),
            }
        }
        decode(lua, setup.message)?;
        Ok(lua.get_top() as usize)
    })
}

/// Calls something, protected, with the `nargs` values on top as its stack; what it returns so many of is on the stack
/// afterwards, or the error's value.
fn call_protected<F>(lua: &mut LuaState, nargs: usize, body: F) -> Status
where
    F: FnOnce(&mut LuaState) -> LuaResult<usize>,
{
    /// Takes the body, whose address is the last argument, and runs it.
    fn call<F: FnOnce(&mut LuaState) -> LuaResult<usize>>(lua: &mut LuaState) -> LuaResult<usize> {
        let body = lua.to_light_userdata(-1);
        lua.pop(1);
        match body {
            // SAFETY: `call_protected` made this function for this very type, and its variable lives until the call is over.
            Some(body) => match unsafe { (*body.cast::<Option<F>>()).take() } {
                Some(body) => body(lua),
                None => Ok(0),
            },
            None => Ok(0),
        }
    }
    let mut body = Some(body);
    let function = lua.get_top() + 1 - nargs as i32;
    let pushed = lua.push_native(call::<F> as NativeFn);
    if pushed.is_ok() {
        lua.insert(function);
    }
    match pushed.and_then(|()| lua.push_light_userdata((&raw mut body).cast::<c_void>())) {
        Ok(()) => lua.pcall(nargs + 1, MULTRET, 0),
        Err(thrown) => {
            lua.error_to_top(thrown);
            thrown.status()
        }
    }
}

/// The message handler of processes: it keeps the traceback in its upvalue and leaves the error's value as it is.
fn add_traceback(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    lua.push_value(1)?;
    if !lua.is_string(1) {
        lua.pop(1);
        if !lua.call_meta(1, "__tostring")? || lua.lua_type(-1) != LuaType::String {
            let type_name = lua.type_name_at(1);
            lua.push_fmt(format_args!("(error object is a {type_name} value)"))?;
        }
    }
    if let Some(text) = lua.to_str(-1)? {
        // SAFETY: L1.
        lua.traceback(None, Some(unsafe { text.bytes() }), 1)?;
        lua.replace(upvalue_index(1));
    }
    lua.set_top(1)?;
    Ok(1)
}

/// Calls the function of a process, which is ready, and tells what came of it.
pub(super) fn main_function(lua: &mut LuaState, process: &Process, memory: &Arc<SharedMemory>) -> Outcome {
    let arguments = (lua.get_top() - HANDLER - 1).max(0) as usize;
    let status = lua.pcall(arguments, MULTRET, HANDLER);
    // What follows is not the script's any more.
    lua.set_hook(None, 0, 0);
    if status == Status::Ok {
        return keep_results(lua, memory);
    }
    if process.is_cancelled() {
        return Outcome::Cancelled;
    }
    if process.is_exiting() {
        // Nothing is on the stack but the error that has led here.
        lua.pop(1);
        return keep_results(lua, memory);
    }
    report(lua, status);
    let mut kept = None;
    // If that fails, there is no value.
    let _ = call_protected(lua, 1, |lua| {
        kept = keep_error(lua, memory)?;
        Ok(0)
    });
    Outcome::Failed(kept)
}

/// A message as bytes that outlive the state; `None` if there is no memory.
fn keep(lua: &mut LuaState, buffer: &Buffer, memory: &Arc<SharedMemory>) -> LuaResult<Option<Arc<Bytes>>> {
    let mut kept = Bytes::copy(memory, buffer.as_bytes(lua));
    if kept.is_none() {
        // The state's garbage may be what there is too much of.
        lua.gc_collect()?;
        kept = Bytes::copy(memory, buffer.as_bytes(lua));
    }
    Ok(kept.map(Arc::new))
}

/// Keeps the results, which are above the message handler.
fn keep_results(lua: &mut LuaState, memory: &Arc<SharedMemory>) -> Outcome {
    let results = (lua.get_top() - HANDLER).max(0) as usize;
    let mut kept = None;
    let status = call_protected(lua, results, |lua| {
        let origin = Origin { verb: "return", noun: "result", numbers: [1, 2] };
        let buffer = encode(lua, 1, origin)?;
        kept = keep(lua, &buffer, memory)?;
        Ok(0)
    });
    match (status, kept) {
        (Status::Ok, Some(kept)) => Outcome::Done(kept),
        (Status::ErrRun, _) => {
            let message = lua.str_at(-1).and_then(|text| Bytes::copy(memory, text));
            Outcome::DoneWithout(message.map_or(Reason::NoMemory, |text| Reason::Message(Arc::new(text))))
        }
        _ => Outcome::DoneWithout(Reason::NoMemory),
    }
}

/// Keeps the error's value, which is on top, or if it cannot be copied, some words about it.
fn keep_error(lua: &mut LuaState, memory: &Arc<SharedMemory>) -> LuaResult<Option<Arc<Bytes>>> {
    let origin = Origin { verb: "return", noun: "error", numbers: [1, 2] };
    match encode(lua, 1, origin) {
        Ok(buffer) => keep(lua, &buffer, memory),
        Err(Thrown::Runtime) => {
            lua.set_top(1)?;
            let type_name = lua.type_name_at(1);
            lua.push_fmt(format_args!("(error object is a {type_name} value)"))?;
            lua.remove(1);
            let buffer = encode(lua, 1, origin)?;
            keep(lua, &buffer, memory)
        }
        Err(thrown) => Err(thrown),
    }
}

/// Writes the error, whose value is on top, to standard error, with its traceback if there is one.
fn report(lua: &mut LuaState, status: Status) {
    let mut told = false;
    let pushed = lua.push_value(-1).and_then(|()| lua.get_upvalue(HANDLER, 1));
    if let Ok(Some(_)) = pushed {
        // If that fails, some words are told in place of the message.
        let _ = call_protected(lua, 2, |lua| {
            if lua.lua_type(2) != LuaType::String {
                lua.set_top(1)?;
            }
            if let Some(text) = lua.to_str(-1)? {
                // One write, so that what several processes tell does not get mixed.
                // SAFETY: L1.
                push_parts(lua, &[b"thread error: ", unsafe { text.bytes() }, b"\n"])?;
                lua.str_at(-1).into_iter().for_each(write_stderr);
                told = true;
            }
            Ok(0)
        });
    }
    if !told {
        let text = if status == Status::ErrMem { "not enough memory" } else { "an error without a message" };
        write_stderr(format!("thread error: {text}\n").as_bytes());
    }
}
