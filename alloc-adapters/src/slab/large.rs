//! Blocks that are larger than what pages hold: they are the system's or, if they are very large, ranges; in a list, behind a head.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::null_mut;

use super::range::{GRANULE, VERY_LARGE, unmap};
use super::{MAX, SMALL_MAX, Slab};
use crate::size_class::{ALIGN, class_of};

/// The head of a large block.
#[repr(C, align(16))]
pub(super) struct Large {
    pub(super) next: *mut Large,
    pub(super) previous: *mut Large,
    pub(super) size: usize,
}

pub(super) const LARGE_HEAD: usize = size_of::<Large>();

/// The size of the memory for a large block, with its head.
fn whole_size(size: usize) -> usize {
    let whole = size.next_multiple_of(ALIGN) + LARGE_HEAD;
    if whole < VERY_LARGE { whole } else { whole.next_multiple_of(GRANULE) }
}

/// The layout of a block that is the system's.
fn layout(whole: usize) -> Layout {
    // SAFETY: no block is larger than `MAX`, half of what a layout can be.
    unsafe { Layout::from_size_align_unchecked(whole, ALIGN) }
}

/// Gives the memory of a large block back to the system.
///
/// # Safety
/// It is one (S5), and not used any more.
pub(super) unsafe fn release(large: *mut Large) {
    // SAFETY: S5.
    unsafe {
        match (*large).size {
            size if size < VERY_LARGE => std::alloc::System.dealloc(large.cast(), layout(size)),
            size => unmap(large.cast(), size),
        }
    }
}

impl Slab {
    /// Enters a new block at the head of the list, and returns what its owner gets.
    ///
    /// # Safety
    /// The memory is that of a large block.
    unsafe fn enter(&self, large: *mut Large, size: usize) -> *mut u8 {
        // SAFETY: S5; the caller's promise.
        unsafe {
            large.write(Large { next: self.large.get(), previous: null_mut(), size });
            self.link(large);
            large.cast::<u8>().add(LARGE_HEAD)
        }
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
        let whole = whole_size(size);
        let memory = if whole >= VERY_LARGE {
            self.take_range(whole)
        } else {
            // SAFETY: the layout's size is not zero.
            self.ask(whole, || unsafe { std::alloc::System.alloc(layout(whole)) })
        };
        // SAFETY: the memory is new, and has room for the head.
        if memory.is_null() { memory } else { unsafe { self.enter(memory.cast(), whole) } }
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
            if size < VERY_LARGE {
                self.large_bytes.set(self.large_bytes.get() - size);
                release(large);
            } else {
                self.retire(large.cast(), size);
            }
        }
    }

    /// Resizes a large block to another large size.
    ///
    /// # Safety
    /// It is one (S5); `nsize` is more than [`SMALL_MAX`] and at most [`MAX`].
    unsafe fn move_large(&self, block: *mut u8, osize: usize, nsize: usize) -> *mut u8 {
        let new = whole_size(nsize);
        // SAFETY: the caller's promise; the head goes along with the block.
        unsafe {
            let large = block.sub(LARGE_HEAD).cast::<Large>();
            let old = (*large).size;
            let mut moved = null_mut();
            if old < VERY_LARGE && new < VERY_LARGE {
                moved = self.resize_by_system(large, new);
            } else if new >= VERY_LARGE && new <= old {
                moved = large;
                if new < old {
                    self.retire(large.cast::<u8>().add(new), old - new);
                }
            } else if old >= VERY_LARGE && new > old {
                moved = self.extend_range(large.cast(), old, new).cast();
            }
            if moved.is_null() {
                let copy = self.take_large(nsize);
                if copy.is_null() {
                    // The block may be larger than its size says if a shrink has failed before.
                    return if nsize <= osize || new <= old { block } else { null_mut() };
                }
                copy.copy_from_nonoverlapping(block, osize.min(nsize));
                self.free_large(block);
                return copy;
            }
            (*moved).size = new;
            self.link(moved);
            moved.cast::<u8>().add(LARGE_HEAD)
        }
    }

    /// Has the system resize a large block that it knows; null if it does not.
    ///
    /// # Safety
    /// It is one (S5) that is no range, nor is one of `new` bytes. If it has moved, the neighbours' links must be set.
    unsafe fn resize_by_system(&self, large: *mut Large, new: usize) -> *mut Large {
        // SAFETY: the caller's promise; where the system refuses, the block is as it was.
        let (old, moved) = unsafe {
            let old = (*large).size;
            (old, self.ask(new.saturating_sub(old), || std::alloc::System.realloc(large.cast(), layout(old), new)))
        };
        if !moved.is_null() {
            self.large_bytes.set(self.large_bytes.get() - old.saturating_sub(new));
        }
        moved.cast()
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
