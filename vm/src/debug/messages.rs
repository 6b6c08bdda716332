//! The sentences of runtime errors: what was attempted, on what type of value, and which variable held it.
//!
//! Each function makes the message, puts the position before it, pushes it, and returns the error to be passed on. A
//! `place` is the address of a value on the stack, of an upvalue or of a constant; where it lies decides whether the
//! message can name a variable. A copy of the value elsewhere does as well, but has no name.
//!
//! Messages are gathered as pieces of bytes, since names need not be UTF-8, and are written straight into the string.

use core::fmt::Write;

use perilune_core::base::limits::MAX_SHORT_LEN;
use perilune_core::value::tag;
use perilune_core::{LuaString, TValue};

use super::info::{current_line, frame_closure};
use super::names::{Description, Name, until_nul, value_name};
use crate::auxlib::FixedBuf;
use crate::compile::chunk_id;
use crate::convert::{to_integer, to_number};
use crate::error::{LuaResult, Thrown};
use crate::meta::{self, MetaEvent};
use crate::stack;
use crate::state::LuaState;

/// The longest form in which a source is shown (`LUA_IDSIZE`).
pub(super) const SHORT_SOURCE_SIZE: usize = 60;

/// How many pieces a message may have, its position included.
const MAX_PIECES: usize = 12;

/// "source:line: " of the running Lua function, or nothing in a native one.
struct Position {
    source: [u8; SHORT_SOURCE_SIZE],
    source_len: usize,
    line: FixedBuf<16>,
}

impl Position {
    /// The two pieces.
    fn pieces(&self) -> [&[u8]; 2] {
        [&self.source[..self.source_len], self.line.as_bytes()]
    }
}

/// Where the running function is, as messages begin with it.
#[doc(alias = "luaG_addinfo")]
fn position(lua: &LuaState) -> Position {
    let mut position = Position { source: [0; SHORT_SOURCE_SIZE], source_len: 0, line: FixedBuf::new() };
    // SAFETY: H4: the running frame is in use.
    let (frame, closure) = unsafe {
        let frame = &*lua.th().ci.get();
        (frame, frame_closure(frame))
    };
    let Some(closure) = closure else { return position };
    let proto = closure.proto();
    match proto.source() {
        Some(source) => position.source_len = chunk_id(until_nul(source.as_bytes()), &mut position.source),
        None => {
            position.source[0] = b'?';
            position.source_len = 1;
        }
    }
    // The buffer has room for any line number, and writing to it cannot fail.
    let _ = write!(position.line, ":{}: ", current_line(frame, &proto));
    position
}

/// Pushes a string made of pieces.
///
/// The pieces must not lie in memory that a collection may free.
pub(crate) fn push_pieces(lua: &mut LuaState, pieces: &[&[u8]]) -> LuaResult<()> {
    stack::ensure(lua, 1)?;
    let len = pieces.iter().map(|piece| piece.len()).sum::<usize>();
    let string = if len <= MAX_SHORT_LEN {
        let mut bytes = [0; MAX_SHORT_LEN];
        fill(&mut bytes[..len], pieces);
        lua.heap().new_string(&bytes[..len]).map_err(|_| lua.memory_error())?
    } else {
        let string = lua.heap().new_long_string(len).map_err(|_| lua.memory_error())?;
        // SAFETY: the string has `len` bytes, and nobody else sees it yet (S3).
        unsafe {
            string.data().write_bytes(0, len);
            fill(core::slice::from_raw_parts_mut(string.data(), len), pieces);
        }
        string
    };
    lua.th().push(TValue::object(string));
    Ok(())
}

/// Copies pieces one after the other.
fn fill(mut rest: &mut [u8], pieces: &[&[u8]]) {
    for piece in pieces {
        let (head, tail) = rest.split_at_mut(piece.len());
        head.copy_from_slice(piece);
        rest = tail;
    }
}

/// Pushes the position of the running function if that is a Lua function; false, pushing nothing, otherwise.
pub(crate) fn push_position(lua: &mut LuaState) -> LuaResult<bool> {
    let position = position(lua);
    let known = position.source_len > 0;
    if known {
        push_pieces(lua, &position.pieces())?;
    }
    Ok(known)
}

/// Raises an error whose message is made of pieces, with the position before it.
#[doc(alias = "luaG_runerror")]
fn raise_pieces(lua: &mut LuaState, pieces: &[&[u8]]) -> Thrown {
    let position = position(lua);
    let mut all: [&[u8]; MAX_PIECES] = [b""; MAX_PIECES];
    all[..2].copy_from_slice(&position.pieces());
    let count = pieces.len().min(MAX_PIECES - 2);
    all[2..2 + count].copy_from_slice(&pieces[..count]);
    match push_pieces(lua, &all[..2 + count]).and_then(|()| lua.gc_check()) {
        Ok(()) => lua.error(),
        Err(thrown) => thrown,
    }
}

/// The pieces of " (global 'x')", all empty if there is no name.
fn description_pieces(found: Option<Description>) -> [&'static [u8]; 5] {
    match found {
        None => [b""; 5],
        // SAFETY: O2: the function that the name belongs to runs, so it stays on the stack while the message is made.
        Some(Description { what, name }) => [b" (", what.as_bytes(), b" '", unsafe { name.bytes() }, b"')"],
    }
}

/// The name of a value's type, as messages give it: the string `__name` of its metatable, if there is one.
#[doc(alias = "luaT_objtypename")]
pub(crate) fn type_name(lua: &mut LuaState, value: TValue) -> LuaResult<Name> {
    if matches!(value.tag(), tag::TABLE | tag::USERDATA)
        && let Some(metatable) = meta::metatable_of(lua, value)
    {
        let key = lua.heap().new_string(b"__name").map_err(|_| lua.memory_error())?;
        // SAFETY: V1: a reachable table's value is live.
        if let Some(name) = unsafe { metatable.get_short(key).get::<LuaString>() } {
            return Ok(Name::string(name));
        }
    }
    Ok(Name::fixed(value.lua_type().name()))
}

/// The value at a place.
fn value_at(place: *const TValue) -> TValue {
    // SAFETY: V1: the callers of this module pass places of live values.
    unsafe { *place }
}

/// "attempt to OP a TYPE value (VARIABLE)".
#[doc(alias = "luaG_typeerror")]
#[cold]
pub(crate) fn type_error(lua: &mut LuaState, place: *const TValue, op: &str) -> Thrown {
    let type_name = match type_name(lua, value_at(place)) {
        Ok(name) => name,
        Err(thrown) => return thrown,
    };
    let [open, what, quote, name, close] = description_pieces(value_name(lua, place));
    // SAFETY: O2: the name belongs to the metatable of a live value.
    let type_name = unsafe { type_name.bytes() };
    let op = op.as_bytes();
    raise_pieces(lua, &[b"attempt to ", op, b" a ", type_name, b" value", open, what, quote, name, close])
}

/// A value that is no function was called.
#[cold]
pub(crate) fn call_error(lua: &mut LuaState, place: *const TValue) -> Thrown {
    type_error(lua, place, "call")
}

/// Two values cannot be concatenated; names the first one that is to blame.
#[doc(alias = "luaG_concaterror")]
#[cold]
pub(crate) fn concat_error(lua: &mut LuaState, a: *const TValue, b: *const TValue) -> Thrown {
    let first = value_at(a);
    let place = if first.is_string() || first.is_number() { b } else { a };
    type_error(lua, place, "concatenate")
}

/// An operand is no number; names the first one that is to blame.
#[doc(alias = "luaG_opinterror")]
fn operand_error(lua: &mut LuaState, a: *const TValue, b: *const TValue, op: &str) -> Thrown {
    let place = if to_number(value_at(a)).is_none() { a } else { b };
    type_error(lua, place, op)
}

/// An operand of an arithmetic operation is no number.
#[cold]
pub(crate) fn arith_error(lua: &mut LuaState, a: *const TValue, b: *const TValue) -> Thrown {
    operand_error(lua, a, b, "perform arithmetic on")
}

/// An operand of a bitwise operation is no number, or no integer.
#[cold]
pub(crate) fn bitwise_error(lua: &mut LuaState, a: *const TValue, b: *const TValue) -> Thrown {
    if to_number(value_at(a)).is_some() && to_number(value_at(b)).is_some() {
        to_integer_error(lua, a, b)
    } else {
        operand_error(lua, a, b, "perform bitwise operation on")
    }
}

/// Both operands are numbers, but one has no integer representation.
#[doc(alias = "luaG_tointerror")]
#[cold]
pub(crate) fn to_integer_error(lua: &mut LuaState, a: *const TValue, b: *const TValue) -> Thrown {
    let place = if to_integer(value_at(a)).is_none() { a } else { b };
    let [open, what, quote, name, close] = description_pieces(value_name(lua, place));
    raise_pieces(lua, &[b"number", open, what, quote, name, close, b" has no integer representation"])
}

/// An operation found no metamethod for its operands.
#[doc(alias = "luaT_trybinTM")]
#[cold]
pub(crate) fn operator_error(lua: &mut LuaState, event: MetaEvent, a: *const TValue, b: *const TValue) -> Thrown {
    match event {
        MetaEvent::Concat => concat_error(lua, a, b),
        MetaEvent::BAnd | MetaEvent::BOr | MetaEvent::BXor | MetaEvent::Shl | MetaEvent::Shr | MetaEvent::BNot => {
            bitwise_error(lua, a, b)
        }
        _ => arith_error(lua, a, b),
    }
}

/// Two values have no order.
#[doc(alias = "luaG_ordererror")]
#[cold]
pub(crate) fn order_error(lua: &mut LuaState, a: TValue, b: TValue) -> Thrown {
    let names = type_name(lua, a).and_then(|first| Ok((first, type_name(lua, b)?)));
    let (first, second) = match names {
        // SAFETY: O2: the names belong to the metatables of live values.
        Ok((first, second)) => unsafe { (first.bytes(), second.bytes()) },
        Err(thrown) => return thrown,
    };
    if first == second {
        raise_pieces(lua, &[b"attempt to compare two ", first, b" values"])
    } else {
        raise_pieces(lua, &[b"attempt to compare ", first, b" with ", second])
    }
}
