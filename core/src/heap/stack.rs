//! Threads: their stacks and call frames grow and shrink here.
//!
//! H8. `spare_stacks` is a list of `spare_stack_count` blocks of the basic size, which nobody uses; the first slot of each names the
//!     next one. Each collection gives them back.
//! H9. `retired_frames` is the first frame of a chain, linked by `next`, and its `prev` the first one of another chain, or null. They are
//!     blocks of their own that no thread has. The collector's steps free them.

use crate::base::alloc::{AllocKind, OldSize};
use crate::base::error::AllocResult;
use crate::base::limits::{BASIC_STACK_SIZE, EXTRA_STACK, MAX_STACK, MIN_STACK};
use crate::gc::Heap;
use crate::object::{CallInfo, GcRef, Thread};
use crate::value::{TValue, tag};

/// A stack of this size and above is left as it is if more than half of it is in use.
const LARGE_STACK: usize = 4096;
/// How many spare frames a collection leaves to a thread at most. To come to the last one, all must be looked at.
const MOST_SPARE_FRAMES: u32 = 256;
/// By how many slots a stack shrinks at most at one go, since it takes time to give memory back to the system.
const MOST_SHRINKAGE: usize = 1 << 16;
/// How many stacks are kept at most.
const MAX_SPARE_STACKS: u32 = 16;

impl Heap {
    /// A thread with a small stack and the frame of the host's call level: its function is nil, and it has room
    /// for `MIN_STACK` values.
    #[doc(alias = "lua_newthread")]
    pub fn new_thread(&mut self) -> AllocResult<GcRef<Thread>> {
        let heap = core::ptr::from_mut(self);
        let place = self.allocate(AllocKind::Thread, size_of::<Thread>())?.cast::<Thread>();
        // The collector never meets a thread without a stack.
        let stack = match self.new_stack() {
            Ok(stack) => stack,
            Err(error) => {
                // SAFETY: the block was just made and nobody knows it.
                unsafe { self.free_array(place, 1) };
                return Err(error);
            }
        };
        // SAFETY: the blocks are new and have these sizes; the colour is read after the allocations.
        let thread = unsafe {
            Thread::init(place, self.current_white, heap);
            self.link(place.cast());
            GcRef::from_ptr(place)
        };
        thread.stack.set(stack);
        thread.stack_size.set(BASIC_STACK_SIZE);
        thread.stack_last.set(stack.wrapping_add(BASIC_STACK_SIZE - EXTRA_STACK));
        let top = stack.wrapping_add(1);
        thread.top.set(top);
        thread.base_ci.func.set(stack);
        thread.base_ci.top.set(top.wrapping_add(MIN_STACK));
        Ok(thread)
    }

    /// A stack of the basic size: a spare one, or a new one.
    #[inline]
    fn new_stack(&mut self) -> AllocResult<*mut TValue> {
        let mut stack = self.spare_stacks;
        if stack.is_null() {
            stack = self.allocate(AllocKind::Other, BASIC_STACK_SIZE * size_of::<TValue>())?.cast::<TValue>();
        } else {
            // SAFETY: H8.
            self.spare_stacks = core::ptr::with_exposed_provenance_mut(unsafe { (*stack).u } as usize);
            self.spare_stack_count -= 1;
        }
        // SAFETY: the block has that many slots; nothing that a spare one holds is to be kept alive.
        unsafe { fill_nil(stack, 0, BASIC_STACK_SIZE) };
        Ok(stack)
    }

    /// Keeps the stack of a coroutine that has ended for a new one, unless it has grown or enough are kept.
    ///
    /// # Safety
    /// The thread is live. No function runs or waits in it, and nothing is left on its stack. Nobody holds a pointer into the
    /// stack, or to a frame but `base_ci`.
    #[inline(always)]
    pub unsafe fn retire_stack(&mut self, thread: &Thread) {
        if thread.stack_size.get() == BASIC_STACK_SIZE
            && self.spare_stack_count < MAX_SPARE_STACKS
            && thread.open_upvals.get().is_null()
            && thread.n_ci.get() == 0
        {
            // SAFETY: the caller's promise, and the tests above.
            unsafe {
                let stack = thread.take_stack();
                stack.write(TValue { u: self.spare_stacks.expose_provenance() as u64, t: tag::NIL });
                self.spare_stacks = stack;
            }
            self.spare_stack_count += 1;
        }
    }

    /// Gives the spare stacks back (H8).
    pub(crate) fn free_spare_stacks(&mut self) {
        while !self.spare_stacks.is_null() {
            let stack = self.spare_stacks;
            // SAFETY: H8.
            unsafe {
                self.spare_stacks = core::ptr::with_exposed_provenance_mut((*stack).u as usize);
                self.free_array(stack, BASIC_STACK_SIZE);
            }
        }
        self.spare_stack_count = 0;
    }

    /// The bytes of the spare stacks.
    pub(crate) fn spare_stack_bytes(&self) -> usize {
        self.spare_stack_count as usize * BASIC_STACK_SIZE * size_of::<TValue>()
    }

    /// Changes the number of slots, and corrects every pointer into the stack (H5). New slots are nil.
    ///
    /// # Safety
    /// `slots` is more than `EXTRA_STACK` plus what is in use. The thread is reachable.
    #[doc(alias = "luaD_reallocstack")]
    pub unsafe fn resize_stack(&mut self, thread: GcRef<Thread>, slots: usize) -> AllocResult<()> {
        let (old, old_size) = (thread.stack.get(), thread.stack_size.get());
        debug_assert!(thread.top.get() <= old.wrapping_add(slots - EXTRA_STACK) || slots >= old_size);
        // SAFETY: H1 describes the block.
        unsafe {
            let stack = if !thread.has_stack_block() {
                let stack = self.allocate(AllocKind::Other, slots * size_of::<TValue>())?.cast::<TValue>();
                stack.copy_from_nonoverlapping(old, old_size.min(slots));
                thread.restore_first_frames();
                stack
            } else if cfg!(gc_zeal) {
                self.move_stack(old, old_size, slots)?
            } else {
                self.resize_array(old, old_size, slots)?
            };
            fill_nil(stack, old_size, slots);
            thread.stack.set(stack);
            thread.stack_size.set(slots);
            thread.stack_last.set(stack.wrapping_add(slots - EXTRA_STACK));
            if stack != old {
                correct(thread, old, stack);
            }
        }
        Ok(())
    }

    /// Puts a stack into a new block even if its size stays, and spoils the old one, so that a stale pointer shows. A
    /// stack that shrinks does not collect, as ever: the collector itself may be shrinking it.
    ///
    /// # Safety
    /// `old` is a block of `old_size` slots; what is in use fits into `slots`.
    unsafe fn move_stack(&mut self, old: *mut TValue, old_size: usize, slots: usize) -> AllocResult<*mut TValue> {
        /// What a slot that nobody may read any more is filled with: a tag that does not exist.
        const SPOILT: u8 = 0xdd;
        let size = slots * size_of::<TValue>();
        // SAFETY: both blocks have at least as many slots as are copied, and the old one is this heap's (H1).
        unsafe {
            let stack = if slots >= old_size {
                self.allocate(AllocKind::Other, size)?
            } else {
                let kind = OldSize::of_kind(AllocKind::Other);
                let block = self.alloc.call(core::ptr::null_mut(), kind, size);
                if block.is_null() {
                    return self.resize_array(old, old_size, slots);
                }
                self.debt += size as isize;
                block
            };
            let stack = stack.cast::<TValue>();
            stack.copy_from_nonoverlapping(old, old_size.min(slots));
            old.cast::<u8>().write_bytes(SPOILT, old_size * size_of::<TValue>());
            self.free_array(old, old_size);
            Ok(stack)
        }
    }

    /// A new frame after the running one, which is the last of the list.
    ///
    /// # Safety
    /// There is no spare frame. The thread is reachable.
    #[doc(alias = "luaE_extendCI")]
    pub unsafe fn extend_ci(&mut self, thread: GcRef<Thread>) -> AllocResult<*mut CallInfo> {
        let frame = self.allocate(AllocKind::Other, size_of::<CallInfo>())?.cast::<CallInfo>();
        let current = thread.ci.get();
        // SAFETY: the block is new; the running frame is in the list (H4).
        unsafe {
            debug_assert!((*current).next.get().is_null());
            frame.write(CallInfo::new());
            (*frame).prev.set(current);
            (*current).next.set(frame);
        }
        thread.n_ci.set(thread.n_ci.get() + 1);
        Ok(frame)
    }

    /// Takes all frames after the running one that are blocks of their own from a thread.
    ///
    /// # Safety
    /// Nobody holds a pointer to one of them.
    #[doc(alias = "luaE_freeCI")]
    pub unsafe fn free_spare_ci(&mut self, thread: GcRef<Thread>) {
        let count = thread.n_ci.get() - thread.frames_in_use();
        // SAFETY: H4: these frames are blocks of their own.
        unsafe { self.retire_frames_after(thread, thread.last_kept_frame(), count) };
    }

    /// Takes the second half of those frames from a thread, and more if there are many.
    ///
    /// # Safety
    /// Nobody holds a pointer to one of them.
    #[doc(alias = "luaE_shrinkCI")]
    pub unsafe fn shrink_ci(&mut self, thread: GcRef<Thread>) {
        // SAFETY: H4.
        unsafe {
            let mut last = thread.last_kept_frame();
            let count = thread.n_ci.get() - thread.frames_in_use();
            let kept = count.div_ceil(2).min(MOST_SPARE_FRAMES);
            for _ in 0..kept {
                last = (*last).next.get();
            }
            self.retire_frames_after(thread, last, count - kept);
        }
    }

    /// Takes the frames after one from a thread; there are `count` of them.
    ///
    /// # Safety
    /// Nobody holds a pointer to one of them, and they are blocks of their own.
    unsafe fn retire_frames_after(&mut self, thread: GcRef<Thread>, last: *mut CallInfo, count: u32) {
        thread.lost_ci.set(core::ptr::null_mut());
        thread.n_ci.set(thread.n_ci.get() - count);
        // SAFETY: H4, by the caller's promise.
        unsafe { self.retire_frames((*last).next.replace(core::ptr::null_mut())) };
    }

    /// Leaves frames, linked by `next`, to be freed (H9).
    ///
    /// # Safety
    /// They are blocks of their own, and no thread's any more.
    pub(crate) unsafe fn retire_frames(&mut self, first: *mut CallInfo) {
        if !first.is_null() {
            // SAFETY: the caller's promise.
            unsafe { (*first).prev.set(self.retired_frames) };
            self.retired_frames = first;
        }
    }

    /// Frees up to `count` frames that are no thread's any more, and returns how many.
    pub(crate) fn free_retired_frames(&mut self, count: usize) -> usize {
        let mut freed = 0;
        while freed < count && !self.retired_frames.is_null() {
            let frame = self.retired_frames;
            // SAFETY: H9.
            unsafe {
                let (next, other) = ((*frame).next.get(), (*frame).prev.get());
                self.retired_frames = next;
                if next.is_null() {
                    self.retired_frames = other;
                } else {
                    (*next).prev.set(other);
                }
                self.free_array(frame, 1);
            }
            freed += 1;
        }
        freed
    }

    /// How many frames are no thread's any more.
    pub(crate) fn retired_frame_count(&self) -> usize {
        let mut count = 0;
        let mut chain = self.retired_frames;
        while !chain.is_null() {
            // SAFETY: H9.
            unsafe {
                count += count_frames(chain) as usize;
                chain = (*chain).prev.get();
            }
        }
        count
    }

    /// Gives back what a thread does not need of its frames and of its stack. A stack that is over the limit because
    /// an overflow is being handled gets back within it once that is over.
    ///
    /// # Safety
    /// Nobody holds a pointer into the stack (H5) or to a spare frame.
    #[doc(alias = "luaD_shrinkstack")]
    pub unsafe fn shrink_stack(&mut self, thread: GcRef<Thread>) {
        let size = thread.stack_size.get();
        if (LARGE_STACK..=MAX_STACK).contains(&size) && thread.save(thread.top.get()) / size_of::<TValue>() > size / 2 {
            // There is little to be had, and it takes time to look at many frames.
            return;
        }
        let in_use = slots_in_use(thread);
        let good = (in_use + in_use / 8 + 2 * EXTRA_STACK).min(MAX_STACK);
        let good = if size <= MAX_STACK { good.max(size.saturating_sub(MOST_SHRINKAGE)) } else { good };
        // SAFETY: the caller's promise; `good` is more than what is in use.
        unsafe {
            if thread.stack_size.get() > MAX_STACK {
                self.free_spare_ci(thread);
            } else {
                self.shrink_ci(thread);
            }
            if in_use <= MAX_STACK - EXTRA_STACK && good < thread.stack_size.get() {
                // A block that cannot shrink, against the contract, is kept as it is.
                let _ = self.resize_stack(thread, good);
            }
        }
    }
}

/// How many frames there are, linked by `next`.
///
/// # Safety
/// The pointer is null, or the frame is one of a list.
unsafe fn count_frames(mut frame: *const CallInfo) -> u32 {
    let mut count = 0;
    while !frame.is_null() {
        count += 1;
        // SAFETY: the caller's promise.
        frame = unsafe { (*frame).next.get() };
    }
    count
}

/// Sets the slots from `from` up to `to` to nil; nothing if there are none.
///
/// # Safety
/// The block has at least `to` slots.
#[inline(always)]
unsafe fn fill_nil(stack: *mut TValue, from: usize, to: usize) {
    const { assert!(TValue::NIL.u == 0 && TValue::NIL.t == 0) };
    // SAFETY: the caller's promise.
    unsafe { stack.wrapping_add(from).write_bytes(0, to.saturating_sub(from)) };
}

/// Moves all pointers into the stack from the old block to the new one (H5).
///
/// # Safety
/// H4 to H6 hold but for the place of the stack.
unsafe fn correct(thread: GcRef<Thread>, old: *mut TValue, new: *mut TValue) {
    let moved = |slot: *mut TValue| new.wrapping_byte_add((slot as usize).wrapping_sub(old as usize));
    thread.top.set(moved(thread.top.get()));
    thread.lost_ci.set(core::ptr::null_mut());
    // SAFETY: the caller's promise; the frames and upvalues are live.
    unsafe {
        let mut upvalue = thread.open_upvals.get();
        while !upvalue.is_null() {
            (*upvalue).v.set(moved((*upvalue).v.get()));
            upvalue = (*upvalue).open_next();
        }
        let mut frame = thread.ci.get();
        while !frame.is_null() {
            (*frame).func.set(moved((*frame).func.get()));
            (*frame).top.set(moved((*frame).top.get()));
            if (*frame).is_lua() {
                (*frame).set_registers(moved((*frame).base()), (*frame).code());
            }
            frame = (*frame).prev.get();
        }
    }
}

/// How many slots the thread's frames claim.
#[doc(alias = "stackinuse")]
fn slots_in_use(thread: GcRef<Thread>) -> usize {
    let mut limit = thread.top.get();
    let mut frame = thread.ci.get();
    while !frame.is_null() {
        // SAFETY: H4.
        unsafe {
            limit = limit.max((*frame).top.get());
            frame = (*frame).prev.get();
        }
    }
    thread.save(limit) / size_of::<TValue>() + 1
}
