//! The libraries `io` and `os` where the C library of a Unix system is not at hand: every function says so.

use perilune_vm::{LuaResult, LuaState};

/// Raises the error that the library does not work here.
fn unsupported(lua: &mut LuaState) -> LuaResult<usize> {
    Err(lua.raise(format_args!("this function needs a Unix system")))
}

/// Pushes a table in which every name is a function that raises an error.
fn open_unsupported(lua: &mut LuaState, names: &[&str]) -> LuaResult<usize> {
    lua.new_table()?;
    for name in names {
        lua.push_native(unsupported)?;
        lua.set_field(-2, name)?;
    }
    Ok(1)
}

/// Opens the I/O library and pushes its table.
#[doc(alias = "luaopen_io")]
pub fn open_io(lua: &mut LuaState) -> LuaResult<usize> {
    let names = ["close", "flush", "input", "lines", "open", "output", "popen", "read", "tmpfile", "type", "write"];
    open_unsupported(lua, &names)
}

/// Opens the operating system library and pushes its table.
#[doc(alias = "luaopen_os")]
pub fn open_os(lua: &mut LuaState) -> LuaResult<usize> {
    let names =
        ["clock", "date", "difftime", "execute", "exit", "getenv", "remove", "rename", "setlocale", "time", "tmpname"];
    open_unsupported(lua, &names)
}
