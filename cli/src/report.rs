//! Protected calls and the report of their errors.

use perilune_stdlib::stdio::write_stderr;
use perilune_vm::{LuaResult, LuaState, LuaType, Status};

use crate::interrupt::interruptible;

/// Writes a message to standard error, behind the program's name if there is one.
#[doc(alias = "l_message")]
pub fn message(name: Option<&[u8]>, text: &[u8]) {
    let line = match name {
        Some(name) => [name, b": ", text, b"\n"].concat(),
        None => [text, b"\n"].concat(),
    };
    write_stderr(&line);
}

/// If the status is an error's, writes the message on top of the stack and pops it. Returns whether all is well.
pub fn report(lua: &mut LuaState, name: Option<&[u8]>, status: Status) -> LuaResult<bool> {
    if status == Status::Ok {
        return Ok(true);
    }
    let text = text_at_top(lua)?;
    message(name, &text);
    lua.pop(1);
    Ok(false)
}

/// The string or number on top, as bytes.
pub fn text_at_top(lua: &mut LuaState) -> LuaResult<Vec<u8>> {
    lua.to_str(-1)?;
    Ok(lua.str_at(-1).unwrap_or(b"(error object is not a string)").to_vec())
}

/// The message handler of all chunks: adds a traceback to what can be shown.
#[doc(alias = "msghandler")]
fn add_traceback(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.to_str(1)?.is_none() {
        if lua.call_meta(1, "__tostring")? && lua.lua_type(-1) == LuaType::String {
            return Ok(1);
        }
        let type_name = lua.type_name_at(1);
        lua.push_fmt(format_args!("(error object is a {type_name} value)"))?;
        lua.replace(1);
    }
    let Some(text) = lua.to_str(1)? else { return Ok(1) };
    // SAFETY: the string stays in slot 1 while the slice is used.
    lua.traceback(None, Some(unsafe { text.bytes() }), 1)?;
    Ok(1)
}

/// Calls the function under its `arguments` on top, with a traceback in its error message and Ctrl-C interrupting it.
#[doc(alias = "docall")]
pub fn call(lua: &mut LuaState, arguments: usize, results: i32) -> LuaResult<Status> {
    let function = lua.get_top() - arguments as i32;
    lua.push_native(add_traceback)?;
    lua.insert(function);
    let status = interruptible(lua, |lua| lua.pcall(arguments, results, function));
    lua.remove(function);
    Ok(status)
}

/// Runs the chunk on top, if it could be loaded, and reports what went wrong.
#[doc(alias = "dochunk")]
pub fn run_chunk(lua: &mut LuaState, name: Option<&[u8]>, loaded: Status) -> LuaResult<bool> {
    let status = if loaded == Status::Ok { call(lua, 0, 0)? } else { loaded };
    report(lua, name, status)
}
