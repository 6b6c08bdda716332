//! Threads: the Lua stack and the list of call frames.
//!
//! H1. `stack` has `stack_size` slots, all initialised; `stack_last` lies `EXTRA_STACK` slots before its end.
//! H2. `top` is the first free slot of the running frame. A Lua function's frame keeps `top` at its `ci.top` except
//!     between an instruction that leaves a variable number of values and the one that takes them.
//! H3. Slots from `top` up may hold stale values; the collector's atomic phase sets those not in use to nil.
//! H4. Frames form a doubly linked list from `base_ci`; those after `ci` are spare. The first ones are part of the thread, the others
//!     blocks of their own, counted by `n_ci`.
//!     A thread whose coroutine has ended may have given its stack away. Then `EXTRA_STACK + 1` slots over those first frames, which
//!     are out of the list, are its stack, until it needs a larger one.
//! H5. Every pointer into the stack (`top`, `ci.func`, `ci.top`, `ci.base`, open upvalues) is corrected when the stack moves. A
//!     local copy does not survive a call that may allocate stack.
//! H6. `open_upvals` is sorted by slot, highest first. While functions run in the thread, each slot is a register of a Lua
//!     function among them that those it has called do not use.
//! H7. `lost_ci` is null or a frame of the list, whose `func` points into the stack: it is null once the stack has moved, or
//!     frames after `ci` have been freed.

use core::cell::Cell;
use core::mem::offset_of;

use super::function::UpVal;
use super::header::{GcHeader, GcObject};
use crate::base::limits::EXTRA_STACK;
use crate::code::Instruction;
use crate::gc::Heap;
use crate::value::{TValue, Tag, tag};

/// What a frame is, and what is to happen when it ends (`CIST_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallStatus;

impl CallStatus {
    /// The frame runs a Lua function.
    pub const LUA: u16 = 1 << 0;
    /// Its return leaves the interpreter loop: a host boundary.
    pub const FRESH: u16 = 1 << 1;
    /// It was called by an instruction for a metamethod; on return the caller's instruction is finished (`finish_op`).
    pub const META: u16 = 1 << 2;
    /// A native frame that is a protected call: errors above it are delivered to its continuation.
    pub const PROTECTED: u16 = 1 << 3;
    /// The frame was entered by a tail call.
    pub const TAIL: u16 = 1 << 4;
    /// The frame runs a hook.
    pub const HOOKED: u16 = 1 << 5;
    /// The last hook called yielded.
    pub const HOOK_YIELD: u16 = 1 << 6;
    /// The frame runs a finalizer.
    pub const FINALIZER: u16 = 1 << 7;
    /// A native frame that waits stacklessly: its continuation runs with status OK when its callee returns.
    pub const THEN: u16 = 1 << 8;
    /// The value of `allow_hook` when a protected call began.
    pub const ALLOW_HOOK: u16 = 1 << 9;
    /// The frame waits for a coroutine that it resumed.
    pub const RESUMING: u16 = 1 << 10;
    /// The frame was not called by an instruction of a Lua function, so its return takes the slow way.
    pub const FROM_NATIVE: u16 = 1 << 11;
    /// The instruction evaluates `a <= b` as `not (b < a)`; its result is to be negated.
    pub const NEGATE: u16 = 1 << 12;
    /// A native frame within whose calls the reference implementation cannot yield, so that `is_yieldable` says no.
    pub const SEEMS_UNYIELDABLE: u16 = 1 << 13;
    /// The frame of `coroutine.resume` or of a wrapped coroutine, called by an instruction: yielded values may be put
    /// directly where that wants its results.
    pub const DIRECT: u16 = 1 << 14;
    /// With `DIRECT`, of a frame that waits for a coroutine: its first result is true, before the yielded values.
    pub const TRUE_FIRST: u16 = 1 << 15;
    /// What keeps a Lua function's return from the fast way.
    pub const SLOW_RETURN: u16 = Self::FRESH | Self::META | Self::FROM_NATIVE | Self::FINALIZER;
}

/// A call frame.
#[repr(C)]
pub struct CallInfo {
    /// The slot of the called function.
    pub func: Cell<*mut TValue>,
    /// The frame's limit.
    pub top: Cell<*mut TValue>,
    /// The calling frame.
    pub prev: Cell<*mut CallInfo>,
    /// The next frame, in use or spare.
    pub next: Cell<*mut CallInfo>,
    /// How many results the caller wants, and one: 0 stands for all.
    wanted: Cell<u16>,
    /// Bits of [`CallStatus`].
    pub status: Cell<u16>,
    /// Function that has yielded, a Lua function by a hook: how many slots below `func` it lies itself.
    pub hidden: Cell<u32>,
    /// Lua function: the next instruction. Native function: its continuation, or null.
    pub pc: Cell<*const ()>,
    /// Lua function: the first register. Native function: the context of its continuation, as an address.
    base: Cell<*mut TValue>,
    /// Lua function: its first instruction (F1). Native protected call: what [`protected`](Self::protected) says, as an address.
    code: Cell<*const Instruction>,
}

impl CallInfo {
    /// A frame that is not in use.
    pub const fn new() -> Self {
        Self {
            func: Cell::new(core::ptr::null_mut()),
            top: Cell::new(core::ptr::null_mut()),
            prev: Cell::new(core::ptr::null_mut()),
            next: Cell::new(core::ptr::null_mut()),
            wanted: Cell::new(0),
            status: Cell::new(0),
            hidden: Cell::new(0),
            pc: Cell::new(core::ptr::null()),
            base: Cell::new(core::ptr::null_mut()),
            code: Cell::new(core::ptr::null()),
        }
    }

    /// How many results the caller wants; -1 for all.
    #[inline(always)]
    pub fn nresults(&self) -> i16 {
        (self.wanted.get() as i16).wrapping_sub(1)
    }

    /// Sets the number of wanted results and the status, and clears `hidden`.
    #[inline(always)]
    pub fn begin(&self, nresults: i16, status: u16) {
        self.begin_as_coded(nresults.wrapping_add(1) as u16, status);
    }

    /// The same in one store, with the number of wanted results as a call instruction has it: one more, and 0 for all.
    #[inline(always)]
    pub fn begin_as_coded(&self, wanted: u16, status: u16) {
        let (wanted, status) = (wanted as u64, status as u64);
        let word = if cfg!(target_endian = "big") { wanted << 48 | status << 32 } else { wanted | status << 16 };
        // SAFETY: the three fields are the eight aligned bytes from `wanted` on (asserted below), all of them cells.
        unsafe { core::ptr::from_ref(self).byte_add(offset_of!(Self, wanted)).cast_mut().cast::<u64>().write(word) };
    }

    /// The number of wanted results, as a call instruction has it, in the lower half, the status in the upper one.
    #[inline(always)]
    pub fn wanted_and_status(&self) -> u32 {
        // SAFETY: the two fields are the four aligned bytes from `wanted` on (asserted below).
        let word = unsafe { core::ptr::from_ref(self).byte_add(offset_of!(Self, wanted)).cast::<u32>().read() };
        if cfg!(target_endian = "big") { word.rotate_left(16) } else { word }
    }

    /// Whether the frame runs a Lua function.
    #[inline(always)]
    pub fn is_lua(&self) -> bool {
        self.status.get() & CallStatus::LUA != 0
    }

    /// Whether all of the given status bits are set.
    #[inline(always)]
    pub fn has(&self, bits: u16) -> bool {
        self.status.get() & bits == bits
    }

    /// Sets status bits.
    #[inline(always)]
    pub fn set(&self, bits: u16) {
        self.status.set(self.status.get() | bits);
    }

    /// Clears status bits.
    #[inline(always)]
    pub fn clear(&self, bits: u16) {
        self.status.set(self.status.get() & !bits);
    }

    /// Lua function: the first register.
    #[inline(always)]
    pub fn base(&self) -> *mut TValue {
        self.base.get()
    }

    /// Lua function: the first instruction.
    #[inline(always)]
    pub fn code(&self) -> *const Instruction {
        self.code.get()
    }

    /// Makes it the frame of a Lua function with these registers and this code; the rest has its own fields.
    #[inline(always)]
    pub fn set_registers(&self, base: *mut TValue, code: *const Instruction) {
        self.base.set(base);
        self.code.set(code);
    }

    /// Lua function: the distance in slots from `func + 1` to the base (0 unless vararg).
    #[inline(always)]
    pub fn extra(&self) -> usize {
        (self.base.get() as usize - self.func.get() as usize) / size_of::<TValue>() - 1
    }

    /// Native function: the context of its continuation.
    #[inline(always)]
    pub fn ctx(&self) -> isize {
        self.base.get().addr() as isize
    }

    /// Sets [`ctx`](Self::ctx).
    #[inline(always)]
    pub fn set_ctx(&self, ctx: isize) {
        self.base.set(core::ptr::without_provenance_mut(ctx as usize));
    }

    /// Native protected call: the byte offset in the stack of the protected function, and the error function before.
    #[inline(always)]
    pub fn protected(&self) -> [u32; 2] {
        let packed = self.code.get().addr() as u64;
        [packed as u32, (packed >> 32) as u32]
    }

    /// Sets [`protected`](Self::protected).
    #[inline(always)]
    pub fn set_protected(&self, func: u32, err_func: u32) {
        self.code.set(core::ptr::without_provenance((func as u64 | (err_func as u64) << 32) as usize));
    }
}

const _: () = assert!(
    offset_of!(CallInfo, wanted) % 8 == 0
        && offset_of!(CallInfo, status) == offset_of!(CallInfo, wanted) + 2
        && offset_of!(CallInfo, hidden) == offset_of!(CallInfo, wanted) + 4
        && size_of::<usize>() == 8
);

impl Default for CallInfo {
    fn default() -> Self {
        Self::new()
    }
}

/// A thread: the memory of a `LuaState`.
#[doc(alias = "lua_State")]
#[repr(C)]
pub struct Thread {
    header: GcHeader,
    /// The gray list.
    pub(crate) gclist: Cell<*mut GcHeader>,
    /// The running frame.
    pub ci: Cell<*mut CallInfo>,
    /// The first free slot.
    pub top: Cell<*mut TValue>,
    /// The limit for frames (H1).
    pub stack_last: Cell<*mut TValue>,
    /// The first slot.
    pub stack: Cell<*mut TValue>,
    /// The number of slots, the extra ones included.
    pub stack_size: Cell<usize>,
    /// The dispatch table that handlers are taken from: the plain one or the hooked one. The VM gives it its type.
    pub dispatch: Cell<*const ()>,
    /// The heap that the thread belongs to.
    pub heap: Cell<*mut Heap>,
    /// The open upvalues (H6).
    pub open_upvals: Cell<*mut UpVal>,
    /// The next thread with open upvalues, or the thread itself when it is not in that list.
    pub twups: Cell<*mut Thread>,
    /// The thread that resumed this one, while this one runs.
    pub from: Cell<*mut Thread>,
    /// `LUA_OK`, `LUA_YIELD`, or the status of the error that killed it.
    pub status: Cell<u8>,
    /// Which hooks are wanted.
    pub hook_mask: Cell<u8>,
    /// Nested calls that cannot be yielded across (`nny`).
    pub n_non_yieldable: Cell<u16>,
    /// Nested native calls and coroutines (`nCcalls`).
    pub n_c_calls: Cell<u16>,
    /// Whether hooks may run now.
    pub allow_hook: Cell<bool>,
    /// Whether the host was given a handle of the thread that it may use whenever it likes.
    pub exposed: Cell<bool>,
    /// The number of frames in the list that are blocks of their own (H4).
    pub n_ci: Cell<u32>,
    /// The error code that a handler left with.
    pub thrown: Cell<u8>,
    /// The byte offset in the stack of the message handler, 0 for none.
    pub err_func: Cell<usize>,
    /// The frame in which an error was raised that has left calls of native functions since, as long as it may go on to end the
    /// thread (H7); else null.
    pub lost_ci: Cell<*mut CallInfo>,
    /// The hook function, whose type the VM knows.
    pub hook: Cell<*const ()>,
    /// What `hook_count` starts from.
    pub base_hook_count: Cell<i32>,
    /// Instructions until the next count hook.
    pub hook_count: Cell<i32>,
    /// The instruction of the last line hook, for detecting a new line.
    pub old_pc: Cell<*const ()>,
    /// The host's extra space (`lua_getextraspace`).
    pub extra_space: Cell<usize>,
    /// The frame of the host's call level.
    pub base_ci: CallInfo,
    /// The frames after it: a coroutine needs one for its body, and one to wait in.
    first_frames: [CallInfo; Thread::FIRST_FRAMES],
    /// With it there is room for a stack over them (H4).
    more_room: Cell<TValue>,
}

const _: () = assert!(
    offset_of!(Thread, status) % 4 == 0
        && offset_of!(Thread, hook_mask) == offset_of!(Thread, status) + 1
        && offset_of!(Thread, n_non_yieldable) == offset_of!(Thread, status) + 2
);

const _: () = assert!(
    size_of::<Thread>() - offset_of!(Thread, first_frames) >= Thread::LAST_SLOTS * size_of::<TValue>()
        && offset_of!(Thread, first_frames) % align_of::<TValue>() == 0
);

// SAFETY: O1.
unsafe impl GcObject for Thread {
    #[inline(always)]
    fn is_tag(t: Tag) -> bool {
        t == tag::THREAD
    }
}

impl Thread {
    /// Writes a thread without a stack; `Heap::new_thread` gives it one.
    ///
    /// # Safety
    /// The place can be written as a thread.
    pub(crate) unsafe fn init(place: *mut Self, marked: u8, heap: *mut Heap) {
        // SAFETY: the caller's promise. Null pointers, zeros and false are all bits zero; made in place, as it is large.
        unsafe {
            place.write_bytes(0, 1);
            (&raw mut (*place).header).write(GcHeader::new(tag::THREAD, marked));
            let thread = &*place;
            thread.heap.set(heap);
            thread.allow_hook.set(true);
            thread.n_non_yieldable.set(1);
            thread.twups.set(place);
            thread.ci.set((&raw const thread.base_ci).cast_mut());
            thread.link_first_frames();
        }
    }

    /// The `status` of a coroutine that has yielded (`LUA_YIELD`).
    pub const YIELDED: u8 = 1;

    /// Whether the collector is to be told before the thread's stack is touched (`Heap::wake_thread`).
    #[inline(always)]
    pub fn is_settled(&self) -> bool {
        self.header.is_black()
    }

    /// The [`condition`](Self::condition) of a thread that runs, can yield, and has no hooks.
    pub const RUNS: u32 = 0;
    /// The [`condition`](Self::condition) of a coroutine that has yielded and has no hooks.
    pub const WAITS: u32 = u32::from_ne_bytes([Self::YIELDED, 0, 0, 0]);

    /// What decides whether the thread can be switched to or from in the short way, in one word: `status`, `hook_mask` and
    /// `n_non_yieldable`.
    #[inline(always)]
    pub fn condition(&self) -> u32 {
        // SAFETY: the three fields are the four aligned bytes from `status` on (asserted above).
        unsafe { core::ptr::from_ref(self).byte_add(offset_of!(Self, status)).cast::<u32>().read() }
    }

    /// Sets all that [`condition`](Self::condition) gives.
    #[inline(always)]
    pub fn set_condition(&self, condition: u32) {
        // SAFETY: as above, all of them cells.
        unsafe {
            core::ptr::from_ref(self).byte_add(offset_of!(Self, status)).cast_mut().cast::<u32>().write(condition)
        };
    }

    /// How many frames after `base_ci` are part of the thread.
    pub const FIRST_FRAMES: usize = 2;

    /// The slots that serve as the stack of a thread that has given its own away (H4).
    #[inline(always)]
    pub fn last_slots(&self) -> *mut TValue {
        core::ptr::from_ref(self).cast_mut().cast::<TValue>().wrapping_byte_add(offset_of!(Self, first_frames))
    }

    /// How many these are.
    pub const LAST_SLOTS: usize = 1 + EXTRA_STACK;

    /// Whether the stack is a block of its own.
    #[inline(always)]
    pub fn has_stack_block(&self) -> bool {
        !core::ptr::eq(self.stack.get(), self.last_slots()) && !self.stack.get().is_null()
    }

    /// The bytes of all blocks of the thread.
    pub(crate) fn block_bytes(&self) -> usize {
        let slots = if self.has_stack_block() { self.stack_size.get() } else { 0 };
        size_of::<Self>() + slots * size_of::<TValue>() + self.n_ci.get() as usize * size_of::<CallInfo>()
    }

    /// Takes its stack from a thread that has ended; the few slots over the first frames are left to it.
    ///
    /// # Safety
    /// No function runs or waits in the thread, no upvalue of it is open, and it has no frames but those that are part of it.
    /// Nobody holds a pointer into the stack, or to a frame but `base_ci`. The stack goes on to whoever calls this.
    #[inline(always)]
    pub(crate) unsafe fn take_stack(&self) -> *mut TValue {
        let stack = self.stack.get();
        let slots = self.last_slots();
        // SAFETY: the caller's promise: nobody uses the frames as such.
        unsafe { slots.write_bytes(0, Self::LAST_SLOTS) };
        let top = slots.wrapping_add(1);
        self.stack.set(slots);
        self.stack_size.set(Self::LAST_SLOTS);
        self.stack_last.set(top);
        self.top.set(top);
        self.lost_ci.set(core::ptr::null_mut());
        self.base_ci.func.set(slots);
        self.base_ci.top.set(top);
        self.base_ci.next.set(core::ptr::null_mut());
        stack
    }

    /// Makes frames of the slots again that served as the stack; the thread has another one now.
    pub(crate) fn restore_first_frames(&self) {
        let frames = core::ptr::from_ref(&self.first_frames).cast_mut();
        // SAFETY: they are the thread's own, and hold values that nobody needs any more.
        unsafe { frames.write([const { CallInfo::new() }; Self::FIRST_FRAMES]) };
        self.link_first_frames();
    }

    /// Links the frames that are part of the thread, which is new or has left its stack for another one.
    fn link_first_frames(&self) {
        let mut before = &self.base_ci;
        for frame in &self.first_frames {
            before.next.set(core::ptr::from_ref(frame).cast_mut());
            frame.prev.set(core::ptr::from_ref(before).cast_mut());
            before = frame;
        }
    }

    /// The frame after which the blocks of frames begin.
    pub(crate) fn last_own_frame(&self) -> *mut CallInfo {
        let frame =
            if self.base_ci.next.get().is_null() { &self.base_ci } else { &self.first_frames[Self::FIRST_FRAMES - 1] };
        core::ptr::from_ref(frame).cast_mut()
    }

    /// The frame after which those are that can be freed.
    pub(crate) fn last_kept_frame(&self) -> *mut CallInfo {
        let ci = self.ci.get();
        if self.is_own_frame(ci) { self.last_own_frame() } else { ci }
    }

    /// Whether a frame is part of the thread.
    fn is_own_frame(&self, frame: *const CallInfo) -> bool {
        (frame as usize).wrapping_sub(core::ptr::from_ref(self) as usize) < size_of::<Self>()
    }

    /// How many frames are in use, of those that are blocks of their own.
    pub(crate) fn frames_in_use(&self) -> u32 {
        let (mut count, mut frame) = (0, self.ci.get());
        while !self.is_own_frame(frame) {
            count += 1;
            // SAFETY: H4.
            frame = unsafe { (*frame).prev.get() };
        }
        count
    }

    /// The slot at a byte offset of the stack (`restorestack`).
    #[inline(always)]
    pub fn restore(&self, offset: usize) -> *mut TValue {
        self.stack.get().wrapping_byte_add(offset)
    }

    /// The byte offset of a slot, which survives a move of the stack (`savestack`).
    #[inline(always)]
    pub fn save(&self, slot: *const TValue) -> usize {
        slot as usize - self.stack.get() as usize
    }

    /// Writes a value at the top and moves the top up. The caller has made sure of room.
    #[inline(always)]
    pub fn push(&self, v: TValue) {
        let top = self.top.get();
        debug_assert!(top < self.stack.get().wrapping_add(self.stack_size.get()));
        // SAFETY: H1, and the caller's check.
        unsafe { top.write(v) };
        self.top.set(top.wrapping_add(1));
    }

    /// How many values fit above the top, the spare slots above the limit included (H1).
    #[inline(always)]
    pub fn spare(&self) -> usize {
        let end = self.stack.get() as usize + self.stack_size.get() * size_of::<TValue>();
        (end - self.top.get() as usize) / size_of::<TValue>()
    }

    /// Writes a value at the top like [`push`](Self::push), or over the topmost one if the stack is full to its end.
    pub fn push_at_end(&self, v: TValue) {
        if self.spare() == 0 {
            self.top.set(self.top.get().wrapping_sub(1));
        }
        self.push(v);
    }

    /// Takes the topmost value off.
    #[inline(always)]
    pub fn pop(&self) -> TValue {
        let top = self.top.get().wrapping_sub(1);
        debug_assert!(top >= self.stack.get());
        self.top.set(top);
        // SAFETY: H1.
        unsafe { *top }
    }

    /// The slot `n` below the top (1 is the topmost value).
    #[inline(always)]
    pub fn from_top(&self, n: usize) -> *mut TValue {
        self.top.get().wrapping_sub(n)
    }
}
