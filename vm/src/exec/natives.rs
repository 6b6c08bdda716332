//! The two iterators that generic loops know by address, so that `pairs` and `ipairs` need no call.

use perilune_core::value::tag;
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

/// Whether a value is a certain native function.
#[inline(always)]
fn is_native(value: TValue, function: fn(&mut LuaState) -> LuaResult<usize>) -> bool {
    value.t == tag::NATIVE && core::ptr::eq(value.as_pointer().cast_const().cast(), function as *const ())
}

/// Whether a value is `next`.
#[inline(always)]
pub(crate) fn is_next(value: TValue) -> bool {
    is_native(value, native_next)
}

/// Whether a value is the iterator of `ipairs`.
#[inline(always)]
pub(crate) fn is_ipairs_next(value: TValue) -> bool {
    is_native(value, native_ipairs_next)
}

/// What a generic loop gets from one of these iterators without a call: the two first results. `None`: a call is needed.
/// `hint` is told the node of the key, if it has one.
pub(crate) fn iterate(function: TValue, object: TValue, control: TValue, hint: &mut u32) -> Option<(TValue, TValue)> {
    // SAFETY: V1: the values are registers of the loop.
    let table = unsafe { object.get::<Table>() }?;
    if is_next(function) {
        // SAFETY: V1.
        let position = unsafe { table.position_after(control) }.ok()?;
        let Some((position, key, value)) = table.entry_from(position) else { return Some((TValue::NIL, TValue::NIL)) };
        *hint = (position as u32).wrapping_sub(table.array_size() + 1);
        return Some((key, value));
    }
    if is_ipairs_next(function) {
        let i = control.as_integer()?.wrapping_add(1);
        let value = table.get_int(i);
        if value.is_nil() && table.metatable().is_some() {
            return None;
        }
        return Some(if value.is_nil() { (TValue::NIL, TValue::NIL) } else { (TValue::integer(i), value) });
    }
    None
}
