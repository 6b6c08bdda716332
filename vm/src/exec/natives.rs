//! The two iterators that generic loops know by address, so that `pairs` and `ipairs` need no call.

use perilune_core::{TValue, Table};

use crate::LuaType;
use crate::error::LuaResult;
use crate::state::LuaState;

/// `next (table [, index])` (manual §6.1).
pub fn native_next(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_type(1, LuaType::Table)?;
    lua.set_top(2)?;
    if lua.next(1)? {
        Ok(2)
    } else {
        lua.push_nil()?;
        Ok(1)
    }
}

/// The iterator of `ipairs` (manual §6.1); it respects metamethods.
pub fn native_ipairs_next(lua: &mut LuaState) -> LuaResult<usize> {
    let i = lua.check_integer(2)?.wrapping_add(1);
    lua.push_integer(i)?;
    lua.get_i_then(1, i, 0, |lua, _, _| finish_ipairs_step(lua))?;
    finish_ipairs_step(lua)
}

/// Returns the index and the element on top, or only nil at the end.
fn finish_ipairs_step(lua: &mut LuaState) -> LuaResult<usize> {
    Ok(if lua.is_nil(-1) { 1 } else { 2 })
}

/// What a generic loop gets from one of these iterators without a call: the two first results. `None`: a call is needed.
#[inline]
pub(crate) fn iterate(function: TValue, object: TValue, control: TValue) -> Option<(TValue, TValue)> {
    // SAFETY: V1: the values are registers of the loop.
    let table = unsafe { object.get::<Table>() }?;
    let address = function.as_pointer().cast_const().cast::<()>();
    if core::ptr::eq(address, native_next as fn(&mut LuaState) -> LuaResult<usize> as *const ()) {
        // SAFETY: V1.
        return match unsafe { table.next(control) } {
            Ok(Some(pair)) => Some(pair),
            Ok(None) => Some((TValue::NIL, TValue::NIL)),
            Err(_) => None,
        };
    }
    if core::ptr::eq(address, native_ipairs_next as fn(&mut LuaState) -> LuaResult<usize> as *const ()) {
        let i = control.as_integer()?.wrapping_add(1);
        let value = table.get_int(i);
        if value.is_nil() && table.metatable().is_some() {
            return None;
        }
        return Some(if value.is_nil() { (TValue::NIL, TValue::NIL) } else { (TValue::integer(i), value) });
    }
    None
}
