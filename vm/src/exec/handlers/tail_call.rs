//! Tail calls: a function takes over the frame of the one that calls it.

use perilune_core::code::{FrameWord, Instruction};
use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, GcRef, LuaClosure, TValue, Thread};

use super::call::{call_native, tail_call_quick};
use crate::error::LuaResult;
use crate::exec::call::{push_lua_frame, try_call_metamethod};
use crate::exec::drive::Next;
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, settle};
use crate::exec::upvalue;
use crate::stack;
use crate::state::LuaState;

/// A function with this code takes over the running frame. The slots up to `end` from the frame's first one on are copied from those
/// at `func`; afterwards comes what is given, and the function goes on with its registers at a base.
///
/// The frame is told first, so that less has to be kept while slots are copied.
macro_rules! take_over {
    ($m:ident, $func:ident, $end:expr, $base:expr, $code:ident, $limit:ident $(, $then:expr)?) => {{
        let frame = &*$m.ci;
        let dest = frame.func.get();
        frame.top.set($limit);
        frame.set(CallStatus::TAIL);
        frame.set_registers($base, $code);
        move_down(dest, $end, $func);
        $($then;)?
        next!(Machine { pc: $code, base: $base, ..$m })
    }};
}

/// Copies slots down to a lower place, up to its end; the first is always copied.
#[inline(always)]
unsafe fn move_down(dest: *mut TValue, end: *mut TValue, source: *const TValue) {
    // SAFETY: the caller's promise: both are slots of one stack (H1).
    unsafe {
        let distance = source.byte_offset_from(dest);
        let mut slot = dest;
        loop {
            // One after the other, so that a single register does.
            let source = slot.byte_offset(distance);
            (*slot).u = (*source).u;
            (*slot).t = (*source).t;
            slot = slot.add(1);
            if slot >= end {
                break;
            }
        }
    }
}

/// The end of the arguments of the running call.
#[inline(always)]
unsafe fn end_of_arguments(m: Machine, func: *mut TValue) -> *mut TValue {
    // SAFETY: I1; H2: open calls have their arguments up to the top.
    unsafe { if m.nb() != 0 { func.add(m.nb()) } else { (*m.lua).top.get() } }
}

handlers! {
    /// A Lua function with fixed parameters, none of them left out, takes over the frame.
    fn op_tail_call(m) {
        let func = m.a();
        if (*func).t == tag::LUA_CLOSURE {
            let dest = (*m.ci).func.get();
            if (*dest).u == (*func).u {
                goto!(m, tail_call_self)
            }
            let code = GcRef::<LuaClosure>::from_addr((*func).u).code();
            let word = *code.sub(1).cast::<FrameWord>();
            let limit = dest.add(1).byte_add(word.frame_bytes as usize);
            if m.x() & 1 == 0 && m.nb() as u32 > word.enough && limit < (*m.lua).stack_last.get() {
                take_over!(m, func, dest.add(1 + word.num_params as usize), dest.add(1), code, limit)
            }
            goto!(m, tail_call_lua)
        }
        if (*func).t == tag::QUICK_NATIVE && m.x() & 1 == 0 {
            goto!(m, tail_call_quick)
        }
        goto!(m, slow_tail_call)
    }

    /// The running function calls itself. Its code is taken from the frame and its slot not written to, so that a loop made of such
    /// calls need not wait for the function to come through the variable that holds it, round after round.
    #[inline(never)]
    fn tail_call_self(m) {
        let frame = &*m.ci;
        let code = frame.code();
        let word = *code.sub(1).cast::<FrameWord>();
        if m.nb() as u32 > word.enough && m.x() & 1 == 0 {
            frame.set(CallStatus::TAIL);
            let distance = m.a().add(1).byte_offset_from(m.base);
            let end = m.base.add(word.num_params as usize);
            let mut slot = m.base;
            while slot < end {
                // One after the other, so that a single register does.
                let source = slot.byte_offset(distance);
                (*slot).u = (*source).u;
                (*slot).t = (*source).t;
                slot = slot.add(1);
            }
            next!(m.at(code))
        }
        goto!(m, tail_call_lua)
    }

    /// A Lua function that takes other arguments than the instruction names takes over, or there are upvalues to close.
    #[inline(never)]
    fn tail_call_lua(m) {
        if m.x() & 1 != 0 {
            goto!(m, tail_call_closing)
        }
        let func = m.a();
        let code = GcRef::<LuaClosure>::from_addr((*func).u).code();
        let word = *code.sub(1).cast::<FrameWord>();
        if word.is_vararg != 0 {
            goto!(m, tail_call_vararg)
        }
        let dest = (*m.ci).func.get();
        let limit = dest.add(1).byte_add(word.frame_bytes as usize);
        let given = end_of_arguments(m, func).offset_from(func) as u32;
        if given > word.enough && limit < (*m.lua).stack_last.get() {
            take_over!(m, func, dest.add(1 + word.num_params as usize), dest.add(1), code, limit)
        }
        goto!(m, tail_call_with_nils)
    }

    /// Upvalues are to be closed before a Lua function takes over.
    #[inline(never)]
    fn tail_call_closing(m) {
        let open = (*m.lua).open_upvals.get();
        if !open.is_null() && (*open).v.get() >= m.base {
            upvalue::close_from(LuaState::from_thread(m.lua), m.base);
        }
        let code = GcRef::<LuaClosure>::from_addr((*m.a()).u).code();
        if (*code.sub(1).cast::<FrameWord>()).is_vararg != 0 {
            goto!(m, tail_call_vararg)
        }
        goto!(m, tail_call_with_nils)
    }

    /// A Lua function with fixed parameters takes over, missing arguments being nil.
    #[inline(never)]
    fn tail_call_with_nils(m) {
        let func = m.a();
        let code = GcRef::<LuaClosure>::from_addr((*func).u).code();
        let word = *code.sub(1).cast::<FrameWord>();
        let dest = (*m.ci).func.get();
        let limit = dest.add(1).byte_add(word.frame_bytes as usize);
        if limit >= (*m.lua).stack_last.get() {
            goto!(m, slow_tail_call)
        }
        let end = dest.add(1 + word.num_params as usize);
        let mut filled = dest.byte_offset(end_of_arguments(m, func).byte_offset_from(func));
        take_over!(m, func, filled.min(end), dest.add(1), code, limit, while filled < end {
            (*filled).t = tag::NIL;
            filled = filled.add(1);
        })
    }

    /// A vararg function takes over: it is copied above the arguments.
    #[inline(never)]
    fn tail_call_vararg(m) {
        let func = m.a();
        let code = GcRef::<LuaClosure>::from_addr((*func).u).code();
        let word = *code.sub(1).cast::<FrameWord>();
        let dest = (*m.ci).func.get();
        let top = dest.byte_offset(end_of_arguments(m, func).byte_offset_from(func));
        let limit = top.add(1).byte_add(word.frame_bytes as usize);
        if word.num_params != 0 || limit >= (*m.lua).stack_last.get() {
            goto!(m, slow_tail_call)
        }
        take_over!(m, func, top, top.add(1), code, limit, *top = *dest)
    }
}

slow_paths! {
    open slow_tail_call => tail_call;
}

unsafe fn tail_call(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        if m.nb() != 0 {
            (*lua).top.set(m.a().add(m.nb()));
        }
        let state = LuaState::from_thread(lua);
        if m.x() & 1 != 0 {
            upvalue::close_from(state, m.base);
        }
        let result = replace_frame(state, m.a());
        settle(state, result)
    }
}

/// `TailCall`: a Lua function takes over the running frame; a native one is called, and the `Return` that follows returns
/// its results.
unsafe fn replace_frame(lua: &mut LuaState, func: *mut TValue) -> LuaResult<Next> {
    // SAFETY: I1, H1, H4.
    unsafe {
        let mut func = func;
        while (*func).t != tag::LUA_CLOSURE {
            if (*func).is_function() {
                return call_native(lua, func, -1);
            }
            let offset = try_call_metamethod(lua, func)?;
            func = lua.th().restore(offset);
        }
        let closure: GcRef<LuaClosure> = (*func).as_ref();
        let word = closure.frame_word();
        let slots = word.frame_bytes as usize / size_of::<TValue>();
        let offset = lua.th().save(func);
        stack::ensure(lua, slots + 1 + word.num_params as usize)?;
        let th = lua.th();
        let func = th.restore(offset);
        let frame = &*th.ci.get();
        let dest = frame.func.get();
        let count = th.top.get().offset_from(func) as usize;
        for i in 0..count {
            *dest.add(i) = *func.add(i);
        }
        th.top.set(dest.add(count));
        let status = frame.status.get() & !CallStatus::HOOKED | CallStatus::TAIL;
        let nresults = frame.nresults();
        th.ci.set(frame.prev.get());
        push_lua_frame(lua, dest, nresults, status)?;
        Ok(lua.as_thread_ptr())
    }
}
