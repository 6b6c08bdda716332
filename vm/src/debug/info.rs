//! Looking at frames: which there are, what runs in them, and where.
//!
//! D1. An [`Activation`] is a claim, not a reference: it names a frame of a thread, and every use first looks whether that
//!     thread still has such a frame. A stale one gives no information; it may name a later call that got the same frame.

use perilune_core::code::Instruction;
use perilune_core::value::tag;
use perilune_core::{CallInfo, CallStatus, GcRef, LuaClosure, NativeClosure, Proto, TValue, Thread};

use super::messages::SHORT_SOURCE_SIZE;
use super::names::{Name, function_name, until_nul};
use crate::compile::chunk_id;
use crate::error::LuaResult;
use crate::stack;
use crate::state::LuaState;

/// A function that is running, as `get_stack` and hooks name it (`lua_Debug.i_ci`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Activation {
    thread: *const Thread,
    frame: *const CallInfo,
}

/// What `get_info` found out about a function (manual §4.9, `lua_Debug`). Fields that were not asked for keep their
/// defaults.
#[doc(alias = "lua_Debug")]
#[derive(Clone, Copy, Debug)]
pub struct DebugInfo {
    /// Option `n`: a reasonable name for the function, if there is one.
    pub name: Option<Name>,
    /// Option `n`: what sort of name that is ("global", "local", "method", "field", ...); empty if there is none.
    pub name_what: &'static str,
    /// Option `S`: "Lua", "C" or "main".
    pub what: &'static str,
    /// Option `S`: where the function was defined: the text itself, `@` and a file name, or `=` and a free name.
    pub source: Name,
    /// Option `l`: the line that runs, or -1.
    pub current_line: i32,
    /// Option `S`: the line where the definition begins, or -1.
    pub line_defined: i32,
    /// Option `S`: the line where the definition ends, or -1.
    pub last_line_defined: i32,
    /// Option `u`: the number of upvalues.
    pub nups: u8,
    /// Option `u`: the number of fixed parameters.
    pub nparams: u8,
    /// Option `u`: whether the function takes a variable number of arguments.
    pub is_vararg: bool,
    /// Option `t`: whether the function was called by a tail call.
    pub is_tail_call: bool,
    /// Whether the function was found and every option was one that exists.
    pub valid: bool,
    short_src: [u8; SHORT_SOURCE_SIZE],
    short_src_len: usize,
}

impl DebugInfo {
    const fn new() -> Self {
        Self {
            name: None,
            name_what: "",
            what: "",
            source: Name::fixed("=?"),
            current_line: -1,
            line_defined: -1,
            last_line_defined: -1,
            nups: 0,
            nparams: 0,
            is_vararg: false,
            is_tail_call: false,
            valid: true,
            short_src: [0; SHORT_SOURCE_SIZE],
            short_src_len: 0,
        }
    }

    /// Option `S`: a printable form of `source`, for messages.
    pub fn short_src(&self) -> &[u8] {
        &self.short_src[..self.short_src_len]
    }
}

/// A function's object, if it has one.
#[derive(Clone, Copy)]
enum Function {
    Lua(GcRef<LuaClosure>),
    Native(GcRef<NativeClosure>),
    /// A native function without upvalues.
    Plain,
}

impl Function {
    /// # Safety
    /// The value is live (V1).
    unsafe fn of(value: TValue) -> Option<Self> {
        // SAFETY: V1, by the caller's promise.
        unsafe {
            match value.tag() {
                tag::LUA_CLOSURE => Some(Self::Lua(value.as_ref())),
                tag::NATIVE_CLOSURE => Some(Self::Native(value.as_ref())),
                tag::NATIVE | tag::QUICK_NATIVE => Some(Self::Plain),
                _ => None,
            }
        }
    }
}

/// The Lua function of a frame; `None` if the frame is a native function's.
///
/// # Safety
/// `frame` is a frame of a live thread, in use (H4).
pub(crate) unsafe fn frame_closure(frame: &CallInfo) -> Option<GcRef<LuaClosure>> {
    // SAFETY: H1, V1: the slot of a frame's function holds the function as long as the frame is in use.
    if frame.is_lua() { unsafe { (*function_slot(frame)).get() } } else { None }
}

/// The slot of a frame's function.
///
/// A function that has yielded hides it, so that the host sees the yielded values alone.
pub(super) fn function_slot(frame: &CallInfo) -> *mut TValue {
    frame.func.get().wrapping_sub(frame.hidden.get() as usize)
}

/// The index of the instruction that runs in a Lua frame; the first one if none does yet.
#[doc(alias = "currentpc")]
pub(super) fn current_pc(frame: &CallInfo, proto: &Proto) -> usize {
    pc_index(proto, frame.pc.get()).unwrap_or(0)
}

/// The index of the instruction before a place in the code, if the place lies after one; in the copy of a condition, that of the
/// instruction in the condition itself.
pub(super) fn pc_index(proto: &Proto, after: *const ()) -> Option<usize> {
    code_index(proto, after).map(|pc| original(proto, pc))
}

/// The index of the instruction of which one is a copy (`Compiler::copy_condition`), or its own.
fn original(proto: &Proto, pc: usize) -> usize {
    match proto.lines_slice().get(pc) {
        Some(&distance @ ..0) => pc.saturating_sub(distance.unsigned_abs() as usize),
        _ => pc,
    }
}

/// Whether an instruction is one of the copy of a condition, but for the jump at its end.
pub(super) fn is_copy(proto: &Proto, pc: usize) -> bool {
    original(proto, pc) != pc
}

/// Where the condition is whose copy begins at an index, if one does.
pub(super) fn condition_at(proto: &Proto, pc: usize) -> Option<usize> {
    let begins = is_copy(proto, pc) && !is_copy(proto, pc.checked_sub(1)?);
    begins.then(|| original(proto, pc))
}

/// The same as [`pc_index`] with copies as instructions of their own.
pub(super) fn code_index(proto: &Proto, after: *const ()) -> Option<usize> {
    let offset = (after as usize).checked_sub(proto.code.get() as usize)?;
    let count = offset / size_of::<Instruction>();
    if count <= proto.code_len.get() as usize { count.checked_sub(1) } else { None }
}

/// The line of an instruction; -1 if the function is stripped, which has no lines, or zeros among the distances of copies.
#[doc(alias = "getfuncline")]
pub(crate) fn line_of(proto: &Proto, pc: usize) -> i32 {
    proto.lines_slice().get(original(proto, pc)).copied().filter(|&line| line > 0).unwrap_or(-1)
}

/// The line that runs in a Lua frame.
pub(super) fn current_line(frame: &CallInfo, proto: &Proto) -> i32 {
    line_of(proto, current_pc(frame, proto))
}

/// Fills in what option `S` asks for.
#[doc(alias = "funcinfo")]
fn source_info(info: &mut DebugInfo, function: Function) {
    if let Function::Lua(closure) = function {
        let proto = closure.proto();
        info.source = proto.source().map_or(Name::fixed("=?"), Name::string);
        info.line_defined = proto.line_defined.get();
        info.last_line_defined = proto.last_line.get();
        info.what = if info.line_defined == 0 { "main" } else { "Lua" };
    } else {
        info.source = Name::fixed("=[C]");
        info.line_defined = -1;
        info.last_line_defined = -1;
        info.what = "C";
    }
    // SAFETY: O2: the function is reachable while this runs.
    let source = unsafe { info.source.bytes() };
    info.short_src_len = chunk_id(until_nul(source), &mut info.short_src);
}

/// Fills in what option `u` asks for.
fn parameter_info(info: &mut DebugInfo, function: Function) {
    match function {
        Function::Lua(closure) => {
            let proto = closure.proto();
            info.nups = closure.num_upvalues() as u8;
            info.nparams = proto.num_params.get();
            info.is_vararg = proto.is_vararg.get();
        }
        Function::Native(closure) => {
            info.nups = closure.num_upvalues() as u8;
            info.is_vararg = true;
        }
        Function::Plain => info.is_vararg = true,
    }
}

/// Fills in what the options ask for, those that push values left aside.
///
/// # Safety
/// `frame` is a frame of a live thread, in use, and `function` its function (H4).
#[doc(alias = "auxgetinfo")]
unsafe fn fill_info(info: &mut DebugInfo, what: &str, function: Function, frame: Option<&CallInfo>) {
    for option in what.bytes() {
        match option {
            b'S' => source_info(info, function),
            b'l' => {
                let closure = match (frame, function) {
                    (Some(frame), Function::Lua(closure)) if frame.is_lua() => Some((frame, closure)),
                    _ => None,
                };
                info.current_line = closure.map_or(-1, |(frame, closure)| current_line(frame, &closure.proto()));
            }
            b'u' => parameter_info(info, function),
            b't' => info.is_tail_call = frame.is_some_and(|frame| frame.has(CallStatus::TAIL)),
            b'n' => {
                // SAFETY: the caller's promise.
                let found = frame.and_then(|frame| unsafe { function_name(frame) });
                info.name = found.map(|found| found.name);
                info.name_what = found.map_or("", |found| found.what);
            }
            b'L' | b'f' => {}
            _ => info.valid = false,
        }
    }
}

impl LuaState {
    /// The running function as an activation.
    pub(crate) fn running_activation(&self) -> Activation {
        Activation { thread: self.as_thread_ptr(), frame: self.th().ci.get() }
    }

    /// The frame that an activation names, if there is such a frame (D1).
    pub(crate) fn frame_of(&self, activation: Activation) -> Option<&CallInfo> {
        let thread = self.th();
        if !core::ptr::eq(activation.thread, self.as_thread_ptr()) {
            return None;
        }
        let mut frame: *const CallInfo = thread.ci.get();
        // SAFETY: H4: the frames from the running one back to the base are in use.
        unsafe {
            while !frame.is_null() && !core::ptr::eq(frame, &thread.base_ci) {
                if core::ptr::eq(frame, activation.frame) {
                    return Some(&*frame);
                }
                frame = (*frame).prev.get();
            }
        }
        None
    }

    /// The function that runs at a level: 0 is the running one, 1 the one that called it, and so on (manual §4.9,
    /// `lua_getstack`).
    #[doc(alias = "lua_getstack")]
    pub fn get_stack(&self, level: i32) -> Option<Activation> {
        let thread = self.th();
        let mut level = usize::try_from(level).ok()?;
        let mut frame: *const CallInfo = thread.ci.get();
        // SAFETY: H4: the frames from the running one back to the base are in use.
        unsafe {
            while !core::ptr::eq(frame, &thread.base_ci) {
                if level == 0 {
                    return Some(Activation { thread: self.as_thread_ptr(), frame });
                }
                level -= 1;
                frame = (*frame).prev.get();
            }
        }
        None
    }

    /// Tells about a function (manual §4.9, `lua_getinfo`): the one of an activation, or the one on top of the stack,
    /// which it pops. Each letter of `what` asks for something (see [`DebugInfo`]); `f` pushes the function, then `L`
    /// pushes a table whose keys are the lines with code.
    ///
    /// # Errors
    /// Lack of memory.
    #[doc(alias = "lua_getinfo")]
    pub fn get_info(&mut self, what: &str, activation: Option<Activation>) -> LuaResult<DebugInfo> {
        let mut info = DebugInfo::new();
        stack::ensure(self, 2)?;
        let frame = activation.map(|activation| self.frame_of(activation));
        let value = match frame {
            // SAFETY: H1: a frame's function lies on the stack.
            Some(Some(frame)) => unsafe { *function_slot(frame) },
            Some(None) => TValue::NIL,
            None if self.get_top() > 0 => self.th().pop(),
            None => TValue::NIL,
        };
        // SAFETY: V1: the value was on the stack just now, and nothing was allocated since.
        match unsafe { Function::of(value) } {
            // SAFETY: `frame_of` found the frame in use.
            Some(function) => unsafe { fill_info(&mut info, what, function, frame.flatten()) },
            None => info.valid = false,
        }
        // The function stays on the stack while the table is made, whether it was asked for or not.
        self.th().push(value);
        if what.contains('L') {
            self.push_valid_lines(value)?;
        }
        if !what.contains('f') {
            let thread = self.th();
            if what.contains('L') {
                let lines = thread.pop();
                thread.pop();
                thread.push(lines);
            } else {
                thread.pop();
            }
        }
        Ok(info)
    }

    /// Pushes a table whose keys are the lines of a function that have code; nil for a native function.
    #[doc(alias = "collectvalidlines")]
    fn push_valid_lines(&mut self, function: TValue) -> LuaResult<()> {
        // SAFETY: V1: the function lies on the stack.
        let Some(closure) = (unsafe { function.get::<LuaClosure>() }) else {
            self.th().push(TValue::NIL);
            return Ok(());
        };
        let table = self.heap().new_table().map_err(|_| self.memory_error())?;
        self.th().push(TValue::object(table));
        // The lines of copied instructions are those of others; a stripped function has none.
        for &line in closure.proto().lines_slice().iter().filter(|&&line| line > 0) {
            // SAFETY: the table lies on the stack; the key is an integer.
            let stored = unsafe { self.heap().table_set_int(table, i64::from(line), TValue::TRUE) };
            stored.map_err(|_| self.memory_error())?;
        }
        Ok(())
    }
}
