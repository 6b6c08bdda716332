//! Calls and returns.

use core::hint::cold_path;

use perilune_core::code::{FrameWord, Instruction};
use perilune_core::object::GcObject;
use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, GcRef, LuaClosure, TValue, Thread};

use super::tail_call::slow_tail_call;
use crate::api::{QuickNative, first_argument, is_value};
use crate::debug;
use crate::error::{LuaResult, Status};
use crate::exec::call::{call_function, postcall, push_native_frame, try_call_metamethod};
use crate::exec::drive::{Next, Step, native_of, proceed};
#[cfg(not(perilune_tail))]
use crate::exec::interp::Flow;
use crate::exec::interp::{Dispatch, Machine, drive_from_loop, settle};
use crate::exec::switch::{self, Call, Resume, Wrapped};
use crate::exec::upvalue;
use crate::exec::{finish, pcall};
use crate::opcode::Op;
use crate::state::LuaState;

/// Enters a Lua function whose arguments are in place.
macro_rules! enter {
    ($m:ident, $func:ident, $code:ident, $limit:ident, $next:ident) => {
        enter_above!($m, $func, $func.add(1), $code, $limit, $next)
    };
}

/// Enters a Lua function whose registers begin at a base.
macro_rules! enter_above {
    ($m:ident, $func:ident, $base:expr, $code:ident, $limit:ident, $next:ident) => {{
        (*$m.ci).pc.set($m.pc.cast());
        let frame = &*$next;
        frame.func.set($func);
        frame.top.set($limit);
        frame.begin_as_coded($m.nc() as u16, CallStatus::LUA);
        frame.set_registers($base, $code);
        next!(Machine { pc: $code, base: $base, ci: $next, ..$m })
    }};
}

/// Goes on in the frame that called the running one.
macro_rules! back {
    ($m:ident) => {{
        let caller = (*$m.ci).prev.get();
        next!(Machine { pc: (*caller).pc.get().cast(), base: (*caller).base(), ci: caller, ..$m })
    }};
}

/// Returns `n` values, which lie from `first`, to the call instruction that has this status.
macro_rules! return_to_call {
    ($m:ident, $status:ident, $first:ident, $n:ident) => {{
        let dest = (*$m.ci).func.get();
        if $n == 1 && $status as u16 as u32 == WANTS_ONE {
            *dest = *$first;
            back!($m)
        }
        let mut wanted = ($status as u16 as usize).wrapping_sub(1);
        if $status as u16 == 0 {
            wanted = $n;
            (*$m.lua).top.set(dest.add($n));
        }
        switch::deliver(dest, wanted, $first, $n);
        back!($m)
    }};
}

/// The results of a quick native function are its arguments from `first` on; `wanted` is as in a call instruction.
macro_rules! answer_arguments {
    ($m:ident, $func:ident, $first:ident, $wanted:expr) => {{
        let values = $func.add($first);
        let n = (*$m.lua).top.get().offset_from(values) as usize;
        let coded: usize = $wanted;
        let mut wanted = coded.wrapping_sub(1);
        if coded == 0 {
            wanted = n;
            (*$m.lua).top.set($func.add(n));
        }
        switch::deliver($func, wanted, values, n);
        next!($m)
    }};
}

/// Calls a native function with a quick form.
macro_rules! quick_call {
    ($m:ident, $native:expr, $func:ident) => {{
        let ($m, answer) = ask($m, $native, $func);
        let func = $m.a();
        if is_value(answer) {
            *func = answer;
            if $m.nc() == 2 {
                next!($m)
            }
            goto!($m, spread_answer)
        }
        if let Some(first) = first_argument(answer) {
            answer_arguments!($m, func, first, $m.nc())
        }
        goto!($m, native_call)
    }};
}

/// The call that the running word is.
#[inline(always)]
unsafe fn call_of(m: Machine) -> Call {
    // SAFETY: I1.
    unsafe { Call { func: m.a(), nargs: switch::arguments_of(m), wanted: m.nc() as u16 } }
}

/// Sets the top behind the arguments of the running call, if it is not open; gives the function's place.
#[inline(always)]
unsafe fn close_arguments(m: Machine) -> *mut TValue {
    // SAFETY: I1; H2: the registers are the running frame's.
    unsafe {
        let func = m.a();
        if m.nb() != 0 {
            (*m.lua).top.set(func.add(m.nb()));
        }
        func
    }
}

/// Asks the quick form of the native function that is called, whose arguments lie up to the top. Gives the state, of which only what
/// the next word waits for is kept meanwhile, and the answer.
#[inline(always)]
pub(super) unsafe fn ask(m: Machine, native: &QuickNative, func: *mut TValue) -> (Machine, TValue) {
    // SAFETY: I1, I2; A5.
    unsafe {
        m.save();
        let answer = native.ask(m.lua, func);
        (Machine { base: (*m.ci).base(), dispatch: (*m.lua).dispatch.get().cast(), ..m }, answer)
    }
}

/// The values that the running instruction returns: the first one's place, and how many they are.
#[inline(always)]
unsafe fn returned(m: Machine) -> (*mut TValue, usize) {
    // SAFETY: I1; H2: open returns have their values up to the top.
    unsafe {
        let (first, op) = (m.a(), m.word().op());
        if op == Op::Return1 as u8 {
            (first, 1)
        } else if op == Op::Return0 as u8 {
            (m.base, 0)
        } else if m.nb() != 0 {
            (first, m.nb() - 1)
        } else {
            (first, (*m.lua).top.get().offset_from(first) as usize)
        }
    }
}

/// What of a frame's status and wanted results decides how a return goes.
const RETURN: u32 = (CallStatus::SLOW_RETURN as u32) << 16 | 0xffff;
/// A plain return to a call that wants all results, as that instruction has it.
const WANTS_ALL: u32 = 0;
/// A plain return to a call that wants nothing, as that instruction has it.
const WANTS_NONE: u32 = 1;
/// A plain return to a call that wants one result.
const WANTS_ONE: u32 = 2;

handlers! {
    /// A Lua function with fixed parameters, none of them left out, is entered here.
    fn op_call(m) {
        let func = m.a();
        if (*func).t == tag::LUA_CLOSURE {
            let closure: GcRef<LuaClosure> = GcRef::from_addr((*func).u);
            let code = closure.code();
            let word = *code.sub(1).cast::<FrameWord>();
            let next = (*m.ci).next.get();
            let limit = func.add(1).byte_add(word.frame_bytes as usize);
            if m.nb() as u32 > word.enough && !next.is_null() && limit < (*m.lua).stack_last.get() {
                enter!(m, func, code, limit, next)
            }
            goto!(m, call_lua)
        }
        if (*func).t == tag::QUICK_NATIVE {
            goto!(m, call_quick)
        }
        goto!(m, call_other)
    }

    /// A Lua function that takes other arguments than the instruction names, or for which there is no room.
    #[inline(never)]
    fn call_lua(m) {
        let func = m.a();
        let code = GcRef::<LuaClosure>::from_addr((*func).u).code();
        let word = *code.sub(1).cast::<FrameWord>();
        if word.is_vararg != 0 {
            goto!(m, call_vararg)
        }
        if m.nb() == 0 {
            let next = (*m.ci).next.get();
            let limit = func.add(1).byte_add(word.frame_bytes as usize);
            let given = (*m.lua).top.get().offset_from(func) as u32;
            if given > word.enough && !next.is_null() && limit < (*m.lua).stack_last.get() {
                enter!(m, func, code, limit, next)
            }
        }
        goto!(m, call_with_nils)
    }

    /// Everything else that is called goes its way from here.
    #[inline(never)]
    fn call_other(m) {
        let callee = *m.a();
        if switch::is_resume(callee) {
            goto!(m, call_resume)
        }
        if switch::is_yield(callee) {
            goto!(m, call_yield)
        }
        if callee.t == tag::NATIVE_CLOSURE {
            goto!(m, call_wrapped)
        }
        if pcall::is_pcall(callee) {
            goto!(m, call_pcall)
        }
        if callee.t == tag::NATIVE {
            goto!(m, native_call)
        }
        goto!(m, slow_call)
    }

    /// A Lua function with fixed parameters is entered here, missing arguments being nil.
    #[inline(never)]
    fn call_with_nils(m) {
        let func = m.a();
        let closure: GcRef<LuaClosure> = GcRef::from_addr((*func).u);
        let code = closure.code();
        let word = *code.sub(1).cast::<FrameWord>();
        let next = (*m.ci).next.get();
        let limit = func.add(1).byte_add(word.frame_bytes as usize);
        if !next.is_null() && limit < (*m.lua).stack_last.get() {
            let mut top = if m.nb() != 0 { func.add(m.nb()) } else { (*m.lua).top.get() };
            let end = func.add(1 + word.num_params as usize);
            while top < end {
                (*top).t = tag::NIL;
                top = top.add(1);
            }
            enter!(m, func, code, limit, next)
        }
        goto!(m, slow_call)
    }

    /// A vararg function: it is copied above the arguments.
    #[inline(never)]
    fn call_vararg(m) {
        let func = m.a();
        let closure: GcRef<LuaClosure> = GcRef::from_addr((*func).u);
        let code = closure.code();
        let word = *code.sub(1).cast::<FrameWord>();
        if word.num_params != 0 {
            goto!(m, call_vararg_with_params)
        }
        let top = if m.nb() != 0 { func.add(m.nb()) } else { (*m.lua).top.get() };
        let next = (*m.ci).next.get();
        let limit = top.add(1).byte_add(word.frame_bytes as usize);
        if next.is_null() || limit >= (*m.lua).stack_last.get() {
            goto!(m, slow_call)
        }
        *top = TValue { u: (*func).u, t: tag::LUA_CLOSURE };
        enter_above!(m, func, top.add(1), code, limit, next)
    }

    /// A vararg function with fixed parameters, which are copied with it.
    #[inline(never)]
    fn call_vararg_with_params(m) {
        let func = m.a();
        let closure: GcRef<LuaClosure> = GcRef::from_addr((*func).u);
        let code = closure.code();
        let word = *code.sub(1).cast::<FrameWord>();
        let top = if m.nb() != 0 { func.add(m.nb()) } else { (*m.lua).top.get() };
        let next = (*m.ci).next.get();
        let limit = top.add(1).byte_add(word.frame_bytes as usize);
        if top < func.add(1 + word.num_params as usize) || next.is_null() || limit >= (*m.lua).stack_last.get() {
            goto!(m, slow_call)
        }
        *top = TValue { u: (*func).u, t: tag::LUA_CLOSURE };
        let base = top.add(1);
        let mut slot = func.add(1);
        let distance = base.byte_offset_from(slot);
        let end = slot.add(word.num_params as usize);
        while slot < end {
            let copy = slot.byte_offset(distance);
            (*copy).u = (*slot).u;
            (*copy).t = (*slot).t;
            (*slot).t = tag::NIL;
            slot = slot.add(1);
        }
        enter_above!(m, func, base, code, limit, next)
    }

    /// A native function with a quick form, which is asked first.
    #[inline(never)]
    fn call_quick(m) {
        let func = close_arguments(m);
        quick_call!(m, QuickNative::of(*func), func)
    }

    /// The same for a native closure.
    #[inline(never)]
    fn call_closure(m) {
        let func = close_arguments(m);
        let Some(native) = QuickNative::of_closure((*func).as_ref()) else { goto!(m, native_call) };
        quick_call!(m, native, func)
    }

    /// The call wants another number of results than the one that has been stored.
    #[inline(never)]
    fn spread_answer(m) {
        let dest = m.a().add(1);
        if m.nc() == 0 {
            (*m.lua).top.set(dest);
        } else {
            switch::deliver(dest, m.nc().saturating_sub(2), dest, 0);
        }
        next!(m)
    }

    /// The same as a tail call: the return that follows passes the answer on.
    #[inline(never)]
    fn tail_call_quick(m) {
        let func = close_arguments(m);
        let (m, answer) = ask(m, QuickNative::of(*func), func);
        let func = m.a();
        if is_value(answer) {
            *func = answer;
            (*m.lua).top.set(func.add(1));
            next!(m)
        }
        if let Some(first) = first_argument(answer) {
            answer_arguments!(m, func, first, 0)
        }
        goto!(m, slow_tail_call)
    }

    /// `coroutine.resume` with one argument for the coroutine or none.
    #[inline(never)]
    fn call_resume(m) {
        let func = m.a();
        if m.nb() != 3 {
            cold_path();
            if m.nb() != 2 {
                goto!(m, call_resume_values)
            }
            (*func.add(2)).t = tag::NIL;
        }
        if let Some(co) = (*func.add(1)).get::<Thread>()
            && let Some(m) = switch::resume_one::<Resume>(m, co, func, || m.nc() as u16, func.add(2))
        {
            next!(m)
        }
        goto!(m, call_resume_values)
    }

    /// `coroutine.resume`.
    #[inline(never)]
    fn call_resume_values(m) {
        let (func, nargs) = (m.a(), switch::arguments_of(m));
        if nargs > 0
            && let Some(co) = (*func.add(1)).get::<Thread>()
        {
            if switch::is_new(co) {
                goto!(m, call_resume_new)
            }
            if let Some(m) = switch::resume::<Resume>(m, co, func, || m.nc() as u16, nargs - 1) {
                next!(m)
            }
        }
        goto!(m, slow_call)
    }

    /// `coroutine.resume` of a coroutine that has not begun.
    #[inline(never)]
    fn call_resume_new(m) {
        let call = call_of(m);
        if let Some(m) = switch::start::<Resume>(m, call, GcRef::from_addr((*call.func.add(1)).u)) {
            next!(m)
        }
        goto!(m, slow_call)
    }

    /// `coroutine.yield` with one argument or none.
    #[inline(never)]
    fn call_yield(m) {
        if let Some(m) = switch::yield_one(m) {
            next!(m)
        }
        goto!(m, call_yield_values)
    }

    /// `coroutine.yield`.
    #[inline(never)]
    fn call_yield_values(m) {
        if let Some(m) = switch::yield_values(m) {
            next!(m)
        }
        goto!(m, slow_call)
    }

    /// A function that `coroutine.wrap` made, with one argument or none; or another native closure.
    #[inline(never)]
    fn call_wrapped(m) {
        let func = m.a();
        let Some(co) = switch::wrapped_coroutine(*func) else { goto!(m, call_closure) };
        if m.nb() != 2 {
            cold_path();
            if m.nb() != 1 {
                goto!(m, call_wrapped_values)
            }
            (*func.add(1)).t = tag::NIL;
        }
        if let Some(m) = switch::resume_one::<Wrapped>(m, co, func, || m.nc() as u16, func.add(1)) {
            next!(m)
        }
        goto!(m, call_wrapped_values)
    }

    /// A function that `coroutine.wrap` made.
    #[inline(never)]
    fn call_wrapped_values(m) {
        let func = m.a();
        if let Some(co) = switch::wrapped_coroutine(*func) {
            if switch::is_new(co) {
                goto!(m, call_wrapped_new)
            }
            if let Some(m) = switch::resume::<Wrapped>(m, co, func, || m.nc() as u16, switch::arguments_of(m)) {
                next!(m)
            }
        }
        goto!(m, native_call)
    }

    /// A function that `coroutine.wrap` made, whose coroutine has not begun.
    #[inline(never)]
    fn call_wrapped_new(m) {
        let call = call_of(m);
        if let Some(co) = switch::wrapped_coroutine(*call.func)
            && let Some(m) = switch::start::<Wrapped>(m, call, co)
        {
            next!(m)
        }
        goto!(m, native_call)
    }

    /// `pcall`.
    #[inline(never)]
    fn call_pcall(m) {
        if let Some(m) = pcall::enter(m, call_of(m)) {
            next!(m)
        }
        goto!(m, native_call)
    }

    fn op_return(m) {
        let status = (*m.ci).wanted_and_status();
        if m.x() & 1 == 0 && status >> 16 & CallStatus::SLOW_RETURN as u32 == 0 {
            let first = m.a();
            let n = if m.nb() != 0 { m.nb() - 1 } else { (*m.lua).top.get().offset_from(first) as usize };
            return_to_call!(m, status, first, n)
        }
        goto!(m, return_elsewhere)
    }

    fn op_return0(m) {
        if (*m.ci).wanted_and_status() & RETURN == WANTS_NONE {
            back!(m)
        }
        goto!(m, return_elsewhere)
    }

    fn op_return1(m) {
        let wanted = (*m.ci).wanted_and_status() & RETURN;
        if wanted == WANTS_ONE {
            *m.base.sub(1) = *m.a();
            back!(m)
        }
        if wanted == WANTS_NONE {
            back!(m)
        }
        if wanted == WANTS_ALL {
            *m.base.sub(1) = *m.a();
            (*m.lua).top.set(m.base);
            back!(m)
        }
        goto!(m, return_elsewhere)
    }

    /// The caller is no call instruction, or wants another number of values; or there are upvalues to close.
    #[inline(never)]
    fn return_elsewhere(m) {
        if m.x() & 1 != 0 {
            goto!(m, return_closing)
        }
        goto!(m, return_by_kind)
    }

    /// Upvalues are to be closed before the return: often it is one, which the collector has not seen yet.
    #[inline(never)]
    fn return_closing(m) {
        let open = (*m.lua).open_upvals.get();
        if !open.is_null() && (*open).v.get() >= m.base {
            let next = (*open).open_next();
            if !(*open).header().is_white() || !next.is_null() && (*next).v.get() >= m.base {
                goto!(m, return_closing_all)
            }
            (*m.lua).open_upvals.set(next);
            // A white upvalue needs no barrier (`Heap::close_upval`).
            (*open).close();
        }
        goto!(m, return_by_kind)
    }

    /// Any number of upvalues are to be closed before the return.
    #[inline(never)]
    fn return_closing_all(m) {
        upvalue::close_from(LuaState::from_thread(m.lua), m.base);
        goto!(m, return_by_kind)
    }

    /// A return with no upvalues to close.
    #[inline(always)]
    fn return_by_kind(m) {
        let status = (*m.ci).wanted_and_status();
        let kind = (status >> 16) as u16 & CallStatus::SLOW_RETURN;
        if kind == CallStatus::FROM_NATIVE {
            goto!(m, return_to_native)
        }
        if kind == CallStatus::META {
            goto!(m, return_to_instruction)
        }
        if kind != 0 {
            goto!(m, slow_return)
        }
        let (first, n) = returned(m);
        return_to_call!(m, status, first, n)
    }

    /// The caller may be `pcall`, or another native function that waits in `call_then`.
    #[inline(never)]
    fn return_to_native(m) {
        let caller = (*m.ci).prev.get();
        let waits = (*caller).status.get() & (CallStatus::THEN | CallStatus::PROTECTED) == CallStatus::THEN;
        if waits && !core::ptr::eq(caller, &(*m.lua).base_ci) {
            goto!(m, return_to_continuation)
        }
        let (first, n) = returned(m);
        if let Some(m) = pcall::leave(m, first, n) {
            next!(m)
        }
        goto!(m, return_to_resumer)
    }

    /// The frame may be that of a coroutine's body.
    #[inline(never)]
    fn return_to_resumer(m) {
        let (first, n) = returned(m);
        if let Some(m) = switch::end(m, first, n) {
            next!(m)
        }
        goto!(m, slow_return)
    }

    /// The frame is that of a metamethod.
    #[inline(never)]
    fn return_to_instruction(m) {
        let (first, n) = returned(m);
        let result = if n == 0 { TValue::NIL } else { *first };
        if let Some(m) = finish::leave_metamethod(m, result) {
            next!(m)
        }
        goto!(m, slow_return)
    }
}

slow_paths! {
    open slow_call => call;
    open native_call => native;
    open slow_return => return_values;
    open return_to_continuation => continue_native;
}

unsafe fn call(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let func = close_arguments(m);
        let state = LuaState::from_thread(lua);
        let nresults = m.nc() as i16 - 1;
        if (*func).is_function() {
            let func = state.th().save(func);
            return drive_from_loop(state, Step::Enter { func, nresults, flags: 0 });
        }
        let result = call_metamethod(state, func, nresults);
        settle(state, result)
    }
}

/// Calls what is no function.
unsafe fn call_metamethod(lua: &mut LuaState, func: *mut TValue, nresults: i16) -> LuaResult<Next> {
    let func = try_call_metamethod(lua, func)?;
    let th = lua.th();
    // SAFETY: I1, H2: the arguments lie up to the top.
    match unsafe { finish::enter_lua(lua, th.restore(func), th.top.get(), nresults, 0) } {
        Some(next) => Ok(next),
        None => Ok(drive_from_loop(lua, Step::Enter { func, nresults, flags: 0 })),
    }
}

unsafe fn native(lua: *mut Thread) -> Next {
    // SAFETY: I1.
    unsafe {
        let m = Machine::load(lua);
        let func = close_arguments(m);
        let state = LuaState::from_thread(lua);
        let result = call_native(state, func, m.nc() as i16 - 1);
        settle(state, result)
    }
}

/// Calls a native function; one that asks for nothing returns without the general machinery.
///
/// # Safety
/// I1; the function at `func` has its arguments up to the top.
pub(super) unsafe fn call_native(lua: &mut LuaState, func: *mut TValue, nresults: i16) -> LuaResult<Next> {
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
            other => Ok(drive_from_loop(lua, Step::Native(other))),
        }
    }
}

unsafe fn return_values(lua: *mut Thread) -> Next {
    // SAFETY: I1, H2.
    unsafe {
        let m = Machine::load(lua);
        let (first, n) = returned(m);
        let state = LuaState::from_thread(lua);
        if m.x() & 1 != 0 {
            upvalue::close_from(state, m.base);
        }
        let result = leave_frame(state, first, n);
        settle(state, result)
    }
}

/// Returns to a native function that waits in `call_then`, and runs its continuation; what that calls in the same way is
/// entered at once.
unsafe fn continue_native(lua: *mut Thread) -> Next {
    // SAFETY: I1, H2; upvalues have been closed, and the thread has no hooks.
    unsafe {
        let m = Machine::load(lua);
        let (first, n) = returned(m);
        let state = LuaState::from_thread(lua);
        postcall(state, m.ci, first, n);
        match proceed(state, Status::Ok) {
            Ok(step) => drive_from_loop(state, step),
            Err(thrown) => settle(state, Err(thrown)),
        }
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
        let (status, nresults) = ((*ci).status.get(), (*ci).nresults());
        postcall(lua, ci, first, n);
        if status & CallStatus::SLOW_RETURN == 0 {
            if nresults >= 0 {
                th.top.set((*th.ci.get()).top.get());
            }
            return Ok(lua.as_thread_ptr());
        }
        Ok(drive_from_loop(lua, Step::Popped { status, nresults }))
    }
}
