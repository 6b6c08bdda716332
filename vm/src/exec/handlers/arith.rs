//! Arithmetic and bitwise operations.
//!
//! The fast paths take numbers of both types; everything else is one slow path. An instruction with a constant knows that
//! constant's type.

use core::num::NonZero;

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
use crate::exec::interp::{Dispatch, Machine, settle};
use crate::meta::MetaEvent;
use crate::opcode::{Op, Operand, op_of};
use crate::state::LuaState;

/// Stores the result, and goes on.
macro_rules! done {
    ($m:ident, $result:expr) => {{
        *$m.a() = $result;
        next!($m)
    }};
}

/// The payload of a float.
macro_rules! float {
    ($place:expr) => {
        f64::from_bits((*$place).u)
    };
}

/// The payload of an integer.
macro_rules! integer {
    ($place:expr) => {
        (*$place).u as i64
    };
}

/// An integer as a float.
///
/// The instruction that converts leaves half of its register as it was, so it waits for whoever wrote there last: for a division,
/// maybe. The compiler does not see that far beyond one handler, so the register is cleared here.
#[inline(always)]
fn to_float(i: i64) -> f64 {
    #[cfg(all(perilune_tail, target_arch = "x86_64"))]
    {
        let n: f64;
        // SAFETY: both instructions are of every processor of this architecture, and touch the result's register alone.
        unsafe {
            core::arch::asm!("xorps {n}, {n}", "cvtsi2sd {n}, {i}", n = out(xmm_reg) n, i = in(reg) i, options(pure, nomem, nostack, preserves_flags));
        }
        n
    }
    #[cfg(not(all(perilune_tail, target_arch = "x86_64")))]
    {
        i as f64
    }
}

/// Two integers, or two numbers as floats; else the slow path.
macro_rules! arith {
    ($m:ident, |$i:ident, $j:ident| $int:expr, |$x:ident, $y:ident| $float:expr) => {{
        let (b, c) = ($m.b(), $m.c());
        if (*b).t == tag::FLOAT {
            let $x = float!(b);
            if (*c).t == tag::FLOAT {
                let $y = float!(c);
                done!($m, TValue::float($float))
            }
            if (*c).t == tag::INT {
                let $y = to_float(integer!(c));
                done!($m, TValue::float($float))
            }
        } else if (*b).t == tag::INT {
            if (*c).t == tag::INT {
                let ($i, $j) = (integer!(b), integer!(c));
                done!($m, TValue::integer($int))
            }
            if (*c).t == tag::FLOAT {
                let ($x, $y) = (to_float(integer!(b)), float!(c));
                done!($m, TValue::float($float))
            }
        }
        goto!($m, slow_arith)
    }};
}

/// A number and a constant, an integer: of two integers or, if there is only one, of two floats; else the slow path.
macro_rules! with_integer {
    ($m:ident, $constant:expr, |$i:ident, $j:ident| $int:expr, |$x:ident, $y:ident| $float:expr) => {{
        let b = $m.b();
        if (*b).t == tag::INT {
            let ($i, $j) = (integer!(b), $constant);
            done!($m, TValue::integer($int))
        }
        if (*b).t == tag::FLOAT {
            let ($x, $y) = (float!(b), to_float($constant));
            done!($m, TValue::float($float))
        }
        goto!($m, slow_arith)
    }};
}

/// A number and a constant as floats; else the slow path.
macro_rules! with_float {
    ($m:ident, $constant:expr, |$x:ident, $y:ident| $float:expr) => {{
        let b = $m.b();
        if (*b).t == tag::FLOAT {
            let ($x, $y) = (float!(b), $constant);
            done!($m, TValue::float($float))
        }
        if (*b).t == tag::INT {
            let ($x, $y) = (to_float(integer!(b)), $constant);
            done!($m, TValue::float($float))
        }
        goto!($m, slow_arith)
    }};
}

/// Two integers with a non-zero divisor; else another handler.
macro_rules! divide {
    ($m:ident, $c:expr, $int:path, $other:path) => {{
        let (b, c): (*mut TValue, *mut TValue) = ($m.b(), $c);
        if (*b).t == tag::INT && (*c).t == tag::INT && (*c).u != 0 {
            done!($m, TValue::integer($int(integer!(b), integer!(c))))
        }
        goto!($m, $other)
    }};
}

/// The remainder of a float by a float or an integer, if that is easy; else the slow path.
macro_rules! mod_float {
    ($m:ident, $c:expr) => {{
        let (b, c): (*mut TValue, *mut TValue) = ($m.b(), $c);
        if (*b).t == tag::FLOAT {
            let divisor = if (*c).t == tag::FLOAT {
                float!(c)
            } else if (*c).t == tag::INT {
                to_float(integer!(c))
            } else {
                goto!($m, slow_arith)
            };
            if let Some(result) = convert::natural_mod(float!(b), divisor) {
                done!($m, TValue::float(result))
            }
        }
        goto!($m, slow_arith)
    }};
}

/// The quotient of two numbers, not both of them integers, rounded down; else the slow path.
macro_rules! idiv_float {
    ($m:ident, $c:expr) => {{
        let (b, c): (*mut TValue, *mut TValue) = ($m.b(), $c);
        if ((*b).t == tag::FLOAT || (*c).t == tag::FLOAT)
            && let (Some(x), Some(y)) = ((*b).as_number(), (*c).as_number())
        {
            done!($m, TValue::float(convert::float_idiv(x, y)))
        }
        goto!($m, slow_arith)
    }};
}

/// A number to the power of another: squares at once, all else in another handler.
macro_rules! power {
    ($m:ident, $c:expr, $other:path) => {{
        let (b, c): (*mut TValue, *mut TValue) = ($m.b(), $c);
        if ((*c).t == tag::INT && (*c).u == 2) || ((*c).t == tag::FLOAT && float!(c) == 2.0) {
            if (*b).t == tag::FLOAT {
                done!($m, TValue::float(float!(b) * float!(b)))
            }
            if (*b).t == tag::INT {
                let x = to_float(integer!(b));
                done!($m, TValue::float(x * x))
            }
        }
        goto!($m, $other)
    }};
}

/// The same for any two numbers; else the slow path. The function that it calls touches nothing of the machine.
macro_rules! power_of_numbers {
    ($m:ident, $c:expr) => {{
        let (b, c): (*mut TValue, *mut TValue) = ($m.b(), $c);
        if let (Some(x), Some(y)) = ((*b).as_number(), (*c).as_number()) {
            done!($m, TValue::float(convert::float::pow(x, y)))
        }
        goto!($m, slow_arith)
    }};
}

/// Two integers; else the slow path.
macro_rules! bits {
    ($m:ident, $c:expr, |$i:ident, $j:ident| $int:expr) => {{
        let (b, c): (*mut TValue, *mut TValue) = ($m.b(), $c);
        if (*b).t == tag::INT && (*c).t == tag::INT {
            let ($i, $j) = (integer!(b), integer!(c));
            done!($m, TValue::integer($int))
        }
        goto!($m, slow_arith)
    }};
}

/// An integer, with a constant that is one; else the slow path.
macro_rules! bits_of {
    ($m:ident, |$i:ident| $int:expr) => {{
        let b = $m.b();
        if (*b).t == tag::INT {
            let $i = integer!(b);
            done!($m, TValue::integer($int))
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
    fn op_add(m) { arith!(m, |i, j| i.wrapping_add(j), |x, y| x + y) }
    fn op_sub(m) { arith!(m, |i, j| i.wrapping_sub(j), |x, y| x - y) }
    fn op_mul(m) { arith!(m, |i, j| i.wrapping_mul(j), |x, y| x * y) }

    fn op_div(m) {
        let (b, c) = (m.b(), m.c());
        let x = if (*b).t == tag::FLOAT {
            float!(b)
        } else if (*b).t == tag::INT {
            to_float(integer!(b))
        } else {
            goto!(m, slow_arith)
        };
        if (*c).t == tag::FLOAT {
            done!(m, TValue::float(x / float!(c)))
        }
        if (*c).t == tag::INT {
            done!(m, TValue::float(x / to_float(integer!(c))))
        }
        goto!(m, slow_arith)
    }

    fn op_add_k(m) { with_integer!(m, integer!(m.kc()), |i, j| i.wrapping_add(j), |x, y| x + y) }
    fn op_sub_k(m) { with_integer!(m, integer!(m.kc()), |i, j| i.wrapping_sub(j), |x, y| x - y) }
    fn op_mul_k(m) { with_integer!(m, integer!(m.kc()), |i, j| i.wrapping_mul(j), |x, y| x * y) }
    fn op_k_sub(m) { with_integer!(m, integer!(m.kc()), |i, j| j.wrapping_sub(i), |x, y| y - x) }
    fn op_add_i(m) { with_integer!(m, m.ic(), |i, j| i.wrapping_add(j), |x, y| x + y) }
    fn op_mul_i(m) { with_integer!(m, m.ic(), |i, j| i.wrapping_mul(j), |x, y| x * y) }
    fn op_div_k(m) { with_float!(m, to_float(integer!(m.kc())), |x, y| x / y) }
    fn op_k_div(m) { with_float!(m, to_float(integer!(m.kc())), |x, y| y / x) }
    fn op_add_kf(m) { with_float!(m, float!(m.kc()), |x, y| x + y) }
    fn op_sub_kf(m) { with_float!(m, float!(m.kc()), |x, y| x - y) }
    fn op_mul_kf(m) { with_float!(m, float!(m.kc()), |x, y| x * y) }
    fn op_div_kf(m) { with_float!(m, float!(m.kc()), |x, y| x / y) }
    fn op_kf_sub(m) { with_float!(m, float!(m.kc()), |x, y| y - x) }
    fn op_kf_div(m) { with_float!(m, float!(m.kc()), |x, y| y / x) }

    fn op_mod(m) { divide!(m, m.c(), modulo, mod_float) }
    fn op_mod_k(m) { divide!(m, m.kc(), modulo, mod_float_k) }
    fn op_idiv(m) { divide!(m, m.c(), floor_divide, idiv_float) }
    fn op_idiv_k(m) { divide!(m, m.kc(), floor_divide, idiv_float_k) }
    fn op_pow(m) { power!(m, m.c(), pow_any) }
    fn op_pow_k(m) { power!(m, m.kc(), pow_any_k) }

    #[inline(never)]
    fn pow_any(m) { power_of_numbers!(m, m.c()) }

    #[inline(never)]
    fn pow_any_k(m) { power_of_numbers!(m, m.kc()) }

    #[inline(never)]
    fn idiv_float(m) { idiv_float!(m, m.c()) }

    #[inline(never)]
    fn idiv_float_k(m) { idiv_float!(m, m.kc()) }

    /// Powers of two are common, and need no division.
    fn op_mod_i(m) {
        let b = m.b();
        // The verifier and the compiler see to it that it is positive.
        let divisor = m.ic();
        if (*b).t == tag::INT {
            if divisor & (divisor - 1) == 0 {
                done!(m, TValue::integer(integer!(b) & (divisor - 1)))
            }
            if (*b).u >> 32 == 0 {
                done!(m, TValue::integer(((*b).u as u32 % NonZero::new_unchecked(divisor as u32)) as i64))
            }
            goto!(m, mod_i_wide)
        }
        goto!(m, mod_i_float)
    }

    #[inline(never)]
    fn mod_float(m) { mod_float!(m, m.c()) }

    #[inline(never)]
    fn mod_float_k(m) { mod_float!(m, m.kc()) }

    #[inline(never)]
    fn mod_i_float(m) {
        let b = m.b();
        if (*b).t == tag::FLOAT
            && let Some(result) = convert::natural_mod(float!(b), to_float(m.ic()))
        {
            done!(m, TValue::float(result))
        }
        goto!(m, slow_arith)
    }

    #[inline(never)]
    fn mod_i_wide(m) { done!(m, TValue::integer(integer!(m.b()).rem_euclid(m.ic()))) }

    fn op_idiv_i(m) {
        let b = m.b();
        if (*b).t == tag::INT {
            // The verifier and the compiler see to it that the divisor is positive.
            if (*b).u >> 32 == 0 {
                done!(m, TValue::integer(((*b).u as u32 / NonZero::new_unchecked(m.ic() as u32)) as i64))
            }
            goto!(m, idiv_i_wide)
        }
        if (*b).t == tag::FLOAT {
            done!(m, TValue::float(convert::float_idiv(float!(b), to_float(m.ic()))))
        }
        goto!(m, slow_arith)
    }

    #[inline(never)]
    fn idiv_i_wide(m) { done!(m, TValue::integer(integer!(m.b()).div_euclid(m.ic()))) }

    fn op_band(m) { bits!(m, m.c(), |i, j| i & j) }
    fn op_bor(m) { bits!(m, m.c(), |i, j| i | j) }
    fn op_bxor(m) { bits!(m, m.c(), |i, j| i ^ j) }
    fn op_shl(m) { bits!(m, m.c(), |i, j| shift(i, j)) }
    fn op_shr(m) { bits!(m, m.c(), |i, j| shift_right(i, j)) }
    fn op_shl_k(m) { bits!(m, m.kc(), |i, j| shift(i, j)) }
    fn op_shr_k(m) { bits!(m, m.kc(), |i, j| shift_right(i, j)) }
    fn op_band_k(m) { bits_of!(m, |i| i & integer!(m.kc())) }
    fn op_bor_k(m) { bits_of!(m, |i| i | integer!(m.kc())) }
    fn op_bxor_k(m) { bits_of!(m, |i| i ^ integer!(m.kc())) }
    fn op_band_i(m) { bits_of!(m, |i| i & m.ic()) }
    fn op_shl_i(m) { bits_of!(m, |i| ((i as u64) << (m.nc() & 63)) as i64) }
    fn op_shr_i(m) { bits_of!(m, |i| ((i as u64) >> (m.nc() & 63)) as i64) }

    fn op_unm(m) {
        let b = m.b();
        if (*b).t == tag::INT {
            done!(m, TValue::integer(integer!(b).wrapping_neg()))
        }
        if (*b).t == tag::FLOAT {
            done!(m, TValue::float(-float!(b)))
        }
        goto!(m, slow_arith)
    }

    fn op_bnot(m) { bits_of!(m, |i| !i) }
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
        Op::Add | Op::AddK | Op::AddKF | Op::AddI => ArithOp::Add,
        Op::Sub | Op::SubK | Op::SubKF | Op::KSub | Op::KFSub => ArithOp::Sub,
        Op::Mul | Op::MulK | Op::MulKF | Op::MulI => ArithOp::Mul,
        Op::Mod | Op::ModK | Op::ModI => ArithOp::Mod,
        Op::Pow | Op::PowK => ArithOp::Pow,
        Op::Div | Op::DivK | Op::DivKF | Op::KDiv | Op::KFDiv => ArithOp::Div,
        Op::IDiv | Op::IDivK | Op::IDivI => ArithOp::IDiv,
        Op::BAnd | Op::BAndK | Op::BAndI => ArithOp::BAnd,
        Op::BOr | Op::BOrK => ArithOp::BOr,
        Op::BXor | Op::BXorK => ArithOp::BXor,
        Op::Shl | Op::ShlK | Op::ShlI => ArithOp::Shl,
        Op::Shr | Op::ShrK | Op::ShrI => ArithOp::Shr,
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
            Op::KSub | Op::KDiv | Op::KFSub | Op::KFDiv => (m.kc(), m.b()),
            Op::Unm | Op::BNot => (m.b(), m.b()),
            _ => match code.info().c {
                Operand::Const => (m.b(), m.kc()),
                Operand::Int => (m.b(), &raw const immediate),
                _ => (m.b(), m.c()),
            },
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
                Ok(call_metamethod(lua, method, &[a, b], 1))
            }
            Err(which) => Err(zero_divisor_error(lua, which)),
        }
    }
}
