//! Arithmetic and bitwise operations: integers wrap around, floats follow IEEE 754, strings are converted (manual §3.4).

use perilune_core::TValue;

use super::call::call_values;
use crate::ArithOp;
use crate::convert::{self, float};
use crate::debug::messages;
use crate::error::LuaResult;
use crate::meta::{self, MetaEvent};
use crate::state::LuaState;

/// The event of an operation.
pub(crate) const fn event_of(op: ArithOp) -> MetaEvent {
    match op {
        ArithOp::Add => MetaEvent::Add,
        ArithOp::Sub => MetaEvent::Sub,
        ArithOp::Mul => MetaEvent::Mul,
        ArithOp::Mod => MetaEvent::Mod,
        ArithOp::Pow => MetaEvent::Pow,
        ArithOp::Div => MetaEvent::Div,
        ArithOp::IDiv => MetaEvent::IDiv,
        ArithOp::BAnd => MetaEvent::BAnd,
        ArithOp::BOr => MetaEvent::BOr,
        ArithOp::BXor => MetaEvent::BXor,
        ArithOp::Shl => MetaEvent::Shl,
        ArithOp::Shr => MetaEvent::Shr,
        ArithOp::Unm => MetaEvent::Unm,
        ArithOp::BNot => MetaEvent::BNot,
    }
}

/// Why an operation on integers has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ZeroDivisor {
    /// `n // 0`
    IDiv,
    /// `n % 0`
    Mod,
}

/// The operation on two integers that gives an integer; `None` for `/` and `^`, which are float operations.
fn on_integers(op: ArithOp, a: i64, b: i64) -> Result<Option<i64>, ZeroDivisor> {
    Ok(Some(match op {
        ArithOp::Add => a.wrapping_add(b),
        ArithOp::Sub => a.wrapping_sub(b),
        ArithOp::Mul => a.wrapping_mul(b),
        ArithOp::Mod if b == 0 => return Err(ZeroDivisor::Mod),
        ArithOp::Mod => convert::int_mod(a, b),
        ArithOp::IDiv if b == 0 => return Err(ZeroDivisor::IDiv),
        ArithOp::IDiv => convert::int_idiv(a, b),
        ArithOp::Unm => 0i64.wrapping_sub(a),
        ArithOp::Pow | ArithOp::Div => return Ok(None),
        _ => on_bits(op, a, b),
    }))
}

fn on_bits(op: ArithOp, a: i64, b: i64) -> i64 {
    match op {
        ArithOp::BAnd => a & b,
        ArithOp::BOr => a | b,
        ArithOp::BXor => a ^ b,
        ArithOp::Shl => convert::shift_left(a, b),
        ArithOp::Shr => convert::shift_left(a, b.wrapping_neg()),
        _ => !a,
    }
}

fn on_floats(op: ArithOp, a: f64, b: f64) -> f64 {
    match op {
        ArithOp::Add => a + b,
        ArithOp::Sub => a - b,
        ArithOp::Mul => a * b,
        ArithOp::Div => a / b,
        ArithOp::Mod => convert::float_mod(a, b),
        ArithOp::IDiv => convert::float_idiv(a, b),
        ArithOp::Pow => float::pow(a, b),
        _ => -a,
    }
}

const fn is_bitwise(op: ArithOp) -> bool {
    matches!(op, ArithOp::BAnd | ArithOp::BOr | ArithOp::BXor | ArithOp::Shl | ArithOp::Shr | ArithOp::BNot)
}

/// The result on numbers and strings that are numerals; `None` if another operand asks for a metamethod.
#[doc(alias = "luaO_arith")]
pub(crate) fn on_numbers(op: ArithOp, a: TValue, b: TValue) -> Result<Option<TValue>, ZeroDivisor> {
    if is_bitwise(op) {
        return Ok(match (convert::to_integer(a), convert::to_integer(b)) {
            (Some(a), Some(b)) => Some(TValue::integer(on_bits(op, a, b))),
            _ => None,
        });
    }
    let (a, b) = (numeral(a), numeral(b));
    if let (Some(a), Some(b)) = (a.as_integer(), b.as_integer())
        && let Some(result) = on_integers(op, a, b)?
    {
        return Ok(Some(TValue::integer(result)));
    }
    Ok(match (a.as_number(), b.as_number()) {
        (Some(a), Some(b)) => Some(TValue::float(on_floats(op, a, b))),
        _ => None,
    })
}

/// A string that is a numeral becomes its value as a float, as the reference has it in arithmetic; everything else stays.
fn numeral(v: TValue) -> TValue {
    if !v.is_string() {
        return v;
    }
    match convert::to_number(v) {
        Some(n) => TValue::float(n),
        None => v,
    }
}

/// Finds the metamethod of a binary operation, or raises the error that there is none.
#[doc(alias = "luaT_trybinTM")]
pub(crate) fn metamethod(
    lua: &mut LuaState,
    event: MetaEvent,
    a: *const TValue,
    b: *const TValue,
) -> LuaResult<TValue> {
    // SAFETY: both places hold live values (V1).
    let (left, right) = unsafe { (*a, *b) };
    let mut method = meta::of(lua, left, event);
    if method.is_nil() {
        method = meta::of(lua, right, event);
    }
    if method.is_nil() { Err(messages::operator_error(lua, event, a, b)) } else { Ok(method) }
}

/// Raises the error of an integer division by zero.
#[cold]
pub(crate) fn zero_divisor_error(lua: &mut LuaState, which: ZeroDivisor) -> crate::Thrown {
    match which {
        ZeroDivisor::IDiv => lua.run_error(format_args!("attempt to divide by zero")),
        ZeroDivisor::Mod => lua.run_error(format_args!("attempt to perform 'n%0'")),
    }
}

/// The operation for the host API: a metamethod is called in a nested run.
pub(crate) fn arith(lua: &mut LuaState, op: ArithOp, a: TValue, b: TValue) -> LuaResult<TValue> {
    match on_numbers(op, a, b) {
        Ok(Some(result)) => Ok(result),
        Ok(None) => {
            let method = metamethod(lua, event_of(op), &a, &b)?;
            call_values(lua, method, &[a, b], 1)
        }
        Err(which) => Err(zero_divisor_error(lua, which)),
    }
}
