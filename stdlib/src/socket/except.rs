//! Exceptions: `newtry` makes functions that raise what a function returned as an error, and `protect` makes functions that
//! return it again.
//!
//! What is raised is wrapped in a table with a metatable that only this module has, so that other errors are told apart and
//! pass. Everything is called without Rust stack: a protected function may yield.

use perilune_vm::{LuaResult, LuaState, MULTRET, NativeFn, Status, upvalue_index};

/// In the functions made here, the upvalue with the metatable of wrapped errors.
const WRAPPER: i32 = upvalue_index(1);
/// In the functions made here, the upvalue with the function to call.
const FUNCTION: i32 = upvalue_index(2);

/// `socket.newtry (finalizer)`
fn newtry(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    if lua.is_nil(1) {
        lua.push_native(|_| Ok(0))?;
        lua.replace(1);
    }
    lua.push_value(WRAPPER)?;
    lua.insert(1);
    lua.push_native_closure(try_result, 2)?;
    Ok(1)
}

/// What `newtry` makes: returns its arguments if the first is true, else calls the finalizer and raises the second.
fn try_result(lua: &mut LuaState) -> LuaResult<usize> {
    if lua.to_boolean(1) {
        return Ok(lua.get_top() as usize);
    }
    lua.push_value(FUNCTION)?;
    lua.call_then(0, 0, 0, raise_wrapped)
}

/// Raises the second argument, wrapped.
fn raise_wrapped(lua: &mut LuaState, _: Status, _: isize) -> LuaResult<usize> {
    lua.set_top(2)?;
    lua.create_table(1, 0)?;
    lua.push_value(2)?;
    lua.raw_set_i(-2, 1)?;
    lua.push_value(WRAPPER)?;
    lua.set_metatable(-2)?;
    Err(lua.error())
}

/// `socket.protect (function)`
fn protect(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    lua.push_value(WRAPPER)?;
    lua.insert(1);
    lua.push_native_closure(call_protected, 2)?;
    Ok(1)
}

/// What `protect` makes: calls the function with its arguments.
fn call_protected(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_value(FUNCTION)?;
    lua.insert(1);
    let count = lua.get_top() - 1;
    lua.pcall_then(count as usize, MULTRET, 0, 0, finish_protected)
}

/// Returns what the function returned, or nil and what was raised by a function of `newtry`; raises other errors again.
fn finish_protected(lua: &mut LuaState, status: Status, _: isize) -> LuaResult<usize> {
    if status == Status::Ok {
        return Ok(lua.get_top() as usize);
    }
    if lua.is_table(-1) && lua.get_metatable(-1)? {
        let wrapped = lua.raw_equal(-1, WRAPPER);
        lua.pop(1);
        if wrapped {
            lua.push_nil()?;
            lua.raw_get_i(-2, 1)?;
            return Ok(2);
        }
    }
    Err(lua.error())
}

/// The functions; both have the metatable of wrapped errors as their upvalue.
const FUNCTIONS: &[(&str, NativeFn)] = &[("newtry", newtry), ("protect", protect)];

/// Puts the functions into the table on top.
#[doc(alias = "except_open")]
pub(super) fn open(lua: &mut LuaState) -> LuaResult<()> {
    lua.create_table(0, 1)?;
    lua.push_boolean(false)?;
    lua.set_field(-2, "__metatable")?;
    lua.set_funcs(FUNCTIONS, 1)
}
