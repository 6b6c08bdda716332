//! What an instruction still has to do when the metamethod that it called comes back.

use perilune_core::code::{FrameWord, Instruction};
use perilune_core::value::tag;
use perilune_core::{CallStatus, GcRef, LuaClosure, TValue};

use super::concat::concat_values;
use super::drive::{Next, Step};
use super::interp::{Machine, drive_from_loop};
use crate::error::LuaResult;
use crate::opcode::{Op, op_of};
use crate::stack;
use crate::state::LuaState;

/// What an instruction does with its metamethod's result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// It goes to the register A.
    Store,
    /// It decides on the jump that follows.
    Test,
    /// It takes the place of two operands, and the concatenation goes on.
    Concat,
    /// There is none.
    Nothing,
}

/// What an instruction that calls metamethods does with the result.
#[inline(always)]
const fn rest_of(op: Op) -> Rest {
    match op {
        op if op.is_test() => Rest::Test,
        Op::Concat => Rest::Concat,
        op if op.stores_into_table() => Rest::Nothing,
        _ => Rest::Store,
    }
}

/// Finishes the interrupted instruction of the running frame; the metamethod's result lies on top.
#[doc(alias = "luaV_finishOp")]
pub(crate) fn finish_op(lua: &mut LuaState) -> LuaResult<Step> {
    let th = lua.th();
    // SAFETY: H4: the frame is a Lua function's, whose `pc` is after the interrupted instruction (F1).
    unsafe {
        let ci = &*th.ci.get();
        let pc = ci.pc.get().cast::<Instruction>();
        let word = *pc.sub(1);
        let base = ci.base();
        let dest = base.byte_add(word.a() as usize);
        match rest_of(op_of(word)) {
            Rest::Test => {
                let negate = ci.has(CallStatus::NEGATE);
                ci.clear(CallStatus::NEGATE);
                let truth = th.pop().is_falsy() == negate;
                ci.pc.set(after_test(pc, truth == op_of(word).jumps_if()).cast());
            }
            Rest::Concat => return finish_concat(lua, word),
            Rest::Nothing => {}
            Rest::Store => *dest = th.pop(),
        }
        th.top.set(ci.top.get());
    }
    Ok(Step::Bytecode)
}

/// The return of a value from a metamethod to an instruction that stores it, tests it, or wants none. `None`, with nothing
/// changed: the return goes another way.
///
/// # Safety
/// I1; the running instruction is a return of a frame with `META`, and no upvalues are to be closed. The thread has no hooks.
#[inline(always)]
pub(super) unsafe fn leave_metamethod(m: Machine, result: TValue) -> Option<Machine> {
    // SAFETY: I1, H4: a metamethod's frame was pushed by an instruction of the frame before it.
    unsafe {
        let caller = (*m.ci).prev.get();
        let mut pc = (*caller).pc.get().cast::<Instruction>();
        let word = *pc.sub(1);
        let base = (*caller).base();
        match rest_of(op_of(word)) {
            Rest::Store => *base.byte_add(word.a() as usize) = result,
            Rest::Nothing => {}
            Rest::Test => {
                let truth = result.is_falsy() == (*caller).has(CallStatus::NEGATE);
                (*caller).clear(CallStatus::NEGATE);
                pc = after_test(pc, truth == op_of(word).jumps_if());
            }
            Rest::Concat => return None,
        }
        Some(Machine { pc, base, ci: caller, ..m })
    }
}

/// Where to go on after a test whose jump (the next word) is taken or not.
///
/// # Safety
/// `pc` points to the jump that follows a test.
#[inline(always)]
pub(crate) unsafe fn after_test(pc: *const Instruction, taken: bool) -> *const Instruction {
    // SAFETY: the caller's promise; the verifier and the compiler see to it that jumps stay within the code.
    unsafe { if taken { pc.offset(1 + (*pc).imm() as isize) } else { pc.add(1) } }
}

/// Puts the result in the place of the two operands and goes on with what is left.
unsafe fn finish_concat(lua: &mut LuaState, word: Instruction) -> LuaResult<Step> {
    let th = lua.th();
    // SAFETY: H1, H4: the operands lie from R[B] to the two below the result.
    unsafe {
        let result = th.pop();
        *th.from_top(2) = result;
        th.top.set(th.from_top(1));
        let first = (*th.ci.get()).base().byte_add(word.b() as usize);
        let total = th.top.get().offset_from(first) as usize;
        continue_concat(lua, word, total)
    }
}

/// Concatenates the `total` values on top for a `Concat` instruction, up to the next metamethod or the end.
///
/// # Safety
/// The running frame is a Lua function's and `word` the instruction that it executes.
pub(crate) unsafe fn continue_concat(lua: &mut LuaState, word: Instruction, total: usize) -> LuaResult<Step> {
    let (_, method) = concat_values(lua, total)?;
    if let Some(method) = method {
        stack::ensure(lua, 3)?;
        let th = lua.th();
        // SAFETY: H1: two operands lie on top.
        let (a, b) = unsafe { (*th.from_top(2), *th.from_top(1)) };
        return Ok(push_metamethod(lua, method, &[a, b], 1));
    }
    let th = lua.th();
    // SAFETY: H4.
    unsafe {
        let result = *th.from_top(1);
        *(*th.ci.get()).base().byte_add(word.a() as usize) = result;
    }
    lua.gc_check()?;
    let th = lua.th();
    // SAFETY: H4.
    th.top.set(unsafe { (*th.ci.get()).top.get() });
    Ok(Step::Bytecode)
}

/// Calls a metamethod for the running instruction, and returns the thread to go on with (I3).
#[inline(always)]
pub(crate) fn call_metamethod(lua: &mut LuaState, method: TValue, args: &[TValue], nresults: i16) -> Next {
    let func = lua.th().top.get();
    // SAFETY: H1: the slots above the limit hold these. The instruction's frame runs, and the top is its limit.
    unsafe {
        *func = method;
        for (i, &arg) in args.iter().enumerate() {
            *func.add(1 + i) = arg;
        }
        if let Some(next) = enter_lua(lua, func, func.add(1 + args.len()), nresults, CallStatus::META) {
            return next;
        }
    }
    let step = push_metamethod(lua, method, args, nresults);
    drive_from_loop(lua, step)
}

/// Enters the function at `func`, whose arguments lie above it up to `end`, for the running frame, if it is a Lua function with
/// fixed parameters and the thread has no hooks. `None`, with nothing changed: it must be called in the general way.
///
/// # Safety
/// The running frame has its `pc` saved, and all that it needs lies below `func` or is what lies there.
#[inline(always)]
pub(super) unsafe fn enter_lua(
    lua: &LuaState,
    func: *mut TValue,
    end: *mut TValue,
    nresults: i16,
    status: u16,
) -> Option<Next> {
    // SAFETY: V1, F1, H4; H1: the frame's limit is tested.
    unsafe {
        let th = lua.th();
        if (*func).t != tag::LUA_CLOSURE {
            return None;
        }
        let code = GcRef::<LuaClosure>::from_addr((*func).u).code();
        let word = *code.sub(1).cast::<FrameWord>();
        let next = (*th.ci.get()).next.get();
        let base = func.wrapping_add(1);
        let limit = base.wrapping_byte_add(word.frame_bytes as usize);
        if word.is_vararg != 0 || next.is_null() || limit.max(end) >= th.stack_last.get() || th.hook_mask.get() != 0 {
            return None;
        }
        let mut slot = end;
        while slot < base.add(word.num_params as usize) {
            (*slot).t = tag::NIL;
            slot = slot.add(1);
        }
        let frame = &*next;
        frame.func.set(func);
        frame.top.set(limit);
        frame.begin(nresults, CallStatus::LUA | status);
        frame.set_registers(base, code);
        frame.pc.set(code.cast_const().cast());
        th.top.set(limit);
        th.ci.set(next);
        Some(lua.as_thread_ptr())
    }
}

/// Pushes a metamethod and its arguments: the step that calls it for the running instruction.
fn push_metamethod(lua: &mut LuaState, method: TValue, args: &[TValue], nresults: i16) -> Step {
    let th = lua.th();
    let func = th.save(th.top.get());
    // The slots above the limit hold these (H1).
    th.push(method);
    for &arg in args {
        th.push(arg);
    }
    Step::Enter { func, nresults, flags: CallStatus::META }
}
