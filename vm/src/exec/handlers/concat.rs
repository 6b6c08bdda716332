//! Concatenation and length.

use perilune_core::code::Instruction;
use perilune_core::{CallInfo, TValue, Thread};

use crate::error::LuaResult;
use crate::exec::drive::Next;
use crate::exec::finish::{call_metamethod, continue_concat};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, drive_from_loop, settle};
use crate::exec::length::{Length, length};
use crate::state::LuaState;

handlers! {
    fn op_concat(m) {
        goto!(m, slow_concat)
    }

    fn op_len(m) {
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
        state.th().top.set(m.b().add(m.nc()));
        let result = continue_concat(state, m.word(), m.nc()).map(|step| drive_from_loop(state, step));
        settle(state, result)
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
            Length::Call(method) => {
                let step = call_metamethod(lua, method, &[value, value], 1);
                Ok(drive_from_loop(lua, step))
            }
        }
    }
}
