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
use crate::exec::interp::{Dispatch, Machine, drive_from_loop, settle};
use crate::opcode::{Op, op_of};
use crate::state::LuaState;

/// Two integers or two floats; else the slow path.
macro_rules! order {
    ($m:ident, $op:tt) => {{
        let (a, b) = ($m.a(), $m.b());
        if (*a).t == tag::INT && (*b).t == tag::INT {
            next!($m.test(((*a).u as i64) $op ((*b).u as i64)))
        }
        if (*a).t == tag::FLOAT && (*b).t == tag::FLOAT {
            next!($m.test(f64::from_bits((*a).u) $op f64::from_bits((*b).u)))
        }
        goto!($m, slow_compare)
    }};
}

/// An integer or a float against the immediate; else the slow path.
macro_rules! order_i {
    ($m:ident, $op:tt) => {{
        let a = $m.a();
        if (*a).t == tag::INT {
            next!($m.test(((*a).u as i64) $op ($m.imm() as i64)))
        }
        if (*a).t == tag::FLOAT {
            next!($m.test(f64::from_bits((*a).u) $op ($m.imm() as f64)))
        }
        goto!($m, slow_compare)
    }};
}

/// Equality where payloads decide; else the slow path.
macro_rules! equality {
    ($m:ident, $a:expr, $b:expr) => {{
        let (a, b): (TValue, TValue) = ($a, $b);
        if a.t == b.t {
            if a.t <= tag::TRUE {
                next!($m.test(true))
            }
            if a.t == tag::INT || a.t == tag::SHORT_STRING {
                next!($m.test(a.u == b.u))
            }
            goto!($m, slow_compare)
        }
        if a.is_number() && b.is_number() {
            goto!($m, slow_compare)
        }
        next!($m.test(false))
    }};
}

handlers! {
    fn op_eq(m) { equality!(m, *m.a(), *m.b()) }
    fn op_eq_k(m) { equality!(m, *m.a(), *m.kimm()) }

    fn op_eq_i(m) {
        let a = m.a();
        if (*a).t == tag::INT {
            next!(m.test((*a).u as i64 == m.imm() as i64))
        }
        next!(m.test((*a).t == tag::FLOAT && f64::from_bits((*a).u) == m.imm() as f64))
    }

    fn op_lt(m) { order!(m, <) }
    fn op_le(m) { order!(m, <=) }
    fn op_lt_i(m) { order_i!(m, <) }
    fn op_le_i(m) { order_i!(m, <=) }
    fn op_gt_i(m) { order_i!(m, >) }
    fn op_ge_i(m) { order_i!(m, >=) }

    fn op_test(m) {
        next!(m.test(!(*m.a()).is_falsy()))
    }

    fn op_test_set(m) {
        let b = m.b();
        if (*b).is_falsy() == (m.x() & 1 != 0) {
            next!(m.at(m.pc.add(1)))
        }
        *m.a() = *b;
        next!(m.test((m.x() & 1) != 0))
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
    unsafe { if m.x() & 2 != 0 { TValue::float(m.imm() as f64) } else { TValue::integer(m.imm() as i64) } }
}

/// Every comparison past its fast path.
unsafe fn compare_slow(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1.
    unsafe {
        let first = *m.a();
        let outcome = match op_of(m.word()) {
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
                (*lua.th().ci.get()).pc.set(m.test(truth).pc.cast());
                Ok(m.lua)
            }
            Outcome::Call { method, a, b, negate } => {
                if negate {
                    (*lua.th().ci.get()).set(CallStatus::NEGATE);
                }
                let step = call_metamethod(lua, method, &[a, b], 1);
                Ok(drive_from_loop(lua, step))
            }
        }
    }
}
