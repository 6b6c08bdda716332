//! Functions: prototypes, closures and upvalues.
//!
//! F1. A prototype's code block is preceded by [`CODE_PREFIX`](crate::code::CODE_PREFIX) words: the prototype, its constants,
//!     and its [`FrameWord`]. They are right from the moment a closure can be made of it.
//! F2. An upvalue's `v` points to its value: a stack slot of its thread while open, its own `closed` field after.
//! F3. A closure's upvalue array has `small` entries; each is null only until the closure is complete.

use core::cell::Cell;

use super::header::{GcHeader, GcObject, GcRef, opt_from_addr};
use super::string::LuaString;
use crate::code::{FrameWord, Instruction};
use crate::value::{TValue, Tag, tag};

/// A local variable of a prototype, for debugging.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LocalVar {
    /// The name.
    pub name: *mut LuaString,
    /// The first instruction at which it is alive.
    pub start_pc: i32,
    /// The first instruction at which it is dead.
    pub end_pc: i32,
}

/// How a closure finds one of its upvalues.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UpvalDesc {
    /// The name; null in a stripped function.
    pub name: *mut LuaString,
    /// Whether it is a register of the enclosing function (else one of its upvalues).
    pub in_stack: bool,
    /// The index of the register or upvalue.
    pub index: u8,
}

/// A function prototype: what the compiler makes. All arrays are blocks of the heap, owned by the prototype.
///
/// The compiler and the loader of binary chunks fill the fields; afterwards they do not change but for `cache`.
#[repr(C)]
pub struct Proto {
    header: GcHeader,
    /// The gray list.
    pub(crate) gclist: Cell<*mut GcHeader>,
    /// The number of fixed parameters.
    pub num_params: Cell<u8>,
    /// Whether it takes extra arguments.
    pub is_vararg: Cell<bool>,
    /// The number of registers that it needs.
    pub max_stack: Cell<u8>,
    /// The number of instructions that `code` has room for.
    pub code_len: Cell<u32>,
    /// The number of constants that `constants` has room for.
    pub constants_len: Cell<u32>,
    /// The number of inner prototypes.
    pub protos_len: Cell<u32>,
    /// The number of entries of `line_info`.
    pub lines_len: Cell<u32>,
    /// The number of local variables in `local_vars`.
    pub locals_len: Cell<u32>,
    /// The number of upvalues.
    pub upvalues_len: Cell<u32>,
    /// The line at which the definition begins; 0 for a main chunk.
    pub line_defined: Cell<i32>,
    /// The line at which it ends.
    pub last_line: Cell<i32>,
    /// The first instruction, or null; the block begins `CODE_PREFIX` words before (F1).
    pub code: Cell<*mut Instruction>,
    /// The constants.
    pub constants: Cell<*mut TValue>,
    /// The prototypes of inner functions.
    pub protos: Cell<*mut *mut Proto>,
    /// The line of each instruction; empty in a stripped function.
    pub line_info: Cell<*mut i32>,
    /// The local variables.
    pub local_vars: Cell<*mut LocalVar>,
    /// The upvalues.
    pub upvalues: Cell<*mut UpvalDesc>,
    /// The last closure made from it, for reuse (`luaV_execute`'s `getcached`); not a strong reference.
    pub cache: Cell<*mut LuaClosure>,
    /// The source (`@file`, `=name` or the text); null in a stripped function.
    pub source: Cell<*mut LuaString>,
}

// SAFETY: O1.
unsafe impl GcObject for Proto {
    #[inline(always)]
    fn is_tag(t: Tag) -> bool {
        t == tag::PROTO
    }
}

macro_rules! slices {
    ($($(#[$doc:meta])* $name:ident: $ptr:ident, $len:ident, $t:ty;)*) => { $(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(&self) -> &[$t] {
            let len = self.$len.get() as usize;
            // SAFETY: the pair of fields describes one block of the heap, whose entries are all initialised.
            if len == 0 { &[] } else { unsafe { core::slice::from_raw_parts(self.$ptr.get(), len) } }
        }
    )* };
}

impl Proto {
    pub(crate) fn new(marked: u8) -> Self {
        Self {
            header: GcHeader::new(tag::PROTO, marked),
            gclist: Cell::new(core::ptr::null_mut()),
            num_params: Cell::new(0),
            is_vararg: Cell::new(false),
            max_stack: Cell::new(2),
            code_len: Cell::new(0),
            constants_len: Cell::new(0),
            protos_len: Cell::new(0),
            lines_len: Cell::new(0),
            locals_len: Cell::new(0),
            upvalues_len: Cell::new(0),
            line_defined: Cell::new(0),
            last_line: Cell::new(0),
            code: Cell::new(core::ptr::null_mut()),
            constants: Cell::new(core::ptr::null_mut()),
            protos: Cell::new(core::ptr::null_mut()),
            line_info: Cell::new(core::ptr::null_mut()),
            local_vars: Cell::new(core::ptr::null_mut()),
            upvalues: Cell::new(core::ptr::null_mut()),
            cache: Cell::new(core::ptr::null_mut()),
            source: Cell::new(core::ptr::null_mut()),
        }
    }

    slices! {
        /// The instructions.
        code_slice: code, code_len, Instruction;
        /// The constants.
        constants_slice: constants, constants_len, TValue;
        /// The inner prototypes.
        protos_slice: protos, protos_len, *mut Proto;
        /// The line of each instruction.
        lines_slice: line_info, lines_len, i32;
        /// The local variables.
        locals_slice: local_vars, locals_len, LocalVar;
        /// The upvalue descriptions.
        upvalues_slice: upvalues, upvalues_len, UpvalDesc;
    }

    /// The source name.
    pub fn source(&self) -> Option<GcRef<LuaString>> {
        // SAFETY: a reachable prototype's source is live (G1).
        unsafe { opt_from_addr(self.source.get()) }
    }

    /// Writes the words before the code (F1). To be called when code and constants have their final place.
    pub fn seal(&self) {
        let code = self.code.get();
        debug_assert!(!code.is_null());
        let frame = FrameWord {
            num_params: self.num_params.get(),
            is_vararg: self.is_vararg.get() as u8,
            frame_bytes: self.max_stack.get() as u16 * 16,
            enough: if self.is_vararg.get() { u32::MAX } else { self.num_params.get() as u32 },
        };
        // SAFETY: the block of the code begins three words earlier (F1).
        unsafe {
            code.sub(3).cast::<*const Proto>().write(self);
            code.sub(2).cast::<*mut TValue>().write(self.constants.get());
            code.sub(1).cast::<FrameWord>().write(frame);
        }
    }
}

/// A Lua function: code and upvalues.
#[doc(alias = "LClosure")]
#[repr(C)]
pub struct LuaClosure {
    header: GcHeader,
    /// The gray list.
    pub(crate) gclist: Cell<*mut GcHeader>,
    code: Cell<*mut Instruction>,
}

const _: () = assert!(size_of::<LuaClosure>() == 32);

// SAFETY: O1.
unsafe impl GcObject for LuaClosure {
    #[inline(always)]
    fn is_tag(t: Tag) -> bool {
        t == tag::LUA_CLOSURE
    }
}

impl LuaClosure {
    /// Where the array of upvalue pointers begins.
    pub const UPVALS_OFFSET: usize = size_of::<Self>();

    /// The size of a closure with `n` upvalues.
    pub const fn size_for(n: usize) -> usize {
        Self::UPVALS_OFFSET + n * size_of::<*mut UpVal>()
    }

    pub(crate) fn new(marked: u8, n: u8, proto: GcRef<Proto>) -> Self {
        let header = GcHeader::new(tag::LUA_CLOSURE, marked);
        header.small.set(n);
        Self { header, gclist: Cell::new(core::ptr::null_mut()), code: Cell::new(proto.code.get()) }
    }

    /// The object's size.
    pub fn size(&self) -> usize {
        Self::size_for(self.num_upvalues())
    }

    /// The number of upvalues.
    #[inline(always)]
    pub fn num_upvalues(&self) -> usize {
        self.header.small.get() as usize
    }

    /// The first instruction.
    #[inline(always)]
    pub fn code(&self) -> *mut Instruction {
        self.code.get()
    }

    /// The prototype.
    #[inline(always)]
    pub fn proto(&self) -> GcRef<Proto> {
        // SAFETY: F1.
        unsafe { GcRef::from_ptr(*self.code.get().sub(3).cast::<*mut Proto>()) }
    }

    /// The constants.
    #[inline(always)]
    pub fn constants(&self) -> *const TValue {
        // SAFETY: F1.
        unsafe { *self.code.get().sub(2).cast::<*const TValue>() }
    }

    /// The frame word.
    #[inline(always)]
    pub fn frame_word(&self) -> FrameWord {
        // SAFETY: F1.
        unsafe { *self.code.get().sub(1).cast::<FrameWord>() }
    }

    /// The place of the `i`-th upvalue pointer (from 0). The caller owes the barrier on stores.
    #[inline(always)]
    pub fn upval_slot(&self, i: usize) -> *mut *mut UpVal {
        debug_assert!(i < self.num_upvalues());
        core::ptr::from_ref(self)
            .cast_mut()
            .cast::<u8>()
            .wrapping_add(Self::UPVALS_OFFSET)
            .cast::<*mut UpVal>()
            .wrapping_add(i)
    }

    /// The `i`-th upvalue (from 0), if it is set already.
    #[inline(always)]
    pub fn upval(&self, i: usize) -> Option<GcRef<UpVal>> {
        // SAFETY: F3; a reachable closure's upvalues are live (G1).
        unsafe { opt_from_addr(*self.upval_slot(i)) }
    }
}

/// A native function with upvalues.
#[doc(alias = "CClosure")]
#[repr(C)]
pub struct NativeClosure {
    header: GcHeader,
    /// The gray list.
    pub(crate) gclist: Cell<*mut GcHeader>,
    func: *const (),
}

const _: () = assert!(size_of::<NativeClosure>() == 32);

// SAFETY: O1.
unsafe impl GcObject for NativeClosure {
    #[inline(always)]
    fn is_tag(t: Tag) -> bool {
        t == tag::NATIVE_CLOSURE
    }
}

impl NativeClosure {
    /// The size of a closure with `n` upvalues.
    pub const fn size_for(n: usize) -> usize {
        size_of::<Self>() + n * size_of::<TValue>()
    }

    pub(crate) fn new(marked: u8, n: u8, func: *const ()) -> Self {
        let header = GcHeader::new(tag::NATIVE_CLOSURE, marked);
        header.small.set(n);
        Self { header, gclist: Cell::new(core::ptr::null_mut()), func }
    }

    /// Notes that what the closure holds is not the function, but something of the VM's in which the function stands.
    pub fn mark_indirect(&self) {
        self.header.extra.set(1);
    }

    /// Whether that was noted.
    #[inline(always)]
    pub fn is_indirect(&self) -> bool {
        self.header.extra.get() != 0
    }

    /// The object's size.
    pub fn size(&self) -> usize {
        Self::size_for(self.num_upvalues())
    }

    /// The number of upvalues.
    #[inline(always)]
    pub fn num_upvalues(&self) -> usize {
        self.header.small.get() as usize
    }

    /// The function, whose type the VM knows.
    #[inline(always)]
    pub fn func(&self) -> *const () {
        self.func
    }

    /// The place of the `i`-th upvalue (from 0). The caller owes the barrier on stores.
    #[inline(always)]
    pub fn upvalue_slot(&self, i: usize) -> *mut TValue {
        debug_assert!(i < self.num_upvalues());
        core::ptr::from_ref(self)
            .cast_mut()
            .cast::<u8>()
            .wrapping_add(size_of::<Self>())
            .cast::<TValue>()
            .wrapping_add(i)
    }
}

/// A variable that closures share.
///
/// While open it is in its thread's list, which is sorted by stack level from the top down.
#[repr(C)]
pub struct UpVal {
    header: GcHeader,
    /// Where the value is (F2).
    pub v: Cell<*mut TValue>,
    /// Closed: the value. Open: `u` is the next upvalue of the list.
    closed: Cell<TValue>,
}

const _: () = assert!(size_of::<UpVal>() == 40);

// SAFETY: O1.
unsafe impl GcObject for UpVal {
    #[inline(always)]
    fn is_tag(t: Tag) -> bool {
        t == tag::UPVAL
    }
}

impl UpVal {
    /// An upvalue with its own value, nil.
    pub(crate) fn new(marked: u8) -> Self {
        let header = GcHeader::new(tag::UPVAL, marked);
        Self { header, v: Cell::new(core::ptr::null_mut()), closed: Cell::new(TValue::NIL) }
    }

    /// Whether it still is a stack slot.
    #[inline(always)]
    pub fn is_open(&self) -> bool {
        !core::ptr::eq(self.v.get(), self.closed.as_ptr())
    }

    /// Opens it over `slot`, before `next` in the thread's list.
    pub fn open(&self, slot: *mut TValue, next: *mut UpVal) {
        self.v.set(slot);
        self.set_open_next(next);
    }

    /// The next open upvalue of the thread.
    #[inline(always)]
    pub fn open_next(&self) -> *mut UpVal {
        debug_assert!(self.is_open());
        core::ptr::with_exposed_provenance_mut(self.closed.get().u as usize)
    }

    /// Links it before `next`.
    #[inline(always)]
    pub fn set_open_next(&self, next: *mut UpVal) {
        self.closed.set(TValue { u: next.expose_provenance() as u64, t: tag::NIL });
    }

    /// Takes the value out of the stack slot. The caller owes the barrier and has taken it out of the thread's list.
    #[inline(always)]
    pub fn close(&self) {
        // SAFETY: F2.
        self.closed.set(unsafe { *self.v.get() });
        self.v.set(self.closed.as_ptr());
    }

    /// Makes it closed with the given value, whatever it was.
    pub fn set_closed(&self, value: TValue) {
        self.closed.set(value);
        self.v.set(self.closed.as_ptr());
    }

    /// The value.
    #[inline(always)]
    pub fn value(&self) -> TValue {
        // SAFETY: F2.
        unsafe { *self.v.get() }
    }
}
