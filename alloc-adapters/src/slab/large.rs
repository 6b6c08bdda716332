//! Blocks that are larger than what pages hold: they are the system's, in a list, behind a head.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::null_mut;

use super::{MAX, SMALL_MAX, Slab};
use crate::size_class::{ALIGN, class_of};

/// The head of a large block.
#[repr(C, align(16))]
pub(super) struct Large {
    pub(super) next: *mut Large,
    pub(super) previous: *mut Large,
    pub(super) size: usize,
}

/// How much of a block that is given back goes at once, if no more is wanted.
pub(super) const SLICE: usize = 256 << 10;
/// Blocks of this size and above are given back bit by bit.
const VERY_LARGE: usize = 1 << 20;

pub(super) const LARGE_HEAD: usize = size_of::<Large>();

impl Slab {
    /// The layout of a large block with its head.
    fn large_layout(size: usize) -> Layout {
        // SAFETY: no block is larger than `MAX`, half of what a layout can be.
        unsafe { Layout::from_size_align_unchecked(size.next_multiple_of(ALIGN) + LARGE_HEAD, ALIGN) }
    }

    /// Has the neighbours of a large block point to where it is.
    ///
    /// # Safety
    /// S5 holds, but that the neighbours' links may not point here yet.
    unsafe fn link(&self, large: *mut Large) {
        // SAFETY: S5.
        unsafe {
            let Large { next, previous, .. } = *large;
            if !next.is_null() {
                (*next).previous = large;
            }
            if previous.is_null() {
                self.large.set(large);
            } else {
                (*previous).next = large;
            }
        }
    }

    /// A new block of more than [`SMALL_MAX`] and at most [`MAX`] bytes, or null.
    #[cold]
    #[inline(never)]
    pub(super) fn take_large(&self, size: usize) -> *mut u8 {
        let layout = Self::large_layout(size);
        // So there is never more memory in use than before the block was freed that is given back.
        self.give_back(layout.size().max(SLICE));
        // SAFETY: the layout's size is not zero; the block has room for the head.
        unsafe {
            let mut large = std::alloc::System.alloc(layout).cast::<Large>();
            if large.is_null() && !self.retired.get().is_null() {
                self.give_back(usize::MAX);
                large = std::alloc::System.alloc(layout).cast::<Large>();
            }
            if large.is_null() {
                return null_mut();
            }
            large.write(Large { next: self.large.get(), previous: null_mut(), size: layout.size() });
            self.link(large);
            self.large_bytes.set(self.large_bytes.get() + layout.size());
            large.cast::<u8>().add(LARGE_HEAD)
        }
    }

    /// Frees a large block.
    ///
    /// # Safety
    /// It is one (S5), and not used any more.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn free_large(&self, block: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe {
            let large = block.sub(LARGE_HEAD).cast::<Large>();
            let Large { next, previous, size } = *large;
            if !next.is_null() {
                (*next).previous = previous;
            }
            if previous.is_null() {
                self.large.set(next);
            } else {
                (*previous).next = next;
            }
            if size >= VERY_LARGE {
                (*large).next = self.retired.get();
                self.retired.set(large);
            } else {
                self.large_bytes.set(self.large_bytes.get() - size);
                std::alloc::System.dealloc(large.cast(), Layout::from_size_align_unchecked(size, ALIGN));
            }
        }
    }

    /// Gives up to `bytes` of the retired blocks back to the system.
    #[inline]
    pub(super) fn give_back(&self, bytes: usize) {
        if !self.retired.get().is_null() {
            self.give_back_slowly(bytes);
        }
    }

    #[cold]
    #[inline(never)]
    fn give_back_slowly(&self, bytes: usize) {
        let mut left = bytes;
        while left > 0 && !self.retired.get().is_null() {
            let large = self.retired.get();
            // SAFETY: S6. A block that does not shrink goes as a whole.
            unsafe {
                let Large { next, size, .. } = *large;
                let layout = Layout::from_size_align_unchecked(size, ALIGN);
                if size > left.saturating_add(SLICE) {
                    let rest = size - left;
                    let moved = std::alloc::System.realloc(large.cast(), layout, rest).cast::<Large>();
                    if !moved.is_null() {
                        (*moved).size = rest;
                        self.retired.set(moved);
                        self.large_bytes.set(self.large_bytes.get() - left);
                        return;
                    }
                }
                self.retired.set(next);
                self.large_bytes.set(self.large_bytes.get() - size);
                std::alloc::System.dealloc(large.cast(), layout);
                left = left.saturating_sub(size);
            }
        }
    }

    /// Resizes a large block to another large size.
    ///
    /// # Safety
    /// It is one (S5); `nsize` is more than [`SMALL_MAX`] and at most [`MAX`].
    unsafe fn move_large(&self, block: *mut u8, osize: usize, nsize: usize) -> *mut u8 {
        let new = Self::large_layout(nsize).size();
        // SAFETY: the caller's promise; the head goes along with the block.
        unsafe {
            let large = block.sub(LARGE_HEAD).cast::<Large>();
            let old = (*large).size;
            self.give_back(new.saturating_sub(old));
            let layout = Layout::from_size_align_unchecked(old, ALIGN);
            let mut moved = std::alloc::System.realloc(large.cast(), layout, new);
            if moved.is_null() && !self.retired.get().is_null() {
                self.give_back(usize::MAX);
                moved = std::alloc::System.realloc(large.cast(), layout, new);
            }
            if moved.is_null() {
                // The block may be larger than its size says if a shrink has failed before.
                return if nsize <= osize || new <= old { block } else { null_mut() };
            }
            let moved = moved.cast::<Large>();
            (*moved).size = new;
            self.link(moved);
            self.large_bytes.set(self.large_bytes.get() - old + new);
            moved.cast::<u8>().add(LARGE_HEAD)
        }
    }

    /// Whether a block that passes for a small one is a large one; if so, it is not counted as a stray any more.
    #[cold]
    pub(super) fn take_stray(&self, block: *mut u8) -> bool {
        let mut large = self.large.get();
        while !large.is_null() {
            if large.cast::<u8>().wrapping_add(LARGE_HEAD) == block {
                self.strays.set(self.strays.get() - 1);
                return true;
            }
            // SAFETY: S5.
            large = unsafe { (*large).next };
        }
        false
    }

    /// Resizes a large block, of which its owner knows `osize` bytes.
    ///
    /// # Safety
    /// As for [`LuaAlloc::realloc`]; it is one (S5), and not counted as a stray; `nsize` is not 0.
    pub(super) unsafe fn resize_large(&self, ptr: *mut u8, osize: usize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise; the smaller one of the sizes is copied.
        unsafe {
            if nsize > SMALL_MAX {
                let block = if nsize > MAX { null_mut() } else { self.move_large(ptr, osize, nsize) };
                if block.is_null() && osize <= SMALL_MAX {
                    self.strays.set(self.strays.get() + 1);
                }
                return block;
            }
            let block = self.take(class_of(nsize).0);
            if block.is_null() {
                // It is large enough, and passes for a small one from now on.
                self.strays.set(self.strays.get() + 1);
                return ptr;
            }
            block.copy_from_nonoverlapping(ptr, osize.min(nsize));
            self.free_large(ptr);
            block
        }
    }
}
