//! Reading and writing fields, metamethods included.

use perilune_core::object::InsertError;
use perilune_core::{GcRef, TValue, Table};

use super::call::call_values;
use crate::debug::messages;
use crate::error::{LuaResult, Thrown};
use crate::meta::{self, MetaEvent};
use crate::state::LuaState;

/// How many `__index` or `__newindex` steps are followed (`MAXTAGLOOP`).
const MAX_META_LOOP: usize = 2000;

/// What a read comes to.
pub(crate) enum Read {
    /// The value.
    Value(TValue),
    /// This metamethod is to be called with this object and the key.
    Call(TValue, TValue),
}

/// What a write comes to.
pub(crate) enum Write {
    /// It is done.
    Done,
    /// This metamethod is to be called with this object, the key and the value.
    Call(TValue, TValue),
}

/// Reads `object[key]` as far as no call is needed. `place` is where the object is, for an error message.
///
/// # Safety
/// Object and key are live (V1).
#[doc(alias = "luaV_finishget")]
pub(crate) unsafe fn read(lua: &mut LuaState, object: TValue, key: TValue, place: *const TValue) -> LuaResult<Read> {
    let mut object = object;
    let mut place = place;
    for _ in 0..MAX_META_LOOP {
        // SAFETY: V1: the object is the caller's or a metatable's field.
        let method = match unsafe { object.get::<Table>() } {
            Some(table) => {
                // SAFETY: V1.
                let value = unsafe { table.get(key) };
                if !value.is_nil() {
                    return Ok(Read::Value(value));
                }
                let method = meta::fast(lua, table.metatable(), MetaEvent::Index);
                if method.is_nil() {
                    return Ok(Read::Value(TValue::NIL));
                }
                method
            }
            None => {
                let method = meta::of(lua, object, MetaEvent::Index);
                if method.is_nil() {
                    return Err(if place.is_null() {
                        messages::type_error(lua, &object, "index")
                    } else {
                        messages::type_error(lua, place, "index")
                    });
                }
                method
            }
        };
        if method.is_function() {
            return Ok(Read::Call(method, object));
        }
        object = method;
        place = core::ptr::null();
    }
    Err(lua.run_error(format_args!("'__index' chain too long; possible loop")))
}

/// Writes `object[key] = value` as far as no call is needed.
///
/// # Safety
/// Object, key and value are live (V1) and stay reachable while the table grows.
#[doc(alias = "luaV_finishset")]
pub(crate) unsafe fn write(
    lua: &mut LuaState,
    object: TValue,
    key: TValue,
    value: TValue,
    place: *const TValue,
) -> LuaResult<Write> {
    let mut object = object;
    let mut place = place;
    for _ in 0..MAX_META_LOOP {
        // SAFETY: V1: the object is the caller's or a metatable's field.
        let method = match unsafe { object.get::<Table>() } {
            Some(table) => {
                // SAFETY: V1.
                let slot = unsafe { table.find_slot(key) };
                let method = match slot {
                    Some(slot) if !slot.get().is_nil() => TValue::NIL,
                    _ => meta::fast(lua, table.metatable(), MetaEvent::NewIndex),
                };
                if method.is_nil() {
                    // SAFETY: V1; nothing has moved the slot, and the barrier follows.
                    unsafe {
                        let Some(slot) = slot else {
                            let entered = lua.heap().insert_key(table, key, value);
                            return entered.map(|()| Write::Done).map_err(|error| insert_error(lua, error));
                        };
                        slot.set(value);
                        table.clear_flags();
                        lua.heap().barrier_table(table, value);
                    }
                    return Ok(Write::Done);
                }
                method
            }
            None => {
                let method = meta::of(lua, object, MetaEvent::NewIndex);
                if method.is_nil() {
                    return Err(if place.is_null() {
                        messages::type_error(lua, &object, "index")
                    } else {
                        messages::type_error(lua, place, "index")
                    });
                }
                method
            }
        };
        if method.is_function() {
            return Ok(Write::Call(method, object));
        }
        object = method;
        place = core::ptr::null();
    }
    Err(lua.run_error(format_args!("'__newindex' chain too long; possible loop")))
}

/// Sets a field without metamethods; a bad key raises the reference's error.
///
/// # Safety
/// Table, key and value are live (V1).
pub(crate) unsafe fn raw_set(lua: &mut LuaState, table: GcRef<Table>, key: TValue, value: TValue) -> LuaResult<()> {
    // SAFETY: the caller's promise.
    unsafe { lua.heap().table_set(table, key, value) }.map_err(|error| insert_error(lua, error))
}

/// The error that a failed insertion raises.
#[cold]
pub(crate) fn insert_error(lua: &mut LuaState, error: InsertError) -> Thrown {
    match error {
        InsertError::NilKey => lua.run_error(format_args!("table index is nil")),
        InsertError::NanKey => lua.run_error(format_args!("table index is NaN")),
        InsertError::Overflow => lua.run_error(format_args!("table overflow")),
        InsertError::OutOfMemory => lua.memory_error(),
    }
}

/// `object[key]` for the host API: a metamethod is called in a nested run.
#[doc(alias = "luaV_gettable")]
pub(crate) fn get(lua: &mut LuaState, object: TValue, key: TValue) -> LuaResult<TValue> {
    // SAFETY: V1: the host API's values come from the stack.
    match unsafe { read(lua, object, key, core::ptr::null()) }? {
        Read::Value(value) => Ok(value),
        Read::Call(method, object) => call_values(lua, method, &[object, key], 1),
    }
}

/// `object[key] = value` for the host API.
#[doc(alias = "luaV_settable")]
pub(crate) fn set(lua: &mut LuaState, object: TValue, key: TValue, value: TValue) -> LuaResult<()> {
    // SAFETY: V1: the host API's values come from the stack.
    match unsafe { write(lua, object, key, value, core::ptr::null()) }? {
        Write::Done => Ok(()),
        Write::Call(method, object) => call_values(lua, method, &[object, key, value], 0).map(|_| ()),
    }
}
