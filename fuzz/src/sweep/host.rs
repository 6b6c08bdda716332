//! The state that a swept script finds: all libraries, what takes its output, and nothing that differs from run to run.

use std::cell::Cell;

use perilune_vm::{LuaResult, LuaState, MULTRET, upvalue_index};

use crate::reference;

thread_local! {
    /// Whether a script has called what [`note_outside`] watches.
    static WAS_OUTSIDE: Cell<bool> = const { Cell::new(false) };
}

/// `io.write (···)`, which gives the file.
fn write(lua: &mut LuaState) -> LuaResult<usize> {
    reference::write(lua)?;
    lua.get_global("io")?;
    lua.get_field(-1, "stdout")?;
    Ok(1)
}

/// Does nothing.
fn ignore(_: &mut LuaState) -> LuaResult<usize> {
    Ok(0)
}

/// The time, which stands still.
fn zero(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_integer(0)?;
    Ok(1)
}

/// Opens the libraries, and defines what takes the output, a time that stands still, and the variables that make the official
/// suite soft.
pub(super) fn prepare(lua: &mut LuaState) -> LuaResult<()> {
    reference::prepare(lua)?;
    perilune_stdlib::preload_socket(lua)?;
    lua.register("Message", ignore)?;
    lua.get_global("io")?;
    lua.push_native(write)?;
    lua.set_field(-2, "write")?;
    // Scripts print times and random numbers.
    lua.get_global("os")?;
    for name in ["clock", "time"] {
        lua.push_native(zero)?;
        lua.set_field(-2, name)?;
    }
    lua.get_global("math")?;
    lua.get_field(-1, "randomseed")?;
    lua.push_integer(1)?;
    lua.call(1, 0)?;
    for name in ["_soft", "_port", "_nomsg"] {
        lua.push_boolean(true)?;
        lua.set_global(name)?;
    }
    lua.set_top(0)
}

/// The functions by which a script comes to what it would share with a process that branches off: files, their places, other
/// processes. To connections it comes by `require`, whose searchers take note of what they find.
const OUTSIDE: [(&str, &[&str]); 5] = [
    ("_G", &["dofile", "loadfile"]),
    ("package", &["loadlib", "searchpath"]),
    ("io", &["close", "input", "lines", "open", "output", "popen", "read", "tmpfile"]),
    ("os", &["execute", "exit", "remove", "rename", "tmpname"]),
    ("debug", &["debug"]),
];

/// Takes note, and refuses.
fn outside(lua: &mut LuaState) -> LuaResult<usize> {
    WAS_OUTSIDE.set(true);
    Err(lua.raise(format_args!("this leads outside")))
}

/// Asks the searcher that it stands for, its first upvalue.
fn searcher(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = lua.get_top() as usize;
    lua.push_value(upvalue_index(1))?;
    lua.insert(1);
    lua.call_k(nargs, MULTRET, 0, |lua, _, _| searched(lua))?;
    searched(lua)
}

/// Takes note if a searcher has found a file or a library, and refuses. A script's own function in `package.preload`, whose
/// searcher has `true` as its second upvalue, leads nowhere.
fn searched(lua: &mut LuaState) -> LuaResult<usize> {
    let from_script = lua.to_boolean(upvalue_index(2)) && !lua.is_native_function(1);
    if lua.is_function(1) && !from_script { outside(lua) } else { Ok(lua.get_top() as usize) }
}

/// Puts something that takes note in the place of each function that leads outside.
pub(super) fn note_outside(lua: &mut LuaState) -> LuaResult<()> {
    WAS_OUTSIDE.set(false);
    for (library, names) in OUTSIDE {
        lua.get_global(library)?;
        for name in names {
            lua.push_native(outside)?;
            lua.set_field(-2, name)?;
        }
    }
    lua.get_global("package")?;
    lua.get_field(-1, "searchers")?;
    for i in 1..=lua.raw_len(-1) as i64 {
        lua.raw_get_i(-1, i)?;
        lua.push_boolean(i == 1)?;
        lua.push_native_closure(searcher, 2)?;
        lua.raw_set_i(-2, i)?;
    }
    lua.set_top(0)
}

/// Whether the script has called one of them.
pub(super) fn was_outside() -> bool {
    WAS_OUTSIDE.get()
}
