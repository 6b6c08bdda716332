//! The length operator (manual §3.4.7).

use perilune_core::{LuaString, TValue, Table};

use super::call::call_values;
use crate::debug::messages;
use crate::error::LuaResult;
use crate::meta::{self, MetaEvent};
use crate::state::LuaState;

/// What the length of a value comes to.
pub(crate) enum Length {
    /// The length.
    Is(i64),
    /// This metamethod is to be called with the value.
    Call(TValue),
}

/// The length as far as no call is needed. `place` is where the value is, for an error message.
#[doc(alias = "luaV_objlen")]
pub(crate) fn length(lua: &mut LuaState, v: TValue, place: *const TValue) -> LuaResult<Length> {
    // SAFETY: V1: operands are live.
    unsafe {
        if let Some(table) = v.get::<Table>() {
            let method = meta::fast(lua, table.metatable(), MetaEvent::Len);
            return Ok(if method.is_nil() { Length::Is(table.border()) } else { Length::Call(method) });
        }
        if let Some(string) = v.get::<LuaString>() {
            return Ok(Length::Is(string.len() as i64));
        }
    }
    let method = meta::of(lua, v, MetaEvent::Len);
    if method.is_nil() { Err(messages::type_error(lua, place, "get length of")) } else { Ok(Length::Call(method)) }
}

/// The length for the host API.
pub(crate) fn len(lua: &mut LuaState, v: TValue) -> LuaResult<TValue> {
    match length(lua, v, &v)? {
        Length::Is(n) => Ok(TValue::integer(n)),
        Length::Call(method) => call_values(lua, method, &[v, v], 1),
    }
}
