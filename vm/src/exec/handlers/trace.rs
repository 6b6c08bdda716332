//! What stands in the dispatch table instead of the plain handlers while hooks are on, or when a script is interrupted.

use perilune_core::code::Instruction;
use perilune_core::{CallInfo, TValue, Thread};

use crate::debug;
use crate::error::Thrown;
use crate::exec::drive::{Next, Step};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{self, Dispatch, Machine, drive_from_loop, settle};
use crate::opcode::{Op, op_of};
use crate::state::LuaState;

handlers! {
    /// Runs the hooks that are due, then the instruction itself.
    #[inline(never)]
    fn op_trace(m) {
        m.save();
        let next: *mut Thread = trace(m.lua);
        if next.is_null() {
            leave!();
        }
        if next != m.lua {
            // The hook has yielded: the resumer goes on.
            next!(Machine::load(next));
        }
        let m = Machine::load(next);
        let condition = debug::condition_before(LuaState::from_thread(next));
        if !condition.is_null() {
            next!(m.at(condition))
        }
        goto!(m, super::slow_handler_of(op_of(m.word())))
    }

    /// Serves an interrupt, then goes on with the instruction in the table that the thread now has.
    #[inline(never)]
    fn op_interrupt(m) {
        m.save();
        let next: *mut Thread = interrupt(m.lua);
        if next.is_null() {
            leave!();
        }
        let m = Machine::load(next);
        goto!(m, (*m.dispatch).handler(m.word().op()))
    }
}

/// Whether the instruction takes values up to the top, which then must be left alone.
fn takes_open_values(word: Instruction) -> bool {
    matches!(op_of(word), Op::Call | Op::TailCall | Op::Return | Op::SetList) && word.b() == 0
}

#[inline(never)]
unsafe fn trace(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        if !takes_open_values(m.word()) {
            (*lua).top.set((*(*lua).ci.get()).top.get());
        }
        let state = LuaState::from_thread(lua);
        if state.is_interrupted() {
            // The thread's own hooks do not keep an interrupt off.
            interp::clear_interrupt(state);
            debug::begin_interrupt(state);
        }
        let result = match debug::trace_exec(state) {
            Ok(()) => Ok(lua),
            // A hook that yields suspends the coroutine before the instruction.
            Err(Thrown::Yield) => Ok(drive_from_loop(state, Step::Native(Err(Thrown::Yield)))),
            Err(thrown) => Err(thrown),
        };
        settle(state, result)
    }
}

#[inline(never)]
unsafe fn interrupt(lua: *mut Thread) -> Next {
    // SAFETY: M1.
    unsafe {
        let state = LuaState::from_thread(lua);
        interp::clear_interrupt(state);
        debug::begin_interrupt(state);
        lua
    }
}
