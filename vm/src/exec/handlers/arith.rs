//! Arithmetic and bitwise operations.
//!
//! The fast paths take two integers or two floats; mixed numbers have a second handler; everything else is one slow path.

use perilune_core::code::Instruction;
use perilune_core::value::tag;
use perilune_core::{CallInfo, TValue, Thread};

use crate::ArithOp;
use crate::convert;
use crate::error::LuaResult;
use crate::exec::arith::{event_of, metamethod, on_numbers, zero_divisor_error};
use crate::exec::drive::Next;
use crate::exec::finish::call_metamethod;
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, drive_from_loop, settle};
use crate::meta::MetaEvent;
use crate::opcode::{Op, op_of};
use crate::state::LuaState;

/// Both operands integers or both floats; else the mixed handler.
macro_rules! arith {
    ($m:ident, $b:expr, $c:expr, |$i:ident, $j:ident| $int:expr, |$x:ident, $y:ident| $float:expr, $mixed:ident) => {{
        let (b, c): (*mut TValue, *mut TValue) = ($b, $c);
        if (*b).t == tag::INT && (*c).t == tag::INT {
            let ($i, $j) = ((*b).u as i64, (*c).u as i64);
            *$m.a() = TValue::integer($int);
            next!($m)
        }
        if (*b).t == tag::FLOAT && (*c).t == tag::FLOAT {
            let ($x, $y) = (f64::from_bits((*b).u), f64::from_bits((*c).u));
            *$m.a() = TValue::float($float);
            next!($m)
        }
        goto!($m, $mixed)
    }};
}

/// Any two numbers, as floats; else the slow path. Each is looked at by itself: both tests at once would take more registers
/// than there are.
macro_rules! floats {
    ($m:ident, $b:expr, $c:expr, |$x:ident, $y:ident| $float:expr) => {{
        let $x = floats!(@float $m, *$b);
        let $y = floats!(@float $m, *$c);
        *$m.a() = TValue::float($float);
        next!($m)
    }};
    (@float $m:ident, $operand:expr) => {{
        let operand: TValue = $operand;
        if operand.t == tag::FLOAT {
            f64::from_bits(operand.u)
        } else if operand.t == tag::INT {
            operand.u as i64 as f64
        } else {
            goto!($m, slow_arith)
        }
    }};
}

/// Two integers with a non-zero divisor, or two floats; else the slow path.
macro_rules! divide {
    ($m:ident, $b:expr, $c:expr, $int:path) => {{
        let (b, c): (*mut TValue, *mut TValue) = ($b, $c);
        if (*b).t == tag::INT && (*c).t == tag::INT && (*c).u != 0 {
            *$m.a() = TValue::integer($int((*b).u as i64, (*c).u as i64));
            next!($m)
        }
        goto!($m, slow_arith)
    }};
}

/// Two integers; else the slow path.
macro_rules! bits {
    ($m:ident, $b:expr, $c:expr, |$i:ident, $j:ident| $int:expr) => {{
        let (b, c): (*mut TValue, *mut TValue) = ($b, $c);
        if (*b).t == tag::INT && (*c).t == tag::INT {
            let ($i, $j) = ((*b).u as i64, (*c).u as i64);
            *$m.a() = TValue::integer($int);
            next!($m)
        }
        goto!($m, slow_arith)
    }};
}

/// `a % b` for `b` other than zero; small natural numbers take the processor's short division.
#[inline(always)]
fn modulo(a: i64, b: i64) -> i64 {
    if (a | b) as u64 >> 32 == 0 { (a as u32 % b as u32) as i64 } else { convert::int_mod(a, b) }
}

/// `a // b` for `b` other than zero; small natural numbers take the processor's short division.
#[inline(always)]
fn floor_divide(a: i64, b: i64) -> i64 {
    if (a | b) as u64 >> 32 == 0 { (a as u32 / b as u32) as i64 } else { convert::int_idiv(a, b) }
}

/// A shift by less than 64 bits either way.
#[inline(always)]
fn shift(a: i64, n: i64) -> i64 {
    if (n as u64) < 64 { ((a as u64) << n) as i64 } else { convert::shift_left(a, n) }
}

/// A shift to the right.
#[inline(always)]
fn shift_right(a: i64, n: i64) -> i64 {
    if (n as u64) < 64 { ((a as u64) >> n) as i64 } else { convert::shift_left(a, n.wrapping_neg()) }
}

handlers! {
    fn op_add(m) { arith!(m, m.b(), m.c(), |i, j| i.wrapping_add(j), |x, y| x + y, mixed_add) }
    fn op_sub(m) { arith!(m, m.b(), m.c(), |i, j| i.wrapping_sub(j), |x, y| x - y, mixed_sub) }
    fn op_mul(m) { arith!(m, m.b(), m.c(), |i, j| i.wrapping_mul(j), |x, y| x * y, mixed_mul) }
    fn op_add_k(m) { arith!(m, m.b(), m.kc(), |i, j| i.wrapping_add(j), |x, y| x + y, mixed_add_k) }
    fn op_sub_k(m) { arith!(m, m.b(), m.kc(), |i, j| i.wrapping_sub(j), |x, y| x - y, mixed_sub_k) }
    fn op_mul_k(m) { arith!(m, m.b(), m.kc(), |i, j| i.wrapping_mul(j), |x, y| x * y, mixed_mul_k) }
    fn op_k_sub(m) { arith!(m, m.kc(), m.b(), |i, j| i.wrapping_sub(j), |x, y| x - y, mixed_k_sub) }
    fn mixed_add(m) { floats!(m, m.b(), m.c(), |x, y| x + y) }
    fn mixed_sub(m) { floats!(m, m.b(), m.c(), |x, y| x - y) }
    fn mixed_mul(m) { floats!(m, m.b(), m.c(), |x, y| x * y) }
    fn mixed_add_k(m) { floats!(m, m.b(), m.kc(), |x, y| x + y) }
    fn mixed_sub_k(m) { floats!(m, m.b(), m.kc(), |x, y| x - y) }
    fn mixed_mul_k(m) { floats!(m, m.b(), m.kc(), |x, y| x * y) }
    fn mixed_k_sub(m) { floats!(m, m.kc(), m.b(), |x, y| x - y) }
    fn op_div(m) { floats!(m, m.b(), m.c(), |x, y| x / y) }
    fn op_div_k(m) { floats!(m, m.b(), m.kc(), |x, y| x / y) }
    fn op_k_div(m) { floats!(m, m.kc(), m.b(), |x, y| x / y) }
    fn op_mod(m) { divide!(m, m.b(), m.c(), modulo) }
    fn op_mod_k(m) { divide!(m, m.b(), m.kc(), modulo) }
    fn op_idiv(m) { divide!(m, m.b(), m.c(), floor_divide) }
    fn op_idiv_k(m) { divide!(m, m.b(), m.kc(), floor_divide) }
    fn op_pow(m) { goto!(m, slow_arith) }
    fn op_pow_k(m) { goto!(m, slow_arith) }
    fn op_band(m) { bits!(m, m.b(), m.c(), |i, j| i & j) }
    fn op_bor(m) { bits!(m, m.b(), m.c(), |i, j| i | j) }
    fn op_bxor(m) { bits!(m, m.b(), m.c(), |i, j| i ^ j) }
    fn op_shl(m) { bits!(m, m.b(), m.c(), |i, j| shift(i, j)) }
    fn op_shr(m) { bits!(m, m.b(), m.c(), |i, j| shift_right(i, j)) }
    fn op_band_k(m) { bits!(m, m.b(), m.kc(), |i, j| i & j) }
    fn op_bor_k(m) { bits!(m, m.b(), m.kc(), |i, j| i | j) }
    fn op_bxor_k(m) { bits!(m, m.b(), m.kc(), |i, j| i ^ j) }
    fn op_shl_k(m) { bits!(m, m.b(), m.kc(), |i, j| shift(i, j)) }
    fn op_shr_k(m) { bits!(m, m.b(), m.kc(), |i, j| shift_right(i, j)) }

    fn op_add_i(m) {
        let b = m.b();
        if (*b).t == tag::INT {
            *m.a() = TValue::integer(((*b).u as i64).wrapping_add(m.ic()));
            next!(m)
        }
        if (*b).t == tag::FLOAT {
            *m.a() = TValue::float(f64::from_bits((*b).u) + m.ic() as f64);
            next!(m)
        }
        goto!(m, slow_arith)
    }

    fn op_unm(m) {
        let b = m.b();
        if (*b).t == tag::INT {
            *m.a() = TValue::integer(0i64.wrapping_sub((*b).u as i64));
            next!(m)
        }
        if (*b).t == tag::FLOAT {
            *m.a() = TValue::float(-f64::from_bits((*b).u));
            next!(m)
        }
        goto!(m, slow_arith)
    }

    fn op_bnot(m) {
        let b = m.b();
        if (*b).t == tag::INT {
            *m.a() = TValue::integer(!((*b).u as i64));
            next!(m)
        }
        goto!(m, slow_arith)
    }
}

slow_paths! {
    closed slow_arith => arith;
}

unsafe fn arith(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = arith_slow(state, m);
        settle(state, result)
    }
}

/// What an arithmetic instruction computes.
const fn operation(op: Op) -> ArithOp {
    match op {
        Op::Add | Op::AddK | Op::AddI => ArithOp::Add,
        Op::Sub | Op::SubK | Op::KSub => ArithOp::Sub,
        Op::Mul | Op::MulK => ArithOp::Mul,
        Op::Mod | Op::ModK => ArithOp::Mod,
        Op::Pow | Op::PowK => ArithOp::Pow,
        Op::Div | Op::DivK | Op::KDiv => ArithOp::Div,
        Op::IDiv | Op::IDivK => ArithOp::IDiv,
        Op::BAnd | Op::BAndK => ArithOp::BAnd,
        Op::BOr | Op::BOrK => ArithOp::BOr,
        Op::BXor | Op::BXorK => ArithOp::BXor,
        Op::Shl | Op::ShlK => ArithOp::Shl,
        Op::Shr | Op::ShrK => ArithOp::Shr,
        Op::Unm => ArithOp::Unm,
        _ => ArithOp::BNot,
    }
}

/// Every arithmetic instruction past its fast path.
unsafe fn arith_slow(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1.
    unsafe {
        let code = op_of(m.word());
        let mut op = operation(code);
        // An immediate operand lives here while messages may look at it.
        let immediate = TValue::integer(if m.x() & 2 != 0 { m.ic().wrapping_neg() } else { m.ic() });
        let (mut left, mut right): (*const TValue, *const TValue) = match code {
            Op::AddI => {
                if m.x() & 2 != 0 {
                    op = ArithOp::Sub;
                }
                (m.b(), &raw const immediate)
            }
            Op::KSub | Op::KDiv => (m.kc(), m.b()),
            Op::Unm | Op::BNot => (m.b(), m.b()),
            _ if matches!(code.info().c, crate::opcode::Operand::Const) => (m.b(), m.kc()),
            _ => (m.b(), m.c()),
        };
        if m.x() & 1 != 0 {
            core::mem::swap(&mut left, &mut right);
        }
        match on_numbers(op, *left, *right) {
            Ok(Some(result)) => {
                *m.a() = result;
                Ok(m.lua)
            }
            Ok(None) => {
                let event: MetaEvent = event_of(op);
                let (a, b) = (*left, *right);
                let method = metamethod(lua, event, left, right)?;
                let step = call_metamethod(lua, method, &[a, b], 1);
                Ok(drive_from_loop(lua, step))
            }
            Err(which) => Err(zero_divisor_error(lua, which)),
        }
    }
}
