//! Calls and returns: frames pushed and popped, and the host's ways to call.

use perilune_core::base::limits::{MAX_C_CALLS, MIN_STACK};
use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, GcRef, LuaClosure, TValue};

use super::drive::{Step, native_of, run};
use super::panic::Outermost;
use super::unwind::{Guard, NoYield};
use super::{protect, upvalue};
use crate::anchor::Wait;
use crate::api::is_pseudo;
use crate::debug;
use crate::error::{LuaResult, Status, Thrown};
use crate::meta::{self, MetaEvent};
use crate::stack;
use crate::state::{Continuation, LuaState, NativeFn};

/// All results (`LUA_MULTRET`).
#[doc(alias = "LUA_MULTRET")]
pub const MULTRET: i32 = -1;
/// In place of a message handler's index in a protected call: errors go to the handler of the call around it, if that has one, as those
/// of a chunk's reader do in [`load`](LuaState::load).
pub const SAME_HANDLER: i32 = i32::MIN;

/// Pushes the frame of a Lua function whose arguments lie above `slot`.
#[doc(alias = "luaD_precall")]
pub(crate) fn push_lua_frame(lua: &mut LuaState, slot: *mut TValue, nresults: i16, flags: u16) -> LuaResult<()> {
    // SAFETY: V1: the caller checked the tag; H1, H4.
    unsafe {
        let closure: GcRef<LuaClosure> = (*slot).as_ref();
        let word = closure.frame_word();
        let frame_slots = word.frame_bytes as usize / size_of::<TValue>();
        let func = lua.th().save(slot);
        stack::ensure(lua, frame_slots + 1 + word.num_params as usize)?;
        let ci = stack::next_ci(lua)?;
        let th = lua.th();
        let slot = th.restore(func);
        let mut nargs = th.top.get().offset_from(slot) as usize - 1;
        let params = word.num_params as usize;
        while nargs < params {
            th.push(TValue::NIL);
            nargs += 1;
        }
        let base = if word.is_vararg == 0 { slot.add(1) } else { copy_fixed_params(th.top.get(), slot, nargs, params) };
        let frame = &*ci;
        frame.func.set(slot);
        frame.begin(nresults, CallStatus::LUA | flags);
        frame.set_registers(base, closure.code());
        frame.top.set(base.add(frame_slots));
        frame.pc.set(closure.code().cast_const().cast());
        th.top.set(frame.top.get());
        th.ci.set(ci);
        if th.hook_mask.get() != 0 {
            debug::call_hook_for_call(lua)?;
        }
    }
    Ok(())
}

/// Copies the function and its fixed parameters above the extra arguments, and returns the new base.
#[doc(alias = "adjust_varargs")]
unsafe fn copy_fixed_params(top: *mut TValue, slot: *mut TValue, _nargs: usize, params: usize) -> *mut TValue {
    // SAFETY: the caller made room; the fixed parameters lie above `slot`.
    unsafe {
        top.write(*slot);
        let base = top.add(1);
        for i in 0..params {
            base.add(i).write(*slot.add(1 + i));
            slot.add(1 + i).write(TValue::NIL);
        }
        base
    }
}

/// Pushes the frame of a native function.
#[inline(always)]
pub(crate) fn push_native_frame(lua: &mut LuaState, slot: *mut TValue, nresults: i16, flags: u16) -> LuaResult<()> {
    let func = lua.th().save(slot);
    stack::ensure(lua, MIN_STACK)?;
    let ci = stack::next_ci(lua)?;
    let th = lua.th();
    // SAFETY: H4.
    let frame = unsafe { &*ci };
    frame.func.set(th.restore(func));
    frame.begin(nresults, flags);
    frame.pc.set(core::ptr::null());
    frame.top.set(th.top.get().wrapping_add(MIN_STACK));
    th.ci.set(ci);
    if th.hook_mask.get() != 0 {
        debug::call_hook_for_call(lua)?;
    }
    Ok(())
}

/// Pops the running native frame, whose `n` results lie on top.
#[inline(always)]
pub(crate) fn leave_native(lua: &mut LuaState, n: usize) -> LuaResult<Step> {
    if lua.th().hook_mask.get() != 0 {
        debug::hook_return(lua)?;
    }
    let th = lua.th();
    let ci = th.ci.get();
    // SAFETY: H4.
    let frame = unsafe { &*ci };
    let (status, nresults) = (frame.status.get(), frame.nresults());
    // A native function cannot return more than its frame holds.
    // SAFETY: both lie in one stack.
    let held = unsafe { th.top.get().offset_from(frame.func.get()) } as usize - 1;
    let n = n.min(held);
    // SAFETY: H1: the results lie on top.
    unsafe { postcall(lua, ci, th.from_top(n), n) };
    Ok(Step::Popped { status, nresults })
}

/// Moves results to where the caller wants them and pops the frame; leaves the top after the last result.
///
/// # Safety
/// `ci` is the running frame, and `n` values lie from `first`, at or above the frame's function.
#[doc(alias = "luaD_poscall")]
#[inline(always)]
pub(crate) unsafe fn postcall(lua: &LuaState, ci: *mut CallInfo, first: *mut TValue, n: usize) {
    // SAFETY: H1, H4: results never move up.
    unsafe {
        let th = lua.th();
        let dest = (*ci).func.get();
        let wanted = (*ci).nresults();
        th.ci.set((*ci).prev.get());
        match wanted {
            0 => th.top.set(dest),
            1 => {
                *dest = if n > 0 { *first } else { TValue::NIL };
                th.top.set(dest.add(1));
            }
            _ => {
                let wanted = if wanted < 0 { n } else { wanted as usize };
                let moved = n.min(wanted);
                for i in 0..moved {
                    *dest.add(i) = *first.add(i);
                }
                for i in moved..wanted {
                    *dest.add(i) = TValue::NIL;
                }
                th.top.set(dest.add(wanted));
            }
        }
    }
}

/// Puts the `__call` metamethod of the value at `slot` before it, as the function; returns the slot's offset.
#[doc(alias = "luaD_tryfuncTM")]
#[inline(never)]
pub(crate) fn try_call_metamethod(lua: &mut LuaState, slot: *mut TValue) -> LuaResult<usize> {
    let func = lua.th().save(slot);
    // SAFETY: H1.
    let method = meta::of(lua, unsafe { *slot }, MetaEvent::Call);
    if !method.is_function() {
        return Err(debug::call_error(lua, slot));
    }
    stack::ensure(lua, 1)?;
    let th = lua.th();
    let slot = th.restore(func);
    // SAFETY: H1: room for one more was made.
    unsafe {
        let mut place = th.top.get();
        th.top.set(place.add(1));
        while place > slot {
            *place = *place.sub(1);
            place = place.sub(1);
        }
        *slot = method;
    }
    Ok(func)
}

/// Calls the function at `slot` and returns when it has; counts as a native level, on top of those of the running thread.
///
/// An error that leaves a thread other than the running one goes on in the running one.
#[doc(alias = "luaD_call")]
pub(crate) fn call_slot(lua: &mut LuaState, slot: *mut TValue, nresults: i32) -> LuaResult<()> {
    let running = core::mem::replace(&mut lua.heap().running_thread, lua.as_thread_ptr());
    let outermost = Outermost::begin(lua, running);
    let th = lua.th();
    // SAFETY: H4: the running frame is in use.
    if unsafe { (*th.ci.get()).has(CallStatus::HOOKED) } {
        // A hook that took more off than it had pushed calls over variables of the function that it interrupted. They would lie in
        // the new frame, where closures must not reach (BC2).
        upvalue::close_from(lua, slot);
    }
    let func = th.save(slot);
    let guard = Guard::new(lua, running, func);
    let wait = Wait::new(lua, running);
    // SAFETY: N2: it stays here until the end.
    unsafe { Wait::begin(&wait) };
    let levels = th.n_c_calls.get();
    // SAFETY: E1.
    let depth = unsafe { (*running).n_c_calls.get() } + 1;
    th.n_c_calls.set(depth);
    // A coroutine that waits, or is dead, counts as one that runs: nobody can resume it meanwhile.
    let status = th.status.replace(Status::Ok as u8);
    let result = if depth >= MAX_C_CALLS { stack_level_error(lua, depth) } else { Ok(()) };
    let result = match result {
        Ok(()) => call_slot_counted(lua, func, nresults.max(MULTRET) as i16),
        error => error,
    };
    guard.disarm();
    let th = lua.th();
    th.n_c_calls.set(levels);
    th.status.set(status);
    lua.heap().running_thread = running;
    if let Err(thrown) = result {
        if let Some(outermost) = outermost {
            outermost.fail(lua, thrown);
        }
        lua.pass_error_on(thrown);
    }
    result
}

fn call_slot_counted(lua: &mut LuaState, mut func: usize, nresults: i16) -> LuaResult<()> {
    // The frame is pushed before the run begins: an error on the way to it belongs to the caller, not to a frame below.
    loop {
        let slot = lua.th().restore(func);
        // SAFETY: H1.
        let callee = unsafe { *slot };
        match callee.tag() {
            // The common case of a native function that asks for nothing needs no loop.
            tag::NATIVE | tag::QUICK_NATIVE | tag::NATIVE_CLOSURE => {
                let before = lua.th().ci.get();
                let result = match push_native_frame(lua, slot, nresults, CallStatus::FRESH) {
                    Ok(()) => call_function(lua, native_of(callee)),
                    Err(thrown) => return abandon(lua, before, thrown),
                };
                return match result.and_then(|n| leave_native(lua, n)) {
                    Ok(_) => Ok(()),
                    Err(thrown) => run(lua, Step::Native(Err(thrown))),
                };
            }
            tag::LUA_CLOSURE => {
                let before = lua.th().ci.get();
                return match push_lua_frame(lua, slot, nresults, CallStatus::FRESH) {
                    Ok(()) => run(lua, Step::Bytecode),
                    Err(thrown) => abandon(lua, before, thrown),
                };
            }
            _ => func = try_call_metamethod(lua, slot)?,
        }
    }
}

/// Runs the native function of the running frame.
#[inline(always)]
pub(crate) fn call_function(lua: &mut LuaState, function: NativeFn) -> LuaResult<usize> {
    let ci = lua.th().ci.get();
    let result = function(lua);
    if core::ptr::eq(lua.th().ci.get(), ci) { result } else { back_in_frame(lua, ci, result) }
}

/// A native function has come back, but frames stand above its own. That is right if a yield is on its way to the resumer;
/// else the function has kept a yield to itself that came out of a call, and the frames are given up.
#[cold]
#[inline(never)]
pub(crate) fn back_in_frame<T>(lua: &mut LuaState, ci: *mut CallInfo, result: LuaResult<T>) -> LuaResult<T> {
    if let Err(Thrown::Yield) = result {
        return result;
    }
    // SAFETY: H4: the frame of a function that runs has a successor if it is not the running one.
    unsafe { give_up_frames(lua, ci) };
    match result {
        Ok(_) | Err(Thrown::Call | Thrown::Resume) => {
            Err(lua.raise_plain(format_args!("a native function has not passed a yield on")))
        }
        error => error,
    }
}

/// Leaves the frames above `ci`, whose work is not continued; the value on top stays there.
///
/// # Safety
/// `ci` is a frame in use.
pub(crate) unsafe fn give_up_frames(lua: &LuaState, ci: *mut CallInfo) {
    let th = lua.th();
    if core::ptr::eq(th.ci.get(), ci) {
        return;
    }
    // SAFETY: H4, by the caller's promise: `ci` has a successor. Variables of its frame and those above vanish.
    unsafe { upvalue::close_from(lua, (*(*ci).next.get()).func.get()) };
    th.ci.set(ci);
}

/// Takes off a frame whose call hook failed, if it was pushed at all: its run never began (E2).
#[cold]
fn abandon(lua: &LuaState, before: *mut CallInfo, thrown: Thrown) -> LuaResult<()> {
    // SAFETY: H4: the frame was running.
    unsafe { give_up_frames(lua, before) };
    Err(thrown)
}

/// Raises the error of too many native levels; a few more are granted for handling it.
#[doc(alias = "stackerror")]
#[cold]
fn stack_level_error(lua: &mut LuaState, depth: u16) -> LuaResult<()> {
    if depth == MAX_C_CALLS {
        Err(lua.run_error(format_args!("C stack overflow")))
    } else if depth >= MAX_C_CALLS + MAX_C_CALLS / 8 {
        Err(Thrown::ErrorInHandler)
    } else {
        Ok(())
    }
}

/// The same, with yields forbidden meanwhile.
#[doc(alias = "luaD_callnoyield")]
pub(crate) fn call_slot_no_yield(lua: &mut LuaState, slot: *mut TValue, nresults: i32) -> LuaResult<()> {
    let _forbidden = NoYield::begin(lua);
    call_slot(lua, slot, nresults)
}

/// Calls `func` with arguments and returns its first result (metamethods called by the host API).
#[doc(alias = "luaT_callTM")]
pub(crate) fn call_values(lua: &mut LuaState, func: TValue, args: &[TValue], nresults: i32) -> LuaResult<TValue> {
    let values = args.len() + 1;
    if lua.th().spare() < values {
        stack::grow(lua, values)?;
    }
    let th = lua.th();
    // The extra slots above the limit hold these (H1).
    let at = th.save(th.top.get());
    th.push(func);
    for &arg in args {
        th.push(arg);
    }
    let slot = th.restore(at);
    call_slot_no_yield(lua, slot, nresults)?;
    Ok(if nresults == 1 { lua.th().pop() } else { TValue::NIL })
}

impl LuaState {
    /// The slot of the function of a call with `nargs` arguments on top and room for its results, or an error if there are
    /// too few values or is too little room.
    #[inline]
    fn function_slot(&mut self, nargs: usize, nresults: i32) -> LuaResult<*mut TValue> {
        if nargs >= self.held() {
            return Err(self.raise(format_args!("not enough values on the stack for a call")));
        }
        if nresults > nargs as i32 + 1 || nresults > i32::from(i16::MAX) {
            self.room_for_results(nresults as usize, (nresults as usize).saturating_sub(nargs + 1))?;
        }
        Ok(self.th().from_top(nargs + 1))
    }

    /// How many values the running frame holds.
    #[inline]
    pub(crate) fn held(&self) -> usize {
        let th = self.th();
        // SAFETY: H4: both lie in one stack, and the function lies below the top.
        unsafe { th.top.get().offset_from((*th.ci.get()).func.get()) as usize - 1 }
    }

    /// Makes room for results that take `more` slots than function and arguments.
    #[cold]
    fn room_for_results(&mut self, results: usize, more: usize) -> LuaResult<()> {
        if results <= i16::MAX as usize && more < i16::MAX as usize / 2 && self.check_stack(more) {
            return Ok(());
        }
        Err(self.raise(format_args!("results from function overflow current stack size")))
    }

    /// After a call with all results, the frame's limit must not lie below the top.
    fn adjust_results(&mut self, nresults: i32) {
        let th = self.th();
        // SAFETY: H4.
        let ci = unsafe { &*th.ci.get() };
        if nresults < 0 && ci.top.get() < th.top.get() {
            ci.top.set(th.top.get());
        }
    }

    /// Calls a function (manual §4.8, `lua_call`): pops `nargs` arguments and the function, pushes `nresults` results
    /// ([`MULTRET`]: all of them). A yield inside is an error.
    #[doc(alias = "lua_call")]
    pub fn call(&mut self, nargs: usize, nresults: i32) -> LuaResult<()> {
        let slot = self.function_slot(nargs, nresults)?;
        call_slot_no_yield(self, slot, nresults)?;
        self.adjust_results(nresults);
        Ok(())
    }

    /// Whether a yield may suspend the running native function, to go on in a continuation. A hook has no frame for that.
    fn may_wait(&self) -> bool {
        // SAFETY: H4.
        let in_hook = unsafe { (*self.th().ci.get()).is_lua() };
        self.th().n_non_yieldable.get() == 0 && !in_hook && self.is_running()
    }

    /// Calls a function that may yield (manual §4.8, `lua_callk`): returns when nothing yielded; after a yield `k` runs instead.
    #[doc(alias = "lua_callk")]
    pub fn call_k(&mut self, nargs: usize, nresults: i32, ctx: isize, k: Continuation) -> LuaResult<()> {
        if !self.may_wait() {
            return self.call(nargs, nresults);
        }
        let slot = self.function_slot(nargs, nresults)?;
        self.set_continuation(ctx, k);
        call_slot(self, slot, nresults)?;
        self.adjust_results(nresults);
        Ok(())
    }

    /// Notes in the running native frame what is to run instead of its rest.
    pub(crate) fn set_continuation(&mut self, ctx: isize, k: Continuation) {
        // SAFETY: H4.
        let ci = unsafe { &*self.th().ci.get() };
        if !ci.is_lua() {
            ci.pc.set(k as *const ());
            ci.set_ctx(ctx);
        }
    }

    /// Asks for a call after which `k` runs with [`Status::Ok`]; takes no Rust stack, and a yield may cross it. To be used as
    /// the last expression of a native function or continuation: `return lua.call_then(..)`.
    ///
    /// # Errors
    /// Always an `Err`, which the VM understands.
    pub fn call_then(&mut self, nargs: usize, nresults: i32, ctx: isize, k: Continuation) -> LuaResult<usize> {
        self.check_can_wait()?;
        self.function_slot(nargs, nresults)?;
        self.set_continuation(ctx, k);
        // SAFETY: H4, M2.
        unsafe {
            (*self.th().ci.get()).set(CallStatus::THEN);
            let global = self.global();
            (*global).transfer_count = nargs as u32;
            (*global).transfer_wanted = nresults.max(MULTRET) as i16;
        }
        Err(Thrown::Call)
    }

    /// The protected form of [`call_then`](Self::call_then): `k` gets the status. After an error the error's value stands
    /// where the function was. `msgh` is the stack index of a message handler, or 0, or [`SAME_HANDLER`].
    ///
    /// # Errors
    /// Always an `Err`, which the VM understands.
    pub fn pcall_then(
        &mut self,
        nargs: usize,
        nresults: i32,
        msgh: i32,
        ctx: isize,
        k: Continuation,
    ) -> LuaResult<usize> {
        let requested = self.call_then(nargs, nresults, ctx, k);
        if matches!(requested, Err(Thrown::Call)) {
            let slot = self.th().from_top(nargs + 1);
            self.mark_protected(slot, self.handler_offset(msgh));
        }
        requested
    }

    /// Makes the running native frame one that takes errors.
    fn mark_protected(&mut self, slot: *mut TValue, handler: usize) {
        let th = self.th();
        // SAFETY: H4.
        let ci = unsafe { &*th.ci.get() };
        ci.set_protected(th.save(slot) as u32, th.err_func.get() as u32);
        ci.clear(CallStatus::ALLOW_HOOK);
        ci.set(CallStatus::PROTECTED | if th.allow_hook.get() { CallStatus::ALLOW_HOOK } else { 0 });
        th.err_func.set(handler);
    }

    /// The stack offset of a message handler's slot; 0 for none, also if the index is no stack slot's.
    fn handler_offset(&self, msgh: i32) -> usize {
        match msgh {
            SAME_HANDLER => self.th().err_func.get(),
            _ if msgh == 0 || is_pseudo(msgh) => 0,
            _ => self.slot_of(msgh).map_or(0, |slot| self.th().save(slot)),
        }
    }

    /// Calls a function in protected mode (manual §4.8, `lua_pcall`). On error the stack holds the error's value where the
    /// function was. `msgh` is the stack index of a message handler, or 0, or [`SAME_HANDLER`].
    #[doc(alias = "lua_pcall")]
    pub fn pcall(&mut self, nargs: usize, nresults: i32, msgh: i32) -> Status {
        let handler = self.handler_offset(msgh);
        let status = protect::run(self, |lua| lua.function_slot(nargs, nresults).map(|_| ()));
        if status != Status::Ok {
            return status;
        }
        let func = self.th().save(self.th().from_top(nargs + 1));
        let status = protect::run_from(self, func, handler, |lua| {
            let slot = lua.th().restore(func);
            call_slot_no_yield(lua, slot, nresults)
        });
        self.adjust_results(nresults);
        status
    }

    /// The yieldable form (manual §4.8, `lua_pcallk`): returns when the call ended well and nothing yielded. After a yield or an
    /// error `k` runs instead, with the status, and the `Err` that comes back here is to be returned. Where a yield is not
    /// possible this is [`pcall`](Self::pcall), and returns with every status.
    #[doc(alias = "lua_pcallk")]
    pub fn pcall_k(
        &mut self,
        nargs: usize,
        nresults: i32,
        msgh: i32,
        ctx: isize,
        k: Continuation,
    ) -> LuaResult<Status> {
        if !self.may_wait() {
            return Ok(self.pcall(nargs, nresults, msgh));
        }
        let slot = self.function_slot(nargs, nresults)?;
        let handler = self.handler_offset(msgh);
        let func = self.th().save(slot);
        self.set_continuation(ctx, k);
        self.mark_protected(slot, handler);
        let ci = self.th().ci.get();
        // An error finds the frame and continues it, on its way out (`protect::recover`).
        call_slot(self, self.th().restore(func), nresults)?;
        // SAFETY: H4: the frame is still this function's.
        let frame = unsafe { &*ci };
        frame.clear(CallStatus::PROTECTED);
        self.th().err_func.set(frame.protected()[1] as usize);
        self.adjust_results(nresults);
        Ok(Status::Ok)
    }
}
