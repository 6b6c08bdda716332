//! `pcall` and `xpcall` (manual §6.1), and the short way through `pcall`: the protected call of a Lua function by an
//! instruction of another needs neither the native function nor its continuation.
//!
//! The frames are those of the general way (`pcall_then`), so that errors and yields find what they expect; the native
//! function's is marked `DIRECT`, which says that results may go directly to the instruction that called it.
//!
//! [`enter`] and [`leave`] are parts of handlers: I1 to I4 hold for them, and the thread has no hooks.

use perilune_core::base::limits::MIN_STACK;
use perilune_core::code::FrameWord;
use perilune_core::value::tag;
use perilune_core::{CallStatus, GcRef, LuaClosure, TValue};

use super::interp::Machine;
use super::switch::{Call, address, deliver};
use crate::error::{LuaResult, Status};
use crate::state::{Continuation, LuaState};
use crate::{LuaType, MULTRET};

/// The status of the native frame of a `pcall` that was entered here.
const DIRECT: u16 = CallStatus::PROTECTED | CallStatus::THEN | CallStatus::DIRECT;

/// `pcall (f [, arg1, ···])` (§6.1)
pub fn native_pcall(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_any(1)?;
    // The first result, if there is no error, goes below the function.
    lua.push_boolean(true)?;
    lua.insert(1);
    let nargs = lua.get_top() as usize - 2;
    lua.pcall_then(nargs, MULTRET, 0, 0, finish_pcall)
}

/// `xpcall (f, msgh [, arg1, ···])` (§6.1)
pub fn native_xpcall(lua: &mut LuaState) -> LuaResult<usize> {
    let count = lua.get_top() as usize;
    lua.check_type(2, LuaType::Function)?;
    // The stack becomes: f, msgh, true, f, arguments.
    lua.push_boolean(true)?;
    lua.push_value(1)?;
    lua.rotate(3, 2);
    lua.pcall_then(count - 2, MULTRET, 2, 2, finish_pcall)
}

/// Returns what a protected call gave: all but the lowest `skipped` values, or false and the error.
fn finish_pcall(lua: &mut LuaState, status: Status, skipped: isize) -> LuaResult<usize> {
    if status.is_error() {
        lua.push_boolean(false)?;
        lua.push_value(-2)?;
        return Ok(2);
    }
    Ok(lua.get_top() as usize - skipped as usize)
}

/// Whether the value is `pcall`.
#[inline(always)]
pub(crate) fn is_pcall(callee: TValue) -> bool {
    callee.t == tag::NATIVE && callee.u == address(native_pcall)
}

/// `pcall` of a Lua function with fixed parameters, none of them left out. `None`, with nothing changed: `pcall` must be
/// called.
///
/// # Safety
/// I1; the call is the running instruction's, of `pcall`.
#[inline(always)]
pub(crate) unsafe fn enter(m: Machine, call: Call) -> Option<Machine> {
    // SAFETY: I1, F1, H4.
    unsafe {
        let th = &*m.lua;
        let place = call.func.add(1);
        if call.nargs == 0 || (*place).t != tag::LUA_CLOSURE {
            return None;
        }
        let closure: GcRef<LuaClosure> = GcRef::from_addr((*place).u);
        let code = closure.code();
        let word = *code.sub(1).cast::<FrameWord>();
        let native = (*m.ci).next.get();
        if native.is_null() || call.nargs as u32 <= word.enough {
            return None;
        }
        let frame = (*native).next.get();
        // The native function has the room that it would have had, below the Lua function's.
        let func = place.add(1);
        let limit = func.add(1).byte_add(word.frame_bytes as usize);
        let native_limit = func.add(call.nargs + MIN_STACK);
        if frame.is_null() || limit.max(native_limit) >= th.stack_last.get() {
            return None;
        }
        // The function and its arguments make room for the first result.
        let mut slot = func.add(call.nargs);
        while slot > place {
            *slot = *slot.sub(1);
            slot = slot.sub(1);
        }
        *place = TValue::TRUE;
        (*m.ci).pc.set(m.pc.cast());
        (*native).func.set(call.func);
        (*native).top.set(native_limit);
        let allow_hook = if th.allow_hook.get() { CallStatus::ALLOW_HOOK } else { 0 };
        (*native).begin_as_coded(call.wanted, DIRECT | allow_hook);
        (*native).pc.set(finish_pcall as Continuation as *const ());
        (*native).set_ctx(0);
        (*native).set_protected(th.save(func) as u32, th.err_func.replace(0) as u32);
        (*frame).func.set(func);
        (*frame).top.set(limit);
        (*frame).begin_as_coded(0, CallStatus::LUA | CallStatus::FROM_NATIVE);
        (*frame).set_registers(func.add(1), code);
        Some(Machine { pc: code, base: func.add(1), ci: frame, ..m })
    }
}

/// The return of `n` values, which lie from `first`, from a Lua function that was entered here. `None`, with nothing changed:
/// the return goes another way.
///
/// # Safety
/// I1; the running instruction is a return, and no upvalues are to be closed.
#[inline(always)]
pub(crate) unsafe fn leave(m: Machine, first: *const TValue, n: usize) -> Option<Machine> {
    // SAFETY: I1, H4.
    unsafe {
        let native = &*(*m.ci).prev.get();
        if (*m.ci).status.get() & CallStatus::SLOW_RETURN != CallStatus::FROM_NATIVE
            || native.status.get() & !CallStatus::ALLOW_HOOK != DIRECT
        {
            return None;
        }
        (*m.lua).err_func.set(native.protected()[1] as usize);
        let dest = native.func.get();
        let mut wanted = native.nresults() as usize;
        if native.nresults() < 0 {
            wanted = 1 + n;
            (*m.lua).top.set(dest.add(wanted));
        }
        if wanted != 0 {
            *dest = TValue::TRUE;
            deliver(dest.add(1), wanted - 1, first, n);
        }
        let caller = native.prev.get();
        Some(Machine { pc: (*caller).pc.get().cast(), base: (*caller).base(), ci: caller, ..m })
    }
}
