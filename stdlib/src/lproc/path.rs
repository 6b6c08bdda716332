//! Saying where in a message the value is that cannot be copied.
//!
//! The encoder notes no ways: they would cost something for each object, and are of use only here. But it has numbered the
//! objects in the order in which it met them. So the way is found backwards: the first object in which another one lies is how it
//! was met.

use perilune_vm::{LuaResult, LuaState, LuaType, Thrown};

use super::encode::{Encoder, Origin, Place, is_element, uncopyable, upvalue_count};
use crate::message::{push_parts, raise_parts};

/// How much of a field's name is shown.
const MAX_NAME: usize = 40;

/// What is looked for in an object: a value on the stack, or the first one that cannot be copied.
#[derive(Clone, Copy)]
enum Wanted {
    Value(i32),
    Uncopyable,
}

impl Wanted {
    fn is_at(self, lua: &LuaState, idx: i32) -> bool {
        match self {
            Self::Value(wanted) => lua.raw_equal(wanted, idx),
            Self::Uncopyable => uncopyable(lua, idx).is_some(),
        }
    }
}

/// Raises the error that a value cannot be copied.
pub(super) fn raise(lua: &mut LuaState, encoder: &Encoder, what: &str, place: Place, origin: Origin) -> Thrown {
    match describe(lua, encoder, place, origin) {
        Ok(()) => {
            let slot = lua.get_top();
            match lua.to_str(slot) {
                Ok(Some(way)) => {
                    // SAFETY: L1.
                    let way = unsafe { way.bytes() };
                    raise_parts(lua, &[b"cannot ", origin.verb.as_bytes(), b" a ", what.as_bytes(), b" (", way, b")"])
                }
                Ok(None) => Thrown::Runtime,
                Err(thrown) => thrown,
            }
        }
        Err(thrown) => thrown,
    }
}

/// Pushes the way from a value of the message to the place.
fn describe(lua: &mut LuaState, encoder: &Encoder, place: Place, origin: Origin) -> LuaResult<()> {
    lua.set_top(encoder.objects())?;
    lua.push_str("")?;
    let way = lua.get_top();
    let mut object = match place {
        Place::Stack(idx) => return push_value_name(lua, idx - encoder.first, origin, way),
        Place::Object(number) => {
            lua.raw_get_i(encoder.objects(), number)?;
            if find_in_object(lua, Wanted::Uncopyable)? {
                prepend(lua, way)?;
            }
            number
        }
    };
    loop {
        // The object, which must be a value of the message or lie in one with a lower number.
        lua.set_top(way)?;
        lua.raw_get_i(encoder.objects(), object)?;
        if let Some(idx) = (encoder.first..=encoder.last).find(|&idx| lua.raw_equal(idx, way + 1)) {
            return push_value_name(lua, idx - encoder.first, origin, way);
        }
        let mut outer = 1;
        loop {
            if outer >= object {
                // It is nowhere; that cannot be, but what was found of the way is worth something.
                return lua.set_top(way);
            }
            lua.set_top(way + 1)?;
            lua.raw_get_i(encoder.objects(), outer)?;
            if find_in_object(lua, Wanted::Value(way + 1))? {
                break;
            }
            outer += 1;
        }
        prepend(lua, way)?;
        object = outer;
    }
}

/// Puts the step on top before the way that was found so far.
fn prepend(lua: &mut LuaState, way: i32) -> LuaResult<()> {
    lua.push_str(", ")?;
    lua.insert(-2);
    lua.push_value(way)?;
    lua.concat(3)?;
    lua.replace(way);
    Ok(())
}

/// Pushes the name of a value of the message and the way from there.
fn push_value_name(lua: &mut LuaState, index: i32, origin: Origin, way: i32) -> LuaResult<()> {
    lua.push_fmt(format_args!("{} {}", origin.noun, origin.number(index)))?;
    lua.push_value(way)?;
    lua.concat(2)
}

/// Looks for something in the object on top, and pushes the step that leads to it; returns false if it is not there.
fn find_in_object(lua: &mut LuaState, wanted: Wanted) -> LuaResult<bool> {
    match lua.lua_type(-1) {
        LuaType::Table => find_in_table(lua, wanted),
        LuaType::Function => find_in_function(lua, wanted),
        _ => Ok(false),
    }
}

/// The same for a table; what is in it is looked at in the encoder's order.
fn find_in_table(lua: &mut LuaState, wanted: Wanted) -> LuaResult<bool> {
    let table = lua.get_top();
    let len = lua.raw_len(table) as i64;
    for n in 1..=len {
        lua.raw_get_i(table, n)?;
        if wanted.is_at(lua, table + 1) {
            lua.push_fmt(format_args!("index {n}"))?;
            return Ok(true);
        }
        lua.pop(1);
    }
    lua.push_nil()?;
    while lua.next(table)? {
        if !is_element(lua, table + 1, len) {
            if wanted.is_at(lua, table + 1) {
                lua.push_str("a key")?;
                return Ok(true);
            }
            if wanted.is_at(lua, table + 2) {
                push_key_name(lua, table + 1)?;
                return Ok(true);
            }
        }
        lua.pop(1);
    }
    if lua.get_metatable(table)? && wanted.is_at(lua, table + 1) {
        lua.push_str("metatable")?;
        return Ok(true);
    }
    Ok(false)
}

/// Pushes the step to the value of a key.
fn push_key_name(lua: &mut LuaState, idx: i32) -> LuaResult<()> {
    match lua.lua_type(idx) {
        LuaType::String => {
            let Some(name) = lua.to_str(idx)? else { return Ok(()) };
            // SAFETY: L1.
            let name = unsafe { name.bytes() };
            let (shown, rest): (&[u8], &[u8]) =
                if name.len() > MAX_NAME { (&name[..MAX_NAME], b"...") } else { (name, b"") };
            push_parts(lua, &[b"field '", shown, rest, b"'"])
        }
        LuaType::Number | LuaType::Boolean => {
            lua.push_str("index ")?;
            lua.push_plain_text(idx)?;
            lua.concat(2)
        }
        other => lua.push_fmt(format_args!("the value of a {} as key", other.name())),
    }
}

/// The same for a function.
fn find_in_function(lua: &mut LuaState, wanted: Wanted) -> LuaResult<bool> {
    let function = lua.get_top();
    for n in 1..=upvalue_count(lua, function)? {
        if let Some(name) = lua.get_upvalue(function, n)?
            && wanted.is_at(lua, function + 1)
        {
            // SAFETY: the name belongs to the function, which is on the stack.
            push_parts(lua, &[b"upvalue '", unsafe { name.bytes() }, b"'"])?;
            return Ok(true);
        }
        lua.set_top(function)?;
    }
    Ok(false)
}
