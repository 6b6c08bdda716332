//! Equality and order (manual §3.4.4).

use core::cmp::Ordering;

use perilune_core::value::tag;
use perilune_core::{LuaString, TValue, Table, Userdata};

use super::call::call_values;
use crate::convert;
use crate::debug::messages;
use crate::error::LuaResult;
use crate::meta::{self, MetaEvent};
use crate::state::LuaState;

/// What a comparison comes to.
pub(crate) enum Outcome {
    /// The answer.
    Is(bool),
    /// This metamethod is to be called with these operands; the answer is its truth, negated if so marked.
    Call { method: TValue, a: TValue, b: TValue, negate: bool },
}

/// Equality without metamethods.
#[doc(alias = "luaV_rawequalobj")]
pub(crate) fn raw_equals(a: TValue, b: TValue) -> bool {
    if a.tag() != b.tag() {
        return match (a.as_integer(), b.as_float(), a.as_float(), b.as_integer()) {
            (Some(i), Some(f), _, _) | (_, _, Some(f), Some(i)) => convert::float_to_integer(f) == Some(i),
            _ => false,
        };
    }
    match a.tag() {
        tag::NIL | tag::FALSE | tag::TRUE => true,
        tag::FLOAT => f64::from_bits(a.u) == f64::from_bits(b.u),
        // SAFETY: V1: operands are live.
        tag::LONG_STRING => unsafe { a.as_ref::<LuaString>().equals(b.as_ref()) },
        _ => a.u == b.u,
    }
}

/// Equality of two numbers, or of a string with something, where there is no metamethod.
#[inline]
pub(crate) fn plain_equality(a: TValue, b: TValue) -> Option<bool> {
    if (a.is_number() && b.is_number()) || b.is_string() { Some(raw_equals(a, b)) } else { None }
}

/// Equality.
#[doc(alias = "luaV_equalobj")]
pub(crate) fn equality(lua: &LuaState, a: TValue, b: TValue) -> Outcome {
    if raw_equals(a, b) || a.tag() != b.tag() {
        return Outcome::Is(raw_equals(a, b));
    }
    // SAFETY: V1: operands are live.
    let (first, second) = unsafe {
        match a.tag() {
            tag::TABLE => (a.as_ref::<Table>().metatable(), b.as_ref::<Table>().metatable()),
            tag::USERDATA => (a.as_ref::<Userdata>().metatable(), b.as_ref::<Userdata>().metatable()),
            _ => return Outcome::Is(false),
        }
    };
    let mut method = meta::fast(lua, first, MetaEvent::Eq);
    if method.is_nil() {
        method = meta::fast(lua, second, MetaEvent::Eq);
    }
    if method.is_nil() { Outcome::Is(false) } else { Outcome::Call { method, a, b, negate: false } }
}

/// The order of two strings as the C library's collation has it in the C locale; embedded zeros count as characters.
#[doc(alias = "l_strcmp")]
#[inline]
pub(crate) fn compare_strings(a: &[u8], b: &[u8]) -> Ordering {
    match (a.first(), b.first()) {
        // Mostly this decides, and saves a call.
        (Some(a), Some(b)) if a != b => a.cmp(b),
        _ => a.cmp(b),
    }
}

/// The order of two numbers or two strings, if they are that.
#[inline]
pub(crate) fn plain_order(a: TValue, b: TValue, or_equal: bool) -> Option<bool> {
    match (a.tag(), b.tag()) {
        (tag::INT, tag::INT) => {
            let (a, b) = (a.u as i64, b.u as i64);
            Some(if or_equal { a <= b } else { a < b })
        }
        (tag::FLOAT, tag::FLOAT) => {
            let (a, b) = (f64::from_bits(a.u), f64::from_bits(b.u));
            Some(if or_equal { a <= b } else { a < b })
        }
        (tag::INT, tag::FLOAT) => {
            let (a, b) = (a.u as i64, f64::from_bits(b.u));
            Some(if or_equal { convert::le_int_float(a, b) } else { convert::lt_int_float(a, b) })
        }
        (tag::FLOAT, tag::INT) => {
            let (a, b) = (f64::from_bits(a.u), b.u as i64);
            Some(if or_equal { convert::le_float_int(a, b) } else { convert::lt_float_int(a, b) })
        }
        _ if a.is_string() && b.is_string() => {
            // SAFETY: V1: operands are live.
            let order = unsafe {
                let (a, b) = (a.as_ref::<LuaString>(), b.as_ref::<LuaString>());
                compare_strings(a.as_bytes(), b.as_bytes())
            };
            Some(if or_equal { order != Ordering::Greater } else { order == Ordering::Less })
        }
        _ => None,
    }
}

fn binary_method(lua: &LuaState, event: MetaEvent, a: TValue, b: TValue) -> TValue {
    let method = meta::of(lua, a, event);
    if method.is_nil() { meta::of(lua, b, event) } else { method }
}

/// `a < b`, or `a <= b` if so asked (with `not (b < a)` where there is no `__le`).
#[doc(alias = "luaV_lessequal")]
pub(crate) fn order(lua: &mut LuaState, a: TValue, b: TValue, or_equal: bool) -> LuaResult<Outcome> {
    if let Some(answer) = plain_order(a, b, or_equal) {
        return Ok(Outcome::Is(answer));
    }
    let event = if or_equal { MetaEvent::Le } else { MetaEvent::Lt };
    let method = binary_method(lua, event, a, b);
    if !method.is_nil() {
        return Ok(Outcome::Call { method, a, b, negate: false });
    }
    if or_equal {
        let method = binary_method(lua, MetaEvent::Lt, b, a);
        if !method.is_nil() {
            return Ok(Outcome::Call { method, a: b, b: a, negate: true });
        }
    }
    Err(messages::order_error(lua, a, b))
}

/// Finishes a comparison for the host API: a metamethod is called in a nested run.
fn settle(lua: &mut LuaState, outcome: Outcome) -> LuaResult<bool> {
    match outcome {
        Outcome::Is(answer) => Ok(answer),
        Outcome::Call { method, a, b, negate } => Ok(call_values(lua, method, &[a, b], 1)?.is_falsy() == negate),
    }
}

/// `a == b` for the host API.
pub(crate) fn equals(lua: &mut LuaState, a: TValue, b: TValue) -> LuaResult<bool> {
    let outcome = equality(lua, a, b);
    settle(lua, outcome)
}

/// `a < b` for the host API.
#[doc(alias = "luaV_lessthan")]
pub(crate) fn less_than(lua: &mut LuaState, a: TValue, b: TValue) -> LuaResult<bool> {
    let outcome = order(lua, a, b, false)?;
    settle(lua, outcome)
}

/// `a <= b` for the host API.
pub(crate) fn less_equal(lua: &mut LuaState, a: TValue, b: TValue) -> LuaResult<bool> {
    let outcome = order(lua, a, b, true)?;
    settle(lua, outcome)
}
