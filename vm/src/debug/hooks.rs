//! Hooks: the function that the host wants called at calls, returns, lines, or every so many instructions.
//!
//! Threads without hooks pay nothing: a thread with a hook mask takes its handlers from another table, whose handlers call
//! [`trace_exec`] first.
//!
//! D2. While a hook runs, `allow_hook` is off in its thread and the frame that it interrupted has `HOOKED` set; an error
//!     leaves both for the protected call that takes it.

use core::sync::atomic::Ordering;

use perilune_core::base::limits::MIN_STACK;
use perilune_core::code::Instruction;
use perilune_core::{CallInfo, CallStatus, Proto, Thread};

use super::info::{Activation, code_index, condition_at, frame_closure, is_copy, line_of, pc_index};
use crate::error::{LuaResult, Thrown};
use crate::opcode::{Op, op_of};
use crate::stack;
use crate::state::LuaState;

/// Call the hook when a function is called.
#[doc(alias = "LUA_MASKCALL")]
pub const MASK_CALL: u8 = 1 << 0;
/// Call the hook when a function returns.
#[doc(alias = "LUA_MASKRET")]
pub const MASK_RETURN: u8 = 1 << 1;
/// Call the hook when a new line begins.
#[doc(alias = "LUA_MASKLINE")]
pub const MASK_LINE: u8 = 1 << 2;
/// Call the hook after every `count` instructions.
#[doc(alias = "LUA_MASKCOUNT")]
pub const MASK_COUNT: u8 = 1 << 3;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HookKind {
    /// A function was called.
    #[doc(alias = "LUA_HOOKCALL")]
    Call,
    /// A function was called in place of its caller.
    #[doc(alias = "LUA_HOOKTAILCALL")]
    TailCall,
    /// A function is about to return.
    #[doc(alias = "LUA_HOOKRET")]
    Return,
    /// This line is about to begin.
    #[doc(alias = "LUA_HOOKLINE")]
    Line(i32),
    /// The number of instructions was reached.
    #[doc(alias = "LUA_HOOKCOUNT")]
    Count,
}

impl HookKind {
    /// The name that `debug.sethook` gives the event.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::TailCall => "tail call",
            Self::Return => "return",
            Self::Line(_) => "line",
            Self::Count => "count",
        }
    }
}

/// Why a hook was called, and in which function.
#[derive(Clone, Copy, Debug)]
pub struct HookEvent {
    /// What happened.
    pub kind: HookKind,
    /// The function in which it happened.
    pub activation: Activation,
}

/// A hook function. It may raise errors; in a line or count hook it may also yield, without values, by returning what
/// `yield_values(0)` gives.
#[doc(alias = "lua_Hook")]
pub type Hook = fn(&mut LuaState, &HookEvent) -> LuaResult<()>;

/// The hook of a thread, as the type that it is.
fn hook_of(lua: &LuaState) -> Option<Hook> {
    let hook = lua.th().hook.get();
    // SAFETY: `set_hook` alone writes the field, and it writes hooks and null.
    if hook.is_null() { None } else { Some(unsafe { core::mem::transmute::<*const (), Hook>(hook) }) }
}

impl LuaState {
    /// Sets the thread's hook (manual §4.9, `lua_sethook`): `mask` is made of [`MASK_CALL`] and its like, and `count` goes
    /// with [`MASK_COUNT`]. No hook or no mask turns hooks off.
    ///
    /// It is this thread's hook alone: to limit a script whatever coroutines it makes, set the hook before it runs, as new threads
    /// begin with that of the thread that makes them. A hook's `Err` is raised as an error of the interrupted function, which a
    /// script may catch, and a line or count hook may yield, without values ([`yield_values`](Self::yield_values)).
    #[doc(alias = "lua_sethook")]
    pub fn set_hook(&mut self, hook: Option<Hook>, mask: u8, count: i32) {
        let thread = self.th();
        let (hook, mask) = match hook {
            Some(hook) if mask != 0 => (hook as *const (), mask),
            _ => (core::ptr::null(), 0),
        };
        // SAFETY: H4: the running frame is in use.
        let frame = unsafe { &*thread.ci.get() };
        if frame.is_lua() {
            thread.old_pc.set(frame.pc.get());
        }
        thread.hook.set(hook);
        thread.base_hook_count.set(count);
        thread.hook_count.set(count);
        thread.hook_mask.set(mask);
        crate::exec::update_dispatch(self);
    }

    /// The thread's hook, its mask and its count (manual §4.9, `lua_gethook` and its like).
    #[doc(alias = "lua_gethook")]
    #[doc(alias = "lua_gethookmask")]
    #[doc(alias = "lua_gethookcount")]
    pub fn get_hook(&self) -> (Option<Hook>, u8, i32) {
        (hook_of(self), self.th().hook_mask.get(), self.th().base_hook_count.get())
    }
}

/// Gives the running thread the hook that an interrupt asks for; it is called before the next instruction, also within another
/// hook or a finalizer.
pub(crate) fn begin_interrupt(lua: &mut LuaState) {
    // SAFETY: M2; the field holds null or a hook (`Interrupter::interrupt`).
    let hook = unsafe {
        let hook = (*lua.global()).interrupt.swap(core::ptr::null_mut(), Ordering::Acquire);
        if hook.is_null() { None } else { Some(core::mem::transmute::<*mut (), Hook>(hook)) }
    };
    if hook.is_some() {
        lua.set_hook(hook, MASK_CALL | MASK_RETURN | MASK_COUNT, 1);
        lua.th().allow_hook.set(true);
    }
}

impl LuaState {
    /// Whether an interrupt was asked for ([`Interrupter`](crate::Interrupter)) that no instruction has served yet.
    #[inline]
    pub fn is_interrupted(&self) -> bool {
        // SAFETY: M2.
        unsafe { !(*self.global()).interrupt.load(Ordering::Relaxed).is_null() }
    }

    /// Serves an interrupt that was asked for, as the next instruction would: for native functions that wait for something.
    ///
    /// # Errors
    /// Those of the interrupt's hook.
    pub fn serve_interrupt(&mut self) -> LuaResult<()> {
        if !self.is_interrupted() {
            return Ok(());
        }
        // The hook gets a frame of its own: the waiting function may hold the bytes of strings in its slots.
        self.push_native(serve)?;
        self.call(0, 0)
    }
}

/// Calls the hook of an interrupt.
fn serve(lua: &mut LuaState) -> LuaResult<usize> {
    crate::exec::interp::clear_interrupt(lua);
    begin_interrupt(lua);
    call_hook_no_yield(lua, HookKind::Count)?;
    Ok(0)
}

/// Calls the hook for an event in the running function, unless a hook is running.
///
/// A hook that yields has its surroundings put back as if it had returned; the error is passed on.
#[doc(alias = "luaD_hook")]
pub(crate) fn call_hook(lua: &mut LuaState, kind: HookKind) -> LuaResult<()> {
    let Some(hook) = hook_of(lua) else { return Ok(()) };
    if !lua.th().allow_hook.get() {
        return Ok(());
    }
    let event = HookEvent { kind, activation: lua.running_activation() };
    // SAFETY: H4: the running frame is in use until the hook has returned.
    unsafe {
        let thread = lua.th();
        let frame = &*thread.ci.get();
        let top = thread.save(thread.top.get());
        let frame_top = thread.save(frame.top.get());
        stack::ensure(lua, MIN_STACK)?;
        let thread = lua.th();
        frame.top.set(thread.top.get().wrapping_add(MIN_STACK));
        thread.allow_hook.set(false);
        frame.set(CallStatus::HOOKED);
        let guard = Unhooked { thread: lua.as_thread_ptr(), frame, top, frame_top };
        let result = hook(lua, &event);
        core::mem::forget(guard);
        crate::exec::call::give_up_frames(lua, core::ptr::from_ref(frame).cast_mut());
        if frame.is_lua() && frame.extra() > 0 {
            // To a hook the slots above the function's are its own. The interpreter trusts the function's copy among them.
            frame.base().sub(1).write(*frame.func.get());
        }
        let result = match result {
            Err(Thrown::Call | Thrown::Resume) => Err(lua.raise_plain(format_args!("hooks cannot ask for calls"))),
            result => result,
        };
        if let Err(thrown) = result
            && thrown != Thrown::Yield
        {
            return Err(thrown);
        }
        let thread = lua.th();
        thread.allow_hook.set(true);
        frame.top.set(thread.restore(frame_top));
        thread.top.set(thread.restore(top));
        frame.clear(CallStatus::HOOKED);
        result
    }
}

/// Ends a hook that panics, for whoever goes on in the frame that it interrupted (X1).
struct Unhooked<'a> {
    thread: *mut Thread,
    frame: &'a CallInfo,
    top: usize,
    frame_top: usize,
}

impl Drop for Unhooked<'_> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: M1: the thread runs.
        let thread = unsafe { &*self.thread };
        thread.allow_hook.set(true);
        self.frame.top.set(thread.restore(self.frame_top));
        thread.top.set(thread.restore(self.top));
        self.frame.clear(CallStatus::HOOKED);
    }
}

/// Calls the hook where it cannot yield.
fn call_hook_no_yield(lua: &mut LuaState, kind: HookKind) -> LuaResult<()> {
    match call_hook(lua, kind) {
        Err(Thrown::Yield) => Err(lua.raise(format_args!("attempt to yield across a C-call boundary"))),
        result => result,
    }
}

/// The call hook of the function whose frame was just made. A frame that replaced its caller's is marked as such before.
#[doc(alias = "callhook")]
#[cold]
pub(crate) fn call_hook_for_call(lua: &mut LuaState) -> LuaResult<()> {
    let thread = lua.th();
    if thread.hook_mask.get() & MASK_CALL == 0 {
        return Ok(());
    }
    // SAFETY: H4: the running frame is in use.
    let is_tail = unsafe { (*thread.ci.get()).has(CallStatus::TAIL) };
    call_hook_no_yield(lua, if is_tail { HookKind::TailCall } else { HookKind::Call })
}

/// The return hook of the running function. Its results must lie below the top, and the stack may move.
#[cold]
pub(crate) fn hook_return(lua: &mut LuaState) -> LuaResult<()> {
    let mask = lua.th().hook_mask.get();
    if mask & (MASK_RETURN | MASK_LINE) == 0 {
        return Ok(());
    }
    if mask & MASK_RETURN != 0 {
        call_hook_no_yield(lua, HookKind::Return)?;
    }
    let thread = lua.th();
    // SAFETY: H4: the running frame and its caller's are in use.
    unsafe {
        let caller = (*thread.ci.get()).prev.get();
        if !caller.is_null() && (*caller).is_lua() {
            // The caller goes on in the line where it was.
            thread.old_pc.set((*caller).pc.get());
        }
    }
    Ok(())
}

/// The hooks before an instruction; the frame's `pc` stands after it already.
///
/// The copy of a condition counts as the jump behind it, which then leads to the condition ([`condition_before`]), if the loop's
/// body has come to its end. A jump to the copy has the condition as its goal.
#[doc(alias = "luaG_traceexec")]
#[cold]
pub(crate) fn trace_exec(lua: &mut LuaState) -> LuaResult<()> {
    // SAFETY: H4: the running frame is in use.
    let (frame, closure) = unsafe {
        let frame = &*lua.th().ci.get();
        (frame, frame_closure(frame))
    };
    let Some(closure) = closure else { return Ok(()) };
    let (proto, after) = (closure.proto(), frame.pc.get());
    let Some(pc) = code_index(&proto, after) else { return trace_instruction(lua) };
    let Some(condition) = condition_at(&proto, pc) else { return trace_instruction(lua) };
    let go_to = |pc: usize| frame.pc.set(proto.code.get().wrapping_add(pc + 1).cast_const().cast());
    if !frame.has(CallStatus::HOOK_YIELD) && !comes_from_before(&proto, code_index(&proto, lua.th().old_pc.get()), pc) {
        go_to(condition);
        return trace_instruction(lua);
    }
    go_to((pc..proto.code_slice().len()).find(|&pc| !is_copy(&proto, pc)).unwrap_or(pc));
    let result = trace_instruction(lua);
    if result == Err(Thrown::Yield) {
        // Whoever resumes the thread may have turned its hooks off.
        frame.pc.set(after.cast::<Instruction>().wrapping_sub(1).cast());
    }
    result
}

/// Whether an instruction comes after another in the code, maybe with one between both that is skipped.
fn comes_from_before(proto: &Proto, old: Option<usize>, pc: usize) -> bool {
    let skips = |old: usize| {
        let op = op_of(proto.code_slice()[old]);
        op.is_test() || op == Op::LFalseSkip
    };
    old.is_none_or(|old| pc == old + 1 || (pc == old + 2 && skips(old)))
}

/// Where the condition is whose copy the running instruction ends, if that is what it is; else null.
pub(crate) fn condition_before(lua: &LuaState) -> *const Instruction {
    // SAFETY: H4: the running frame is in use.
    let (frame, closure) = unsafe {
        let frame = &*lua.th().ci.get();
        (frame, frame_closure(frame))
    };
    let Some(closure) = closure else { return core::ptr::null() };
    let proto = closure.proto();
    let Some(last) = code_index(&proto, frame.pc.get()) else { return core::ptr::null() };
    if is_copy(&proto, last) {
        return core::ptr::null();
    }
    let first = (0..last).rev().take_while(|&pc| is_copy(&proto, pc)).last();
    match first.and_then(|first| condition_at(&proto, first)) {
        Some(condition) => proto.code.get().wrapping_add(condition).cast_const(),
        None => core::ptr::null(),
    }
}

/// The hooks before an instruction that is what it seems.
fn trace_instruction(lua: &mut LuaState) -> LuaResult<()> {
    let thread = lua.th();
    let mask = thread.hook_mask.get();
    // SAFETY: H4: the running frame is in use.
    let frame = unsafe { &*thread.ci.get() };
    let count = thread.hook_count.get().wrapping_sub(1);
    thread.hook_count.set(count);
    let counted = count == 0 && mask & MASK_COUNT != 0;
    if counted {
        thread.hook_count.set(thread.base_hook_count.get());
    } else if mask & MASK_LINE == 0 {
        thread.old_pc.set(frame.pc.get());
        return Ok(());
    }
    if frame.has(CallStatus::HOOK_YIELD) {
        // The hook has been called for this instruction before, and yielded.
        frame.clear(CallStatus::HOOK_YIELD);
        return Ok(());
    }
    let mut result = if counted { call_hook(lua, HookKind::Count) } else { Ok(()) };
    let passed_over = mask & MASK_LINE != 0 && jumped_to_close(lua);
    if mask & MASK_LINE != 0 && !passed_over && matches!(result, Ok(()) | Err(Thrown::Yield)) {
        let line_result = trace_line(lua);
        result = result.and(line_result);
    }
    let thread = lua.th();
    if !passed_over {
        thread.old_pc.set(frame.pc.get());
    }
    if result == Err(Thrown::Yield) {
        if counted {
            thread.hook_count.set(1);
        }
        // The instruction has not been executed: it comes again, and then without hook.
        frame.pc.set(frame.pc.get().cast::<Instruction>().wrapping_sub(1).cast());
        frame.set(CallStatus::HOOK_YIELD);
        crate::exec::coroutine::hide_frame(thread, frame, 0);
    }
    result
}

/// Whether a jump led to the instruction, which closes upvalues, or jumps on behind such a one: the reference closes them in the
/// jump itself, which goes to the last place at once, so that no line hook sees those on the way.
fn jumped_to_close(lua: &LuaState) -> bool {
    let thread = lua.th();
    // SAFETY: H4: the running frame is in use.
    let (frame, closure) = unsafe {
        let frame = &*thread.ci.get();
        (frame, frame_closure(frame))
    };
    let Some(closure) = closure else { return false };
    let proto = closure.proto();
    let code = proto.code_slice();
    let op = |pc: usize| code.get(pc).map(|&word| op_of(word));
    match (pc_index(&proto, frame.pc.get()), pc_index(&proto, thread.old_pc.get())) {
        (Some(pc), Some(old)) => {
            let closes = |pc| op(pc) == Some(Op::Close);
            let on_the_way = closes(pc) || (op(pc) == Some(Op::Jmp) && pc > 0 && closes(pc - 1));
            // A test steps over the jump behind it.
            let in_sequence = pc == old + 1 || (pc == old + 2 && op(old).is_some_and(Op::is_test));
            on_the_way && !in_sequence
        }
        _ => false,
    }
}

/// Calls the line hook if the instruction begins a line: by entering the function, by jumping back, or by coming from
/// another line.
fn trace_line(lua: &mut LuaState) -> LuaResult<()> {
    let thread = lua.th();
    // SAFETY: H4: the running frame is in use.
    let (frame, closure) = unsafe {
        let frame = &*thread.ci.get();
        (frame, frame_closure(frame))
    };
    let Some(closure) = closure else { return Ok(()) };
    let proto = closure.proto();
    let pc = pc_index(&proto, frame.pc.get()).unwrap_or(0);
    let line = line_of(&proto, pc);
    let same_line = match pc_index(&proto, thread.old_pc.get()) {
        Some(old) => pc != 0 && pc > old && line == line_of(&proto, old),
        None => false,
    };
    if same_line { Ok(()) } else { call_hook(lua, HookKind::Line(line)) }
}
