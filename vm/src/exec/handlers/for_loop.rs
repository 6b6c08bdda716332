//! Jumps, numeric and generic loops.

use perilune_core::code::Instruction;
use perilune_core::value::tag;
use perilune_core::{CallInfo, GcRef, TValue, Table, Thread};

use crate::api::{QuickNative, first_argument, is_value};
use crate::convert::{self, FloatToInt};
use crate::error::LuaResult;
use crate::exec::drive::{Next, Step};
use crate::exec::handlers::call::{ask, call_native};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, drive_from_loop, settle};
use crate::exec::natives;
use crate::exec::switch::{self, Wrapped};
use crate::stack;
use crate::state::LuaState;

/// Gives a loop its next key and value, and begins its next round: `TForCall` and the `TForLoop` behind it in one.
///
/// A loop has three registers for its variables at least, as the call of an iterator needs them, so that a value that the loop
/// does not want may be stored, too.
macro_rules! iterate {
    ($m:ident, $key:expr, $value:expr) => {{
        let a = $m.a();
        let (key, value): (TValue, TValue) = ($key, $value);
        *a.add(2) = key;
        *a.add(3) = key;
        *a.add(4) = value;
        next!($m.take())
    }};
}

/// Goes on with the first node from an index on that has a value, and notes where it is; or ends the loop.
macro_rules! next_node {
    ($m:ident, $table:ident, $index:expr) => {{
        let mut index: usize = $index;
        let count = $table.node_count();
        while index < count {
            let node = &*$table.node_ptr().add(index);
            if node.value_tag.get() != tag::NIL {
                *$m.hint() = index as u32;
                iterate!($m, node.key(), node.value())
            }
            index += 1;
        }
        next!($m.skip())
    }};
}

handlers! {
    fn op_jmp(m) {
        next!(m.jump())
    }

    /// A loop over integers begins its first round, or none, without its `ForLoop`.
    fn op_for_prep(m) {
        let a = m.a();
        if (*a).t == tag::INT && (*a.add(1)).t == tag::INT && (*a.add(2)).t == tag::INT {
            let (first, limit) = ((*a).u as i64, (*a.add(1)).u as i64);
            let (low, high) = if (*a.add(2)).u as i64 > 0 { (first, limit) } else { (limit, first) };
            if low > high {
                next!(m.jump().skip())
            }
            *a.add(3) = TValue::integer(first);
            next!(m)
        }
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

    /// Loops over a table by `next` or the iterator of `ipairs` go on here without a call, and without their `TForLoop`.
    fn op_tfor_call(m) {
        let a = m.a();
        // The type is asked for first, since with each of the two it would take a register more.
        if (*a).t == tag::NATIVE && (*a.add(1)).t == tag::TABLE && m.x() <= 2 {
            if natives::is_next(*a) {
                goto!(m, tfor_next)
            }
            if natives::is_ipairs_next(*a) {
                goto!(m, tfor_ipairs)
            }
        }
        if (*a).t == tag::NATIVE_CLOSURE {
            goto!(m, tfor_call_wrapped)
        }
        goto!(m, slow_tfor_call)
    }

    /// `next` while it is in the array part.
    #[inline(never)]
    fn tfor_next(m) {
        let a = m.a();
        let table: GcRef<Table> = GcRef::from_addr((*a.add(1)).u);
        let index = (*a.add(2)).u;
        if (*a.add(2)).t == tag::INT && index.wrapping_sub(1) < table.array_size() as u64 {
            if index < table.array_size() as u64 {
                let value = table.array_ptr().add(index as usize);
                if (*value).t != tag::NIL {
                    iterate!(m, TValue::integer(index as i64 + 1), *value)
                }
            }
            goto!(m, tfor_next_gap)
        }
        if (*a.add(2)).t == tag::NIL {
            (*a.add(2)).u = 0;
            goto!(m, tfor_next_gap)
        }
        goto!(m, tfor_next_node)
    }

    /// `next` where it begins, and where an element is nil or the last: the first that is not from the control variable's number
    /// on, or else the first node.
    #[inline(never)]
    fn tfor_next_gap(m) {
        let a = m.a();
        let table: GcRef<Table> = GcRef::from_addr((*a.add(1)).u);
        let mut index = (*a.add(2)).u as usize;
        while index < table.array_size() as usize {
            let value = table.array_ptr().add(index);
            index += 1;
            if (*value).t != tag::NIL {
                iterate!(m, TValue::integer(index as i64), *value)
            }
        }
        next_node!(m, table, 0)
    }

    /// `next` within the nodes: the hint tells where the last key is, if it is there.
    #[inline(never)]
    fn tfor_next_node(m) {
        let a = m.a();
        let table: GcRef<Table> = GcRef::from_addr((*a.add(1)).u);
        let index = *m.hint() as usize;
        if index >= table.node_count() || !(*table.node_ptr().add(index)).key().same_bits(*a.add(2)) {
            goto!(m, slow_tfor_call)
        }
        next_node!(m, table, index + 1)
    }

    /// The iterator of `ipairs` while it is in the array part, or ends there.
    #[inline(never)]
    fn tfor_ipairs(m) {
        let a = m.a();
        let table: GcRef<Table> = GcRef::from_addr((*a.add(1)).u);
        let control = *a.add(2);
        if control.t != tag::INT {
            goto!(m, slow_tfor_call)
        }
        if control.u < table.array_size() as u64 {
            let value = *table.array_ptr().add(control.u as usize);
            if value.t != tag::NIL {
                iterate!(m, TValue::integer(control.u as i64 + 1), value)
            }
        } else if !table.has_no_nodes() {
            goto!(m, slow_tfor_call)
        }
        if table.metatable().is_none() {
            next!(m.skip())
        }
        goto!(m, slow_tfor_call)
    }

    /// The iterator may be a function that `coroutine.wrap` made.
    #[inline(never)]
    fn tfor_call_wrapped(m) {
        let a = m.a();
        let Some(co) = switch::wrapped_coroutine(*a) else { goto!(m, tfor_call_closure) };
        // A+3 to A+5 are registers of the frame.
        *a.add(3) = *a;
        if let Some(m) = switch::resume_one::<Wrapped>(m, co, a.add(3), || m.x() as u16 + 1, a.add(1)) {
            next!(m)
        }
        goto!(m, tfor_call_wrapped_values)
    }

    /// The iterator is a function that `coroutine.wrap` made.
    #[inline(never)]
    fn tfor_call_wrapped_values(m) {
        let a = m.a();
        *a.add(4) = *a.add(1);
        *a.add(5) = *a.add(2);
        if let Some(co) = switch::wrapped_coroutine(*a.add(3))
            && let Some(m) = switch::resume::<Wrapped>(m, co, a.add(3), || m.x() as u16 + 1, 2)
        {
            next!(m)
        }
        goto!(m, slow_tfor_call)
    }

    /// The iterator may be a native closure with a quick form, as `gmatch` makes them.
    #[inline(never)]
    fn tfor_call_closure(m) {
        let a = m.a();
        let Some(native) = QuickNative::of_closure((*a).as_ref()) else { goto!(m, slow_tfor_call) };
        // A+3 to A+5 are registers of the frame.
        *a.add(3) = *a;
        *a.add(4) = *a.add(1);
        *a.add(5) = *a.add(2);
        (*m.lua).top.set(a.add(6));
        let (m, answer) = ask(m, native, a.add(3));
        let dest = m.a().add(3);
        let wanted = m.x() as usize;
        if is_value(answer) {
            *dest = answer;
            switch::deliver(dest.add(1), wanted - 1, dest, 0);
            next!(m)
        }
        if let Some(first) = first_argument(answer) {
            let values = dest.add(first);
            switch::deliver(dest, wanted, values, (*m.lua).top.get().offset_from_unsigned(values));
            next!(m)
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
        let results = m.x() as usize;
        if (*lua).hook_mask.get() == 0
            && let Some((first, second)) = natives::iterate(*a, *a.add(1), *a.add(2), &mut *m.hint())
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
        if matches!((*func_slot).t, tag::NATIVE | tag::QUICK_NATIVE | tag::NATIVE_CLOSURE) {
            return call_native(lua, func_slot, results as i16);
        }
        Ok(drive_from_loop(lua, Step::Enter { func, nresults: results as i16, flags: 0 }))
    }
}
