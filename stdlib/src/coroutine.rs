//! The coroutine library (manual §6.2).
//!
//! `resume`, `yield` and what `wrap` returns are the machine's own natives, which it can switch without a call.

use perilune_vm::{
    Answer, LuaResult, LuaState, LuaType, NativeFn, QuickCall, QuickNative, ThreadRef, native_resume, native_wrapped,
    native_yield,
};

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

/// The quick form of `status`.
fn quick_status(call: QuickCall<'_>) -> Answer<'_> {
    call.coroutine_status(1).map_or(Answer::UNUSUAL, |status| call.string(status.name().as_bytes()))
}

/// `coroutine.wrap (f)` (§6.2)
fn wrap(lua: &mut LuaState) -> LuaResult<usize> {
    create(lua)?;
    lua.push_native_closure(native_wrapped, 1)?;
    Ok(1)
}

/// The functions that have no quick form, in the manual's order.
const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("create", create),
    ("isyieldable", isyieldable),
    ("resume", native_resume),
    ("running", running),
    ("wrap", wrap),
    ("yield", native_yield),
];

/// The other one.
static QUICK_FUNCTIONS: [(&str, QuickNative); 1] = [("status", QuickNative::new(status, quick_status))];

/// Opens the coroutine library and pushes its table.
#[doc(alias = "luaopen_coroutine")]
pub fn open_coroutine(lua: &mut LuaState) -> LuaResult<usize> {
    lua.create_table(0, FUNCTIONS.len() + QUICK_FUNCTIONS.len())?;
    lua.set_funcs(FUNCTIONS, 0)?;
    lua.set_quick_funcs(&QUICK_FUNCTIONS)?;
    Ok(1)
}
