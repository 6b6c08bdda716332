//! Concatenation and length.

use perilune_core::code::Instruction;
use perilune_core::value::tag;
use perilune_core::{CallInfo, GcRef, LuaString, TValue, Table, Thread};

use crate::error::LuaResult;
use crate::exec::concat::join_row;
use crate::exec::drive::Next;
use crate::exec::finish::{call_metamethod, continue_concat};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, drive_from_loop, settle};
use crate::exec::length::{Length, length};
use crate::meta::MetaEvent;
use crate::state::LuaState;

handlers! {
    fn op_concat(m) {
        goto!(m, slow_concat)
    }

    fn op_len(m) {
        let value = *m.b();
        if value.is_string() {
            let string: GcRef<LuaString> = GcRef::from_addr(value.u);
            *m.a() = TValue::integer(string.len() as i64);
            next!(m)
        }
        if value.t == tag::TABLE {
            goto!(m, len_of_table)
        }
        goto!(m, slow_len)
    }

    /// The length of a table without `__len` whose border is where the last one was, or next to it.
    #[inline(never)]
    fn len_of_table(m) {
        let table: GcRef<Table> = GcRef::from_addr((*m.b()).u);
        if table.metatable().is_none_or(|mt| mt.flags() & 1 << MetaEvent::Len as u8 != 0)
            && let Some(border) = table.border_at_hand()
        {
            *m.a() = TValue::integer(border);
            next!(m)
        }
        goto!(m, slow_len)
    }
}

slow_paths! {
    closed slow_concat => concat;
    closed slow_len => len;
}

unsafe fn concat(lua: *mut Thread) -> Next {
    // SAFETY: I1: B and C name a row of registers.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = join_operands(state, m);
        settle(state, result)
    }
}

/// Strings and numbers are joined where they are; with other operands, they go on top of the stack.
unsafe fn join_operands(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1, H2: the operands lie below the top.
    unsafe {
        if let Some(result) = join_row(lua, m.b(), m.nc())? {
            *m.a() = result;
            // The operands are not needed any more.
            lua.th().top.set(m.a().add(1).max(m.b()));
            lua.gc_check()?;
            let th = lua.th();
            th.top.set((*th.ci.get()).top.get());
            return Ok(m.lua);
        }
        lua.th().top.set(m.b().add(m.nc()));
        continue_concat(lua, m.word(), m.nc()).map(|step| drive_from_loop(lua, step))
    }
}

unsafe fn len(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let state = LuaState::from_thread(lua);
        let result = len_slow(state, m);
        settle(state, result)
    }
}

unsafe fn len_slow(lua: &mut LuaState, m: Machine) -> LuaResult<Next> {
    // SAFETY: I1.
    unsafe {
        let value = *m.b();
        match length(lua, value, m.b())? {
            Length::Is(n) => {
                *m.a() = TValue::integer(n);
                Ok(m.lua)
            }
            Length::Call(method) => Ok(call_metamethod(lua, method, &[value, value], 1)),
        }
    }
}
