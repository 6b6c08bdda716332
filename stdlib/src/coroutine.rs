//! The coroutine library (manual §6.2).
//!
//! `resume`, `yield` and what `wrap` returns are the machine's own natives, which it can switch without a call.

use perilune_vm::{LuaResult, LuaState, LuaType, NativeFn, ThreadRef, native_resume, native_wrapped, native_yield};

/// The first argument, which must be a thread.
fn thread_argument(lua: &mut LuaState) -> LuaResult<ThreadRef> {
    match lua.to_thread(1) {
        Some(co) => Ok(co),
        None => Err(lua.arg_error(1, "thread expected")),
    }
}

/// `coroutine.create (f)` (§6.2)
fn create(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_type(1, LuaType::Function)?;
    lua.new_thread()?;
    lua.push_value(1)?;
    lua.move_to_thread(-2, 1)?;
    Ok(1)
}

/// `coroutine.isyieldable ()` (§6.2)
fn isyieldable(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_boolean(lua.is_yieldable())?;
    Ok(1)
}

/// `coroutine.running ()` (§6.2)
fn running(lua: &mut LuaState) -> LuaResult<usize> {
    let is_main = lua.push_thread()?;
    lua.push_boolean(is_main)?;
    Ok(2)
}

/// `coroutine.status (co)` (§6.2)
fn status(lua: &mut LuaState) -> LuaResult<usize> {
    let co = thread_argument(lua)?;
    lua.push_str(lua.coroutine_status(co).name())?;
    Ok(1)
}

/// `coroutine.wrap (f)` (§6.2)
fn wrap(lua: &mut LuaState) -> LuaResult<usize> {
    create(lua)?;
    lua.push_native_closure(native_wrapped, 1)?;
    Ok(1)
}

/// The functions, in the manual's order.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("create", create),
    ("isyieldable", isyieldable),
    ("resume", native_resume),
    ("running", running),
    ("status", status),
    ("wrap", wrap),
    ("yield", native_yield),
];

/// Opens the coroutine library and pushes its table.
#[doc(alias = "luaopen_coroutine")]
pub fn open_coroutine(lua: &mut LuaState) -> LuaResult<usize> {
    lua.new_lib(FUNCTIONS)?;
    Ok(1)
}
