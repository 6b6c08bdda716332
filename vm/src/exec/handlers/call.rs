//! Calls and returns.

use perilune_core::code::{FrameWord, Instruction};
use perilune_core::value::tag;
use perilune_core::{CallStatus, GcRef, LuaClosure, TValue, Thread};

use crate::debug;
use crate::error::LuaResult;
use crate::exec::call::{call_function, postcall, push_native_frame, try_call_metamethod};
use crate::exec::drive::{Next, Step, native_of};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, drive_from_loop, settle};
use crate::exec::switch;
use crate::exec::upvalue;
use crate::stack;
use crate::state::LuaState;

/// Enters a Lua function whose arguments are in place.
macro_rules! enter {
    ($m:ident, $func:ident, $code:ident, $limit:ident, $next:ident) => {{
        let th = &*$m.lua;
        (*th.ci.get()).pc.set($m.pc.cast());
        let frame = &*$next;
        frame.func.set($func);
        frame.top.set($limit);
        frame.begin($m.nc() as i16 - 1, CallStatus::LUA);
        th.ci.set($next);
        let k = *$code.sub(2).cast::<*const TValue>();
        next!(Machine { pc: $code, base: $func.add(1), k, ..$m })
    }};
}

handlers! {
    /// A Lua function with fixed parameters, none of them left out, is entered here.
    fn op_call(m) {
        let func = m.a();
        if (*func).t == tag::LUA_CLOSURE {
            let closure: GcRef<LuaClosure> = GcRef::from_addr((*func).u);
            let code = closure.code();
            let word = *code.sub(1).cast::<FrameWord>();
            let th = &*m.lua;
            let next = (*th.ci.get()).next.get();
            let limit = func.add(1).byte_add(word.frame_bytes as usize);
            if m.nb() as u32 > word.enough && !next.is_null() && limit < th.stack_last.get() {
                enter!(m, func, code, limit, next)
            }
        }
        goto!(m, call_with_nils)
    }

    /// A Lua function with fixed parameters is entered here, missing arguments being nil; everything else is a slow path.
    #[inline(never)]
    fn call_with_nils(m) {
        let func = m.a();
        if (*func).t == tag::LUA_CLOSURE {
            let closure: GcRef<LuaClosure> = GcRef::from_addr((*func).u);
            let code = closure.code();
            let word = *code.sub(1).cast::<FrameWord>();
            let th = &*m.lua;
            let next = (*th.ci.get()).next.get();
            let limit = func.add(1).byte_add(word.frame_bytes as usize);
            if word.is_vararg == 0 && !next.is_null() && limit < th.stack_last.get() {
                let mut top = if m.nb() != 0 { func.add(m.nb()) } else { th.top.get() };
                let end = func.add(1 + word.num_params as usize);
                while top < end {
                    (*top).t = tag::NIL;
                    top = top.add(1);
                }
                enter!(m, func, code, limit, next)
            }
        }
        goto!(m, slow_call)
    }

    fn op_tail_call(m) {
        goto!(m, slow_tail_call)
    }

    fn op_return(m) {
        goto!(m, slow_return)
    }

    fn op_return0(m) {
        let th = &*m.lua;
        let frame = &*th.ci.get();
        if frame.status.get() & CallStatus::SLOW_RETURN == 0 && frame.nresults.get() == 0 {
            th.ci.set(frame.prev.get());
            next!(Machine::load(m.lua))
        }
        goto!(m, slow_return0)
    }

    fn op_return1(m) {
        let th = &*m.lua;
        let frame = &*th.ci.get();
        if frame.status.get() & CallStatus::SLOW_RETURN == 0 && frame.nresults.get() == 1 {
            *m.base.sub(1) = *m.a();
            th.ci.set(frame.prev.get());
            next!(Machine::load(m.lua))
        }
        goto!(m, slow_return1)
    }
}

slow_paths! {
    open slow_call => call;
    open slow_tail_call => tail_call;
    open slow_return => return_values;
    closed slow_return0 => return_none;
    closed slow_return1 => return_one;
}

unsafe fn call(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let func = m.a();
        if m.nb() != 0 {
            (*lua).top.set(func.add(m.nb()));
        }
        let state = LuaState::from_thread(lua);
        let nresults = m.nc() as i16 - 1;
        let result = if (*func).t == tag::NATIVE || (*func).t == tag::NATIVE_CLOSURE {
            if let Some(next) = switch::try_switch(state, func, nresults) {
                return next;
            }
            call_native(state, func, nresults)
        } else {
            let func = state.th().save(func);
            drive_from_loop(state, Step::Enter { func, nresults, flags: 0 })
        };
        settle(state, result)
    }
}

/// Calls a native function; one that asks for nothing returns without the general machinery.
unsafe fn call_native(lua: &mut LuaState, func: *mut TValue, nresults: i16) -> LuaResult<Next> {
    // SAFETY: I1, H1, H4.
    unsafe {
        let function = native_of(*func);
        push_native_frame(lua, func, nresults, 0)?;
        match call_function(lua, function) {
            Ok(n) if lua.th().hook_mask.get() == 0 => {
                let th = lua.th();
                let ci = th.ci.get();
                let held = th.top.get().offset_from((*ci).func.get()) as usize - 1;
                let n = n.min(held);
                postcall(lua, ci, th.from_top(n), n);
                if nresults >= 0 {
                    th.top.set((*th.ci.get()).top.get());
                }
                Ok(lua.as_thread_ptr())
            }
            other => drive_from_loop(lua, Step::Native(other)),
        }
    }
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
            if (*func).t == tag::NATIVE || (*func).t == tag::NATIVE_CLOSURE {
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
        let nresults = frame.nresults.get();
        th.ci.set(frame.prev.get());
        crate::exec::call::push_lua_frame(lua, dest, nresults, status)?;
        Ok(lua.as_thread_ptr())
    }
}

unsafe fn return_values(lua: *mut Thread) -> Next {
    // SAFETY: I1, H2.
    unsafe {
        let m = Machine::load(lua);
        let first = m.a();
        let n = if m.nb() != 0 { m.nb() - 1 } else { (*lua).top.get().offset_from(first) as usize };
        let state = LuaState::from_thread(lua);
        if m.x() & 1 != 0 {
            upvalue::close_from(state, m.base);
        }
        let result = leave_frame(state, first, n);
        settle(state, result)
    }
}

unsafe fn return_none(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let state = LuaState::from_thread(lua);
        let result = leave_frame(state, Machine::load(lua).base, 0);
        settle(state, result)
    }
}

unsafe fn return_one(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let state = LuaState::from_thread(lua);
        let result = leave_frame(state, Machine::load(lua).a(), 1);
        settle(state, result)
    }
}

/// Returns `n` values that lie from `first`, and goes on with whoever waits for them.
unsafe fn leave_frame(lua: &mut LuaState, first: *mut TValue, n: usize) -> LuaResult<Next> {
    // SAFETY: I1, H1, H4.
    unsafe {
        let mut first = first;
        if lua.th().hook_mask.get() != 0 {
            let offset = lua.th().save(first);
            // The hook's frame begins above all registers, which it may look at.
            let limit = (*lua.th().ci.get()).top.get();
            lua.th().top.set(limit.max(first.add(n)));
            debug::hook_return(lua)?;
            first = lua.th().restore(offset);
        }
        let th = lua.th();
        let ci = th.ci.get();
        let (status, nresults) = ((*ci).status.get(), (*ci).nresults.get());
        postcall(lua, ci, first, n);
        if status & CallStatus::SLOW_RETURN == 0 {
            if nresults >= 0 {
                th.top.set((*th.ci.get()).top.get());
            }
            return Ok(lua.as_thread_ptr());
        }
        drive_from_loop(lua, Step::Popped { status, nresults })
    }
}
