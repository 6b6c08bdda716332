//! Jumps, numeric and generic loops.

use perilune_core::code::Instruction;
use perilune_core::value::tag;
use perilune_core::{CallInfo, TValue, Thread};

use crate::convert::{self, FloatToInt};
use crate::error::LuaResult;
use crate::exec::drive::{Next, Step};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, drive_from_loop, settle};
use crate::exec::natives;
use crate::exec::switch::{self, Call};
use crate::stack;
use crate::state::LuaState;

handlers! {
    fn op_jmp(m) {
        next!(m.jump())
    }

    fn op_for_prep(m) {
        goto!(m, slow_for_prep)
    }

    fn op_for_loop(m) {
        let a = m.a();
        if (*a).t == tag::INT {
            let step = (*a.add(2)).u as i64;
            let index = ((*a).u as i64).wrapping_add(step);
            let limit = (*a.add(1)).u as i64;
            if step <= 0 {
                goto!(m, for_loop_down)
            }
            if index <= limit {
                (*a).u = index as u64;
                *a.add(3) = TValue::integer(index);
                next!(m.jump())
            }
            next!(m)
        }
        goto!(m, for_loop_float)
    }

    /// An integer loop that counts down, or does not move.
    #[inline(never)]
    fn for_loop_down(m) {
        let a = m.a();
        let index = ((*a).u as i64).wrapping_add((*a.add(2)).u as i64);
        if (*a.add(1)).u as i64 <= index {
            (*a).u = index as u64;
            *a.add(3) = TValue::integer(index);
            next!(m.jump())
        }
        next!(m)
    }

    #[inline(never)]
    fn for_loop_float(m) {
        let a = m.a();
        let step = f64::from_bits((*a.add(2)).u);
        let index = f64::from_bits((*a).u) + step;
        let limit = f64::from_bits((*a.add(1)).u);
        if if step > 0.0 { index <= limit } else { limit <= index } {
            // The tag is written, too: hostile bytecode may have left another here.
            *a = TValue::float(index);
            *a.add(3) = TValue::float(index);
            next!(m.jump())
        }
        next!(m)
    }

    fn op_tfor_call(m) {
        let iterator = *m.a();
        if iterator.t == tag::NATIVE_CLOSURE {
            goto!(m, tfor_call_wrapped)
        }
        goto!(m, slow_tfor_call)
    }

    /// The iterator may be a function that `coroutine.wrap` made.
    #[inline(never)]
    fn tfor_call_wrapped(m) {
        let a = m.a();
        if let Some(co) = switch::wrapped_coroutine(*a) {
            // A+3 to A+5 are registers of the frame.
            *a.add(3) = *a;
            *a.add(4) = *a.add(1);
            *a.add(5) = *a.add(2);
            if let Some(m) = switch::resume_wrapped(m, Call { func: a.add(3), nargs: 2, wanted: m.nb() as u16 + 1 }, co) {
                next!(m)
            }
        }
        goto!(m, slow_tfor_call)
    }

    fn op_tfor_loop(m) {
        let a = m.a();
        if (*a.add(1)).t != tag::NIL {
            *a = *a.add(1);
            next!(m.jump())
        }
        next!(m)
    }
}

slow_paths! {
    closed slow_for_prep => for_prep;
    closed slow_tfor_call => tfor_call;
}

unsafe fn for_prep(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = prepare(state, m);
        settle(state, result)
    }
}

/// `ForPrep`: makes all three numbers integers or all floats, and steps back once.
unsafe fn prepare(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1.
    unsafe {
        let a = m.a();
        let (init, limit, step) = (*a, *a.add(1), *a.add(2));
        if let (Some(first), Some(step)) = (init.as_integer(), step.as_integer())
            && let Some((limit, never)) = integer_limit(limit, step)
        {
            let first = if never { 0 } else { first };
            *a = TValue::integer(first.wrapping_sub(step));
            *a.add(1) = TValue::integer(limit);
        } else {
            let limit = loop_number(lua, limit, "limit")?;
            *a.add(1) = TValue::float(limit);
            let step = loop_number(lua, step, "step")?;
            *a.add(2) = TValue::float(step);
            let init = loop_number(lua, init, "initial value")?;
            *a = TValue::float(init - step);
        }
        (*lua.th().ci.get()).pc.set(m.jump().pc.cast());
    }
    Ok(m.lua)
}

/// One of a loop's three values as a float; strings are converted.
fn loop_number(lua: &mut LuaState, v: TValue, what: &str) -> LuaResult<f64> {
    match convert::to_number(v) {
        Some(n) => Ok(n),
        None => Err(lua.run_error(format_args!("'for' {what} must be a number"))),
    }
}

/// The limit of an integer loop as an integer, clipped if it is a float out of range; and whether the loop cannot run at all.
#[doc(alias = "forlimit")]
fn integer_limit(limit: TValue, step: i64) -> Option<(i64, bool)> {
    let mode = if step < 0 { FloatToInt::Ceil } else { FloatToInt::Floor };
    if let Some(limit) = convert::to_integer_mode(limit, mode) {
        return Some((limit, false));
    }
    let n = convert::to_number(limit)?;
    if 0.0 < n { Some((i64::MAX, step < 0)) } else { Some((i64::MIN, step >= 0)) }
}

unsafe fn tfor_call(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let a = m.a();
        let results = m.nb();
        if (*a).t == tag::NATIVE
            && let Some((first, second)) = natives::iterate(*a, *a.add(1), *a.add(2))
            && (*lua).hook_mask.get() == 0
        {
            *a.add(3) = first;
            if results > 1 {
                *a.add(4) = second;
                for i in 2..results {
                    *a.add(3 + i) = TValue::NIL;
                }
            }
            return lua;
        }
        let state = LuaState::from_thread(lua);
        let result = call_iterator(state, m, results);
        settle(state, result)
    }
}

/// `TForCall` by a real call.
unsafe fn call_iterator(lua: &mut LuaState, m: Machine, results: usize) -> LuaResult<Next> {
    // SAFETY: I1: A+3 to A+5 are registers of the frame.
    unsafe {
        let func = lua.th().save(m.a().add(3));
        stack::ensure(lua, 3)?;
        let th = lua.th();
        let func_slot = th.restore(func);
        for i in 0..3 {
            *func_slot.add(i) = *func_slot.sub(3 - i);
        }
        th.top.set(func_slot.add(3));
        Ok(drive_from_loop(lua, Step::Enter { func, nresults: results as i16, flags: 0 }))
    }
}
