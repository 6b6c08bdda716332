//! The list of constants, and constant folding.

use perilune_core::value::tag;
use perilune_core::{GcRef, LuaString, TValue};

use super::emit::grow_array;
use super::expdesc::{BinOp, ExpDesc, Kind, UnOp};
use super::state::Compiler;
use crate::convert::{float, float_idiv, float_mod, float_to_integer, int_idiv, int_mod, shift_left};
use crate::error::{LuaResult, Thrown};
use crate::opcode::MAX_CONST_OPERAND;

/// The largest number of constants of a function.
const MAX_CONSTANTS: u32 = (1 << 26) - 1;

/// How many constants of a function are looked through; more are remembered in the scanner's table. Most functions have no more,
/// and their constants lie side by side, where the table of a large chunk is too large for the processor's caches.
const FIRST_CONSTANTS: usize = 32;

/// Constants.
impl Compiler<'_, '_> {
    /// The index of a constant, which is added unless it is there.
    ///
    /// Beyond the first ones the scanner's table remembers where, under `key`: not every value can be one, and an integer must
    /// not be taken for the float of the same value. What it remembers may be of another function, and is checked.
    #[doc(alias = "addk")]
    fn add_constant(&mut self, key: TValue, value: TValue) -> LuaResult<u32> {
        let proto = self.fs.proto;
        let index = self.fs.n_constants;
        let known = &proto.constants_slice()[..index as usize];
        if let Some(index) = position(&known[..known.len().min(FIRST_CONSTANTS)], value) {
            return Ok(index as u32);
        }
        if known.len() >= FIRST_CONSTANTS {
            if let Some(index) = self.remembered(key, value) {
                return Ok(index);
            }
            // SAFETY: LX1; the key is a number, a boolean, or an object that the table has as a key already or is.
            let set = unsafe { self.lex.lua.heap().table_set(self.lex.table, key, TValue::integer(index as i64)) };
            set.map_err(|_| Thrown::Memory)?;
        }
        let lua = &mut *self.lex.lua;
        // SAFETY: C1 for the prototype; strings are keys of the table already (LX1).
        unsafe {
            if index >= proto.constants_len.get() {
                let (data, len) = (&proto.constants, &proto.constants_len);
                grow_array(lua, data, len, TValue::NIL, MAX_CONSTANTS, "constants")?;
            }
            proto.constants.get().add(index as usize).write(value);
            if value.is_collectable() {
                lua.heap().barrier_forward(proto.as_header(), value);
            }
        }
        self.fs.n_constants += 1;
        Ok(index)
    }

    /// Where the scanner's table says that a constant of this function is.
    fn remembered(&self, key: TValue, value: TValue) -> Option<u32> {
        // SAFETY: LX1; the key is a number, a boolean, or an object that the table keeps alive or is.
        let index = unsafe { self.lex.table.get(key) }.as_integer()? as usize;
        let known = &self.fs.proto.constants_slice()[..self.fs.n_constants as usize];
        known.get(index).is_some_and(|constant| constant.same_bits(value)).then_some(index as u32)
    }

    /// The index of a string.
    #[doc(alias = "luaK_stringK")]
    pub(super) fn string_constant(&mut self, string: GcRef<LuaString>) -> LuaResult<u32> {
        let value = TValue::object(string);
        self.add_constant(value, value)
    }

    /// The index of an integer. Its key is a light userdata, as a number it would be equal to a float.
    #[doc(alias = "luaK_intK")]
    pub(super) fn integer_constant(&mut self, i: i64) -> LuaResult<u32> {
        self.add_constant(TValue::light(core::ptr::without_provenance_mut(i as usize)), TValue::integer(i))
    }

    /// The index of a float.
    #[doc(alias = "luaK_numberK")]
    pub(super) fn float_constant(&mut self, n: f64) -> LuaResult<u32> {
        self.add_constant(TValue::float(n), TValue::float(n))
    }

    /// The index of an expression's value, if that is known now.
    pub(super) fn constant_index(&mut self, e: &ExpDesc) -> LuaResult<Option<u32>> {
        if e.has_jumps() {
            return Ok(None);
        }
        let index = match e.kind {
            // Nil is no key; the table itself stands for it.
            Kind::Nil => self.add_constant(TValue::object(self.lex.table), TValue::NIL),
            Kind::True => self.add_constant(TValue::TRUE, TValue::TRUE),
            Kind::False => self.add_constant(TValue::FALSE, TValue::FALSE),
            Kind::Integer(i) => self.integer_constant(i),
            Kind::Float(n) => self.float_constant(n),
            Kind::Const(index) => Ok(index),
            _ => return Ok(None),
        }?;
        Ok(Some(index))
    }

    /// The same if the index fits an operand of 16 bits.
    pub(super) fn constant_operand(&mut self, e: &ExpDesc) -> LuaResult<Option<u16>> {
        let index = self.constant_index(e)?;
        Ok(index.filter(|&index| index as usize <= MAX_CONST_OPERAND).map(|index| index as u16))
    }

    /// The string that is the constant with this index.
    pub(super) fn constant_string(&self, index: u32) -> Option<GcRef<LuaString>> {
        let value = *self.fs.proto.constants_slice().get(index as usize)?;
        // SAFETY: C1: the constants are live.
        unsafe { value.get::<LuaString>() }
    }
}

/// Where a value is among constants.
fn position(constants: &[TValue], value: TValue) -> Option<usize> {
    if value.t <= tag::TRUE {
        // These have no payload.
        constants.iter().position(|constant| constant.t == value.t)
    } else {
        constants.iter().position(|constant| constant.u == value.u && constant.t == value.t)
    }
}

/// The result of an operation on two numbers, unless it would raise an error or is not to be known before run time: NaN
/// and zeros of floats, whose sign constants do not keep.
#[doc(alias = "constfolding")]
pub(super) fn fold(op: BinOp, left: &ExpDesc, right: &ExpDesc) -> Option<Kind> {
    if left.has_jumps() || right.has_jumps() {
        return None;
    }
    match op {
        BinOp::BAnd | BinOp::BOr | BinOp::BXor | BinOp::Shl | BinOp::Shr => {
            Some(Kind::Integer(fold_bits(op, exact_integer(left.kind)?, exact_integer(right.kind)?)))
        }
        BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Mod | BinOp::IDiv => match (left.kind, right.kind) {
            (Kind::Integer(a), Kind::Integer(b)) => fold_integers(op, a, b),
            (a, b) => fold_floats(op, as_float(a)?, as_float(b)?),
        },
        BinOp::Pow | BinOp::Div => fold_floats(op, as_float(left.kind)?, as_float(right.kind)?),
        _ => None,
    }
}

/// The result of a unary operation on a number, under the same conditions.
pub(super) fn fold_unary(op: UnOp, operand: &ExpDesc) -> Option<Kind> {
    if operand.has_jumps() {
        return None;
    }
    match (op, operand.kind) {
        (UnOp::Minus, Kind::Integer(i)) => Some(Kind::Integer(i.wrapping_neg())),
        (UnOp::Minus, Kind::Float(n)) => known_float(-n),
        (UnOp::BNot, kind) => Some(Kind::Integer(!exact_integer(kind)?)),
        _ => None,
    }
}

fn as_float(kind: Kind) -> Option<f64> {
    match kind {
        Kind::Integer(i) => Some(i as f64),
        Kind::Float(n) => Some(n),
        _ => None,
    }
}

fn exact_integer(kind: Kind) -> Option<i64> {
    match kind {
        Kind::Integer(i) => Some(i),
        Kind::Float(n) => float_to_integer(n),
        _ => None,
    }
}

fn known_float(n: f64) -> Option<Kind> {
    if n.is_nan() || n == 0.0 { None } else { Some(Kind::Float(n)) }
}

fn fold_integers(op: BinOp, a: i64, b: i64) -> Option<Kind> {
    Some(Kind::Integer(match op {
        BinOp::Add => a.wrapping_add(b),
        BinOp::Sub => a.wrapping_sub(b),
        BinOp::Mul => a.wrapping_mul(b),
        BinOp::Mod if b != 0 => int_mod(a, b),
        BinOp::IDiv if b != 0 => int_idiv(a, b),
        _ => return None,
    }))
}

fn fold_floats(op: BinOp, a: f64, b: f64) -> Option<Kind> {
    known_float(match op {
        BinOp::Add => a + b,
        BinOp::Sub => a - b,
        BinOp::Mul => a * b,
        BinOp::Pow => float::pow(a, b),
        BinOp::Div if b != 0.0 => a / b,
        BinOp::Mod if b != 0.0 => float_mod(a, b),
        BinOp::IDiv if b != 0.0 => float_idiv(a, b),
        _ => return None,
    })
}

fn fold_bits(op: BinOp, a: i64, b: i64) -> i64 {
    match op {
        BinOp::BAnd => a & b,
        BinOp::BOr => a | b,
        BinOp::BXor => a ^ b,
        BinOp::Shl => shift_left(a, b),
        _ => shift_left(a, b.wrapping_neg()),
    }
}

#[cfg(test)]
mod tests {
    use super::{BinOp, ExpDesc, Kind, UnOp, fold, fold_unary};

    fn of(op: BinOp, a: Kind, b: Kind) -> Option<Kind> {
        fold(op, &ExpDesc::new(a), &ExpDesc::new(b))
    }

    #[test]
    fn folds() {
        use Kind::{Float, Integer};
        assert_eq!(of(BinOp::Add, Integer(i64::MAX), Integer(1)), Some(Integer(i64::MIN)));
        assert_eq!(of(BinOp::Div, Integer(1), Integer(2)), Some(Float(0.5)));
        assert_eq!(of(BinOp::Pow, Integer(2), Integer(10)), Some(Float(1024.0)));
        assert_eq!(of(BinOp::IDiv, Integer(-7), Integer(2)), Some(Integer(-4)));
        assert_eq!(of(BinOp::Shr, Integer(-1), Integer(63)), Some(Integer(1)));
        assert_eq!(of(BinOp::BOr, Float(2.0), Integer(1)), Some(Integer(3)));
        assert_eq!(fold_unary(UnOp::BNot, &ExpDesc::new(Integer(0))), Some(Integer(-1)));
    }

    #[test]
    fn does_not_fold() {
        use Kind::{Float, Integer, Nil};
        assert_eq!(of(BinOp::Div, Integer(1), Integer(0)), None);
        assert_eq!(of(BinOp::Mod, Integer(1), Float(0.0)), None);
        assert_eq!(of(BinOp::Mul, Float(0.0), Integer(-1)), None);
        assert_eq!(of(BinOp::Sub, Float(f64::INFINITY), Float(f64::INFINITY)), None);
        assert_eq!(of(BinOp::BAnd, Float(1.5), Integer(1)), None);
        assert_eq!(of(BinOp::Add, Nil, Integer(1)), None);
        assert_eq!(fold_unary(UnOp::Minus, &ExpDesc::new(Float(0.0))), None);
    }
}
