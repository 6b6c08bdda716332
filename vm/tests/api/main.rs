//! The host API, method by method: what each does according to the manual (§4 and §5), at its edges too.
//!
//! The expected texts and numbers were compared with a C program on the reference implementation that does the same.

mod access;
mod arguments;
mod buffers;
mod calls;
mod collector;
mod debugging;
mod library;
mod loading;
mod metatables;
mod operations;
mod panic;
mod pushing;
mod quick;
mod stack;
mod stackless;
mod tables;
mod threads;

use perilune_alloc_adapters::{Checking, System};
use perilune_vm::{
    LOADED_TABLE, LoadMode, Lua, LuaResult, LuaState, LuaType, MULTRET, NativeFn, REGISTRY_INDEX, Status,
};

/// A state on an allocator that checks its blocks and counts what is left at the end.
type State = Lua<Checking<System>>;

/// A new state without any library.
fn new_state() -> State {
    Lua::new(Checking::new(System)).expect("there is memory")
}

/// A new state with functions as globals, which messages know by name; `pcall` and `error` are among them.
fn state_with(functions: &[(&str, NativeFn)]) -> State {
    let mut lua = new_state();
    let prepared = prepare(&mut lua, functions);
    assert_eq!(prepared, Ok(()));
    lua
}

fn prepare(lua: &mut LuaState, functions: &[(&str, NativeFn)]) -> LuaResult<()> {
    lua.push_global_table()?;
    lua.set_funcs(&[("pcall", pcall), ("error", error)], 0)?;
    lua.set_funcs(functions, 0)?;
    lua.get_subtable(REGISTRY_INDEX, LOADED_TABLE)?;
    lua.push_value(-2)?;
    lua.set_field(-2, "_G")?;
    lua.pop(2);
    Ok(())
}

/// `pcall (f, ···)`: the status's number and the results.
fn pcall(lua: &mut LuaState) -> LuaResult<usize> {
    let status = lua.pcall(lua.get_top() as usize - 1, MULTRET, 0);
    lua.push_integer(status as i64)?;
    lua.insert(1);
    Ok(lua.get_top() as usize)
}

/// `error (v)`: raises it as it is.
fn error(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    Err(lua.error())
}

/// What a chunk's results come to in words, or its error behind the status.
fn run(lua: &mut LuaState, chunk: &str) -> String {
    let before = lua.get_top();
    let mut status = lua.load_bytes(chunk.as_bytes(), b"=t", LoadMode::TEXT);
    if status == Status::Ok {
        status = lua.pcall(0, MULTRET, 0);
    }
    let mut words: Vec<String> = (before + 1..=lua.get_top()).map(|i| text(lua, i)).collect();
    if status != Status::Ok {
        words.insert(0, format!("{status:?}:"));
    }
    lua.pop((lua.get_top() - before) as usize);
    words.join(" ")
}

/// The text of the value at an index.
fn text(lua: &mut LuaState, idx: i32) -> String {
    let made = lua.push_tostring(idx).map(|_| ());
    assert_eq!(made, Ok(()));
    let text = string(lua, -1);
    lua.pop(1);
    text
}

/// The string at an index.
fn string(lua: &LuaState, idx: i32) -> String {
    String::from_utf8_lossy(lua.str_at(idx).expect("a string")).into_owned()
}

/// The types of all values of the frame, one letter each.
fn types(lua: &LuaState) -> String {
    let letter = |i| match lua.lua_type(i) {
        LuaType::None => '-',
        LuaType::Nil => 'n',
        LuaType::Boolean => 'b',
        LuaType::LightUserdata => 'l',
        LuaType::Number => 'd',
        LuaType::String => 's',
        LuaType::Table => 't',
        LuaType::Function => 'f',
        LuaType::Userdata => 'u',
        LuaType::Thread => 'c',
    };
    (1..=lua.get_top()).map(letter).collect()
}

/// The integers of the frame.
fn integers(lua: &LuaState) -> Vec<i64> {
    (1..=lua.get_top()).map(|i| lua.to_integer(i).unwrap_or(-1)).collect()
}

/// Calls a native function in a frame of its own, with the values of the frame as arguments, and returns what it returned
/// besides; all its results are pushed. Its errors are the test's.
fn within(lua: &mut LuaState, function: NativeFn) {
    let nargs = lua.get_top() as usize;
    let pushed = lua.push_native(function);
    assert_eq!(pushed, Ok(()));
    lua.insert(1);
    let status = lua.pcall(nargs, MULTRET, 0);
    assert_eq!(status, Status::Ok, "{}", if status == Status::Ok { String::new() } else { text(lua, -1) });
}
