//! The interpreter's engine: how handlers are joined, entered and left.
//!
//! I1. A handler runs with the state of its thread's running frame `ci`, a Lua function's: `pc` points after its own word, `base`
//!     to the frame's first register. The code came from the compiler or passed the verifier, so its operands name registers
//!     of the frame, constants, upvalues and prototypes that exist.
//! I2. A handler keeps nothing across a call that may raise, collect or move the stack: it ends in a slow path, which saves
//!     `pc` in the frame and `ci` in the thread, calls one function, and loads everything anew. Until then both are stale.
//! I3. A slow path's function returns the thread to go on with, or null to leave the loop; the running thread's `thrown` then
//!     says why (0: a host boundary was reached).
//! I4. In the tail form no handler uses Rust stack; where the optimiser loses a tail call, the code is right but may use some,
//!     which is why builds that do not optimise use the loop form.

use core::sync::atomic::{AtomicPtr, Ordering};

use perilune_core::code::Instruction;
use perilune_core::{CallInfo, GcRef, Heap, LuaClosure, TValue, Thread};

use super::drive::{self, Next, Step};
use super::handlers;
use crate::error::{LuaResult, Thrown};
use crate::opcode::Op;
use crate::state::{GlobalState, LuaState};

/// The handlers of all operation codes. Its entries can be replaced while the loop runs, even by another thread of the
/// operating system, which is how a running script is interrupted at no cost.
#[repr(transparent)]
pub(crate) struct Dispatch([AtomicPtr<()>; 256]);

impl Dispatch {
    /// A table with the plain handlers.
    pub(crate) const fn new(table: &[Handler; 256]) -> Self {
        let mut entries = [const { AtomicPtr::new(core::ptr::null_mut()) }; 256];
        let mut i = 0;
        while i < 256 {
            entries[i] = AtomicPtr::new(table[i] as *mut ());
            i += 1;
        }
        Self(entries)
    }

    /// The handler of an operation code.
    #[inline(always)]
    pub(crate) fn handler(&self, op: u8) -> Handler {
        let entry = self.0[op as usize].load(Ordering::Relaxed);
        // SAFETY: every entry is a `Handler` (`new`, `replace_all`).
        unsafe { core::mem::transmute::<*mut (), Handler>(entry) }
    }

    /// Replaces every entry by what the function gives for it.
    pub(crate) fn replace_all(&self, handler: impl Fn(usize) -> Handler) {
        for (i, entry) in self.0.iter().enumerate() {
            entry.store(handler(i) as *mut (), Ordering::Relaxed);
        }
    }
}

/// The registers of the interpreter. The frame is among them, so that calls and returns do not wait for its address to come
/// back from memory; the constants, which few instructions need, are found through the code that it names (F1).
#[derive(Clone, Copy)]
pub(crate) struct Machine {
    pub(crate) lua: *mut Thread,
    pub(crate) pc: *const Instruction,
    pub(crate) base: *mut TValue,
    pub(crate) ci: *mut CallInfo,
    pub(crate) dispatch: *const Dispatch,
}

#[cfg(all(perilune_tail, target_arch = "x86_64"))]
pub(crate) type Handler =
    unsafe extern "sysv64-unwind" fn(*mut Thread, *const Instruction, *mut TValue, *mut CallInfo, *const Dispatch);
#[cfg(all(perilune_tail, not(target_arch = "x86_64")))]
pub(crate) type Handler =
    unsafe extern "C-unwind" fn(*mut Thread, *const Instruction, *mut TValue, *mut CallInfo, *const Dispatch);
#[cfg(not(perilune_tail))]
pub(crate) type Handler =
    unsafe fn(*mut Thread, *const Instruction, *mut TValue, *mut CallInfo, *const Dispatch) -> Flow;

/// What a handler of the loop form returns.
#[cfg(not(perilune_tail))]
pub(crate) enum Flow {
    /// Go on with the next word.
    Next(Machine),
    /// Go on with this handler for the word before `pc`.
    Again(Machine, Handler),
    /// Leave the loop.
    Done,
}

#[cfg(not(perilune_tail))]
impl Flow {
    /// Another handler goes on with the same word.
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn again(m: Machine, handler: Handler) -> Self {
        Self::Again(m, handler)
    }
}

impl Machine {
    /// The state of a thread's running frame (I1).
    ///
    /// # Safety
    /// The running frame is a Lua function's, with its `pc` saved.
    #[inline(always)]
    pub(crate) unsafe fn load(lua: *mut Thread) -> Self {
        // SAFETY: the caller's promise; H4, F1.
        unsafe {
            let ci = (*lua).ci.get();
            Self { lua, pc: (*ci).pc.get().cast(), base: (*ci).base(), ci, dispatch: (*lua).dispatch.get().cast() }
        }
    }

    /// Saves `pc` in the frame, and the frame in the thread (I2).
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn save(self) {
        // SAFETY: I1, H4.
        unsafe {
            (*self.ci).pc.set(self.pc.cast());
            (*self.lua).ci.set(self.ci);
        }
    }

    /// The same state at another instruction.
    #[inline(always)]
    pub(crate) fn at(self, pc: *const Instruction) -> Self {
        Self { pc, ..self }
    }

    /// The running word.
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn word(self) -> Instruction {
        // SAFETY: I1.
        unsafe { *self.pc.sub(1) }
    }

    /// The closure that runs.
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn closure(self) -> GcRef<LuaClosure> {
        // SAFETY: the slot before the base holds the running function (H4).
        unsafe { GcRef::from_addr((*self.base.sub(1)).u) }
    }
}

/// A word or pointer that is computed by here. Otherwise the compiler puts that off to where it is needed, and by then its parts
/// take more registers than handlers have to spare.
#[inline(always)]
pub(crate) fn computed<T>(value: *mut T) -> *mut T {
    #[cfg(all(perilune_tail, target_arch = "x86_64"))]
    let value = {
        let mut value = value;
        // SAFETY: there is no instruction.
        unsafe { core::arch::asm!("/* {0} */", inout(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    };
    value
}

macro_rules! operands {
    ($($(#[$doc:meta])* $name:ident: $from:ident$(($through:ident))?, $kind:ty, $offset:literal;)*) => {
        impl Machine { $(
            $(#[$doc])*
            ///
            /// # Safety
            /// I1, and the operation's row in the opcode table.
            #[inline(always)]
            pub(crate) unsafe fn $name(self) -> *mut TValue {
                // SAFETY: I1.
                unsafe {
                    let operand = *self.pc.cast::<$kind>().byte_sub($offset) as usize;
                    operands!(@start self $from $($through)?).byte_add(operand)
                }
            }
        )* }
    };
    (@start $m:ident base) => { $m.base };
    (@start $m:ident ci constants) => { (*(*$m.ci).code().sub(2).cast::<*const TValue>()).cast_mut() };
}

operands! {
    /// The register that A names.
    a: base, u16, 6;
    /// The register that B names.
    b: base, u16, 4;
    /// The register that C names.
    c: base, u16, 2;
    /// The constant that B names.
    kb: ci(constants), u16, 4;
    /// The constant that C names.
    kc: ci(constants), u16, 2;
    /// The constant that the immediate names.
    kimm: ci(constants), u32, 4;
}

impl Machine {
    /// The number that B is.
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn nb(self) -> usize {
        // SAFETY: I1.
        unsafe { *self.pc.cast::<u16>().byte_sub(4) as usize }
    }

    /// The number that C is.
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn nc(self) -> usize {
        // SAFETY: I1.
        unsafe { *self.pc.cast::<u16>().byte_sub(2) as usize }
    }

    /// The signed number that C is.
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn ic(self) -> i64 {
        // SAFETY: I1.
        unsafe { *self.pc.cast::<i16>().byte_sub(2) as i64 }
    }

    /// The immediate.
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn imm(self) -> i32 {
        // SAFETY: I1.
        unsafe { *self.pc.cast::<i32>().byte_sub(4) }
    }

    /// The immediate as a hint, which the interpreter writes to itself.
    ///
    /// # Safety
    /// I1; the row of the operation says that it is a hint.
    #[inline(always)]
    pub(crate) fn hint(self) -> *mut u32 {
        // SAFETY: I1: nobody relies on a hint.
        self.pc.cast_mut().cast::<u32>().wrapping_byte_sub(4)
    }

    /// The hint or flags.
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn x(self) -> u8 {
        // SAFETY: I1.
        unsafe { *self.pc.cast::<u8>().byte_sub(7) }
    }

    /// The upvalue of a number.
    ///
    /// # Safety
    /// I1; F3.
    #[inline(always)]
    pub(crate) unsafe fn upval(self, index: usize) -> GcRef<perilune_core::UpVal> {
        // SAFETY: I1, F3.
        unsafe { GcRef::from_ptr(*self.closure().upval_slot(index)) }
    }

    /// The state at the target of the running word's jump.
    ///
    /// # Safety
    /// I1.
    #[inline(always)]
    pub(crate) unsafe fn jump(self) -> Self {
        // SAFETY: I1: jumps stay within the code.
        unsafe { self.at(self.pc.offset(self.imm() as isize)) }
    }

    /// The state behind the jump that is the next word, which is taken.
    ///
    /// # Safety
    /// I1; a word that jumps follows.
    #[inline(always)]
    pub(crate) unsafe fn take(self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { self.at(self.pc.add(1)).jump() }
    }

    /// The state behind the next word, which is skipped.
    ///
    /// # Safety
    /// I1; the running word is not the last but one.
    #[inline(always)]
    pub(crate) unsafe fn skip(self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { self.at(self.pc.add(1)) }
    }
}

/// Notes an error for the one who entered the loop (I3).
#[cold]
#[inline(never)]
fn leave_with(heap: *mut Heap, thrown: Thrown) -> Next {
    // SAFETY: M2, E1: code of the state runs, so the heap is there.
    unsafe { (*(*heap).running_thread).thrown.set(thrown as u8) };
    core::ptr::null_mut()
}

/// What a slow path's function returns for a result (I3).
#[inline(always)]
pub(crate) fn settle(lua: &LuaState, result: LuaResult<Next>) -> Next {
    match result {
        Ok(next) => next,
        Err(thrown) => leave_with(lua.th().heap.get(), thrown),
    }
}

/// Goes on with a step from within the loop, and settles it: an error may come from another thread than `lua`, which may have
/// ended, and even been collected, in the meantime.
pub(crate) fn drive_from_loop(lua: &mut LuaState, step: Step) -> Next {
    match step {
        Step::Bytecode => lua.as_thread_ptr(),
        step => {
            let heap = lua.th().heap.get();
            drive::drive(lua, step).unwrap_or_else(|thrown| leave_with(heap, thrown))
        }
    }
}

/// Runs bytecode from the thread's running frame until the loop is left; returns the thread on which it was, and the error.
///
/// # Safety
/// The running frame is a Lua function's, with its `pc` saved (I1).
pub(crate) unsafe fn execute(lua: *mut Thread) -> (*mut Thread, Option<Thrown>) {
    // SAFETY: the caller's promise; M2.
    unsafe {
        let heap = (*lua).heap.get();
        enter(Machine::load(lua));
        let stopped = (*heap).running_thread;
        let thrown = (*stopped).thrown.replace(0);
        (stopped, if thrown == 0 { None } else { Some(Thrown::from_u8(thrown)) })
    }
}

#[cfg(perilune_tail)]
unsafe fn enter(m: Machine) {
    // SAFETY: I1.
    unsafe { (*m.dispatch).handler((*m.pc).op())(m.lua, m.pc.add(1), m.base, m.ci, m.dispatch) }
}

#[cfg(not(perilune_tail))]
unsafe fn enter(m: Machine) {
    // SAFETY: I1.
    unsafe {
        let mut flow = Flow::Next(m);
        loop {
            flow = match flow {
                Flow::Next(m) => (*m.dispatch).handler((*m.pc).op())(m.lua, m.pc.add(1), m.base, m.ci, m.dispatch),
                Flow::Again(m, handler) => handler(m.lua, m.pc, m.base, m.ci, m.dispatch),
                Flow::Done => return,
            }
        }
    }
}

/// The table of threads with hooks: every word goes through the tracing handler.
static HOOKED: Dispatch = Dispatch::new(&[handlers::op_trace; 256]);

/// The plain handlers.
pub(crate) const PLAIN: [Handler; 256] = {
    let mut table = [handlers::handler_of(Op::Move); 256];
    let mut i = 0;
    while i < Op::COUNT {
        table[i] = handlers::handler_of(Op::ALL[i]);
        i += 1;
    }
    table
};

/// Gives a thread the dispatch table that its hooks ask for.
pub(crate) fn update_dispatch(lua: &LuaState) {
    let th = lua.th();
    let table: *const Dispatch = if th.hook_mask.get() != 0 {
        &HOOKED
    } else {
        // SAFETY: M2.
        unsafe { &raw const (*lua.global()).dispatch }
    };
    th.dispatch.set(table.cast());
}

/// Makes every thread without hooks call the interrupt at its next instruction. Safe in a signal handler.
///
/// # Safety
/// The state is alive.
pub(crate) unsafe fn request_interrupt(global: *const GlobalState) {
    // SAFETY: the caller's promise.
    unsafe { (*global).dispatch.replace_all(|_| handlers::op_interrupt) };
}

/// Undoes [`request_interrupt`].
pub(crate) fn clear_interrupt(lua: &LuaState) {
    // SAFETY: M2.
    unsafe { (*lua.global()).dispatch.replace_all(|i| PLAIN[i]) };
}
