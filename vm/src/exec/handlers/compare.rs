//! Tests: equality, order, truth. Each is followed by the jump that it takes or skips.

use perilune_core::code::Instruction;
use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, TValue, Thread};

use crate::error::LuaResult;
use crate::exec::compare::{self, Outcome};
use crate::exec::drive::Next;
use crate::exec::finish::call_metamethod;
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, settle};
use crate::opcode::{Op, op_of};
use crate::state::LuaState;

/// Ends a test: its jump is taken if the condition is what the instruction asks for.
///
/// The two ways end apart, so that each has an indirect jump, and with it a prediction, of its own.
macro_rules! test {
    ($m:ident, $sense:literal, $condition:expr) => {{
        if ($condition) == $sense {
            next!($m.take())
        }
        next!($m.skip())
    }};
}

/// Two integers or two floats; else another handler.
macro_rules! order {
    ($m:ident, $sense:literal, $op:tt) => {{
        let (a, b) = ($m.a(), $m.b());
        if (*a).t == tag::INT && (*b).t == tag::INT {
            test!($m, $sense, ((*a).u as i64) $op ((*b).u as i64))
        }
        if (*a).t == tag::FLOAT && (*b).t == tag::FLOAT {
            test!($m, $sense, f64::from_bits((*a).u) $op f64::from_bits((*b).u))
        }
        goto!($m, compare_plain)
    }};
}

/// An integer or a float against the immediate; else the slow path.
macro_rules! order_i {
    ($m:ident, $sense:literal, $op:tt) => {{
        let a = $m.a();
        if (*a).t == tag::INT {
            test!($m, $sense, ((*a).u as i64) $op ($m.imm() as i64))
        }
        if (*a).t == tag::FLOAT {
            test!($m, $sense, f64::from_bits((*a).u) $op ($m.imm() as f64))
        }
        goto!($m, slow_compare)
    }};
}

/// Equality where tags and payloads decide; else another handler.
macro_rules! equality {
    ($m:ident, $sense:literal) => {{
        let (a, b) = ($m.a(), $m.b());
        if (*a).t == (*b).t {
            if (*a).t == tag::INT || (*a).t == tag::SHORT_STRING {
                test!($m, $sense, (*a).u == (*b).u)
            }
            if (*a).t == tag::FLOAT {
                test!($m, $sense, f64::from_bits((*a).u) == f64::from_bits((*b).u))
            }
            if (*a).t <= tag::TRUE || (*a).u == (*b).u {
                test!($m, $sense, true)
            }
            goto!($m, compare_plain)
        }
        if (*a).is_number() && (*b).is_number() {
            goto!($m, compare_plain)
        }
        test!($m, $sense, false)
    }};
}

/// An integer or a float and a constant of the same type; else another handler.
macro_rules! equals_k {
    ($m:ident, $sense:literal) => {{
        let (a, k) = ($m.a(), $m.kimm());
        if (*a).t == (*k).t && (*k).is_number() {
            if (*k).t == tag::INT {
                test!($m, $sense, (*a).u == (*k).u)
            }
            test!($m, $sense, f64::from_bits((*a).u) == f64::from_bits((*k).u))
        }
        goto!($m, compare_plain)
    }};
}

/// An integer or a float that equals the immediate.
macro_rules! equals_i {
    ($m:ident, $sense:literal) => {{
        let a = $m.a();
        if (*a).t == tag::INT {
            test!($m, $sense, (*a).u as i64 == $m.imm() as i64)
        }
        test!($m, $sense, (*a).t == tag::FLOAT && f64::from_bits((*a).u) == $m.imm() as f64)
    }};
}

/// The test of a value that is kept if the jump is taken.
macro_rules! test_set {
    ($m:ident, $sense:literal) => {{
        let b = $m.b();
        if (*b).is_falsy() == $sense {
            next!($m.skip())
        }
        *$m.a() = *b;
        next!($m.take())
    }};
}

handlers! {
    fn op_eq(m) { equality!(m, true) }
    fn op_not_eq(m) { equality!(m, false) }
    fn op_eq_k(m) { equals_k!(m, true) }
    fn op_not_eq_k(m) { equals_k!(m, false) }
    fn op_eq_p(m) { test!(m, true, (*m.a()).t == m.imm() as u8) }
    fn op_not_eq_p(m) { test!(m, false, (*m.a()).t == m.imm() as u8) }
    fn op_eq_s(m) { test!(m, true, (*m.a()).t == tag::SHORT_STRING && (*m.a()).u == (*m.kimm()).u) }
    fn op_not_eq_s(m) { test!(m, false, (*m.a()).t == tag::SHORT_STRING && (*m.a()).u == (*m.kimm()).u) }
    fn op_eq_i(m) { equals_i!(m, true) }
    fn op_not_eq_i(m) { equals_i!(m, false) }
    fn op_lt(m) { order!(m, true, <) }
    fn op_not_lt(m) { order!(m, false, <) }
    fn op_le(m) { order!(m, true, <=) }
    fn op_not_le(m) { order!(m, false, <=) }
    fn op_lt_i(m) { order_i!(m, true, <) }
    fn op_not_lt_i(m) { order_i!(m, false, <) }
    fn op_le_i(m) { order_i!(m, true, <=) }
    fn op_not_le_i(m) { order_i!(m, false, <=) }
    fn op_gt_i(m) { order_i!(m, true, >) }
    fn op_not_gt_i(m) { order_i!(m, false, >) }
    fn op_ge_i(m) { order_i!(m, true, >=) }
    fn op_not_ge_i(m) { order_i!(m, false, >=) }
    fn op_test(m) { test!(m, true, !(*m.a()).is_falsy()) }
    fn op_not_test(m) { test!(m, false, !(*m.a()).is_falsy()) }
    fn op_test_set(m) { test_set!(m, true) }
    fn op_not_test_set(m) { test_set!(m, false) }

    /// Numbers of different types and strings, which have no part in metamethods here; else the slow path.
    #[inline(never)]
    fn compare_plain(m) {
        let op = op_of(m.word());
        let first = *m.a();
        let outcome = match op.affirmed() {
            Op::Eq => compare::plain_equality(first, *m.b()),
            Op::EqK => compare::plain_equality(first, *m.kimm()),
            Op::Lt => compare::plain_order(first, *m.b(), false),
            _ => compare::plain_order(first, *m.b(), true),
        };
        if let Some(truth) = outcome {
            if truth == op.jumps_if() {
                next!(m.take())
            }
            next!(m.skip())
        }
        goto!(m, slow_compare)
    }
}

slow_paths! {
    closed slow_compare => compare;
}

unsafe fn compare(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = compare_slow(state, m);
        settle(state, result)
    }
}

/// The immediate operand as the value that the source had.
unsafe fn immediate(m: Machine) -> TValue {
    // SAFETY: I1.
    unsafe { if m.x() & 1 != 0 { TValue::float(m.imm() as f64) } else { TValue::integer(m.imm() as i64) } }
}

/// Every comparison past its fast path.
unsafe fn compare_slow(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1.
    unsafe {
        let first = *m.a();
        let op = op_of(m.word());
        let outcome = match op.affirmed() {
            Op::Eq => compare::equality(lua, first, *m.b()),
            Op::EqK => compare::equality(lua, first, *m.kimm()),
            Op::Lt => compare::order(lua, first, *m.b(), false)?,
            Op::Le => compare::order(lua, first, *m.b(), true)?,
            Op::LtI => compare::order(lua, first, immediate(m), false)?,
            Op::LeI => compare::order(lua, first, immediate(m), true)?,
            Op::GtI => compare::order(lua, immediate(m), first, false)?,
            _ => compare::order(lua, immediate(m), first, true)?,
        };
        match outcome {
            Outcome::Is(truth) => {
                let behind = if truth == op.jumps_if() { m.take() } else { m.skip() };
                (*lua.th().ci.get()).pc.set(behind.pc.cast());
                Ok(m.lua)
            }
            Outcome::Call { method, a, b, negate } => {
                if negate {
                    (*lua.th().ci.get()).set(CallStatus::NEGATE);
                }
                Ok(call_metamethod(lua, method, &[a, b], 1))
            }
        }
    }
}
