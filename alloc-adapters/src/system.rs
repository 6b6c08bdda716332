//! The allocator of the platform.
//!
//! Sizes are rounded up to whole multiples of 16 bytes: below its alignment `std::alloc::System` takes a slow path on
//! Unix, and a resize within the same multiple is no work at all.

use std::alloc::GlobalAlloc;
use std::ptr::null_mut;

use perilune_core::{LuaAlloc, OldSize};

use crate::global::{layout, layout_of_block};

/// The allocator of the platform, through [`std::alloc::System`].
///
/// - **Alignment** 16, and sizes are rounded up to multiples of 16, so that a resize within the same multiple is no work.
/// - **Growth in place** where the platform can: [`Libc`](crate::Libc) tells more.
/// - **Bulk free**: none.
/// - **Threads**: it may be used from all threads, and a block be freed by another one.
/// - **Cost**: that of the platform, and up to 15 bytes a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct System;

// SAFETY: the four rules are kept below: freeing returns null, sizes are forwarded rounded up, a shrink that fails keeps
// the block, and every layout has alignment 16. Nothing unwinds.
unsafe impl LuaAlloc for System {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if ptr.is_null() {
            return match layout(nsize) {
                // SAFETY: the size of the layout is not zero.
                Some(new) if nsize > 0 => unsafe { std::alloc::System.alloc(new) },
                _ => null_mut(),
            };
        }
        // SAFETY: C1.
        unsafe {
            if nsize == 0 {
                std::alloc::System.dealloc(ptr, layout_of_block(osize.bytes()));
                return null_mut();
            }
            change(ptr, osize.bytes(), nsize)
        }
    }
}

/// Resizes a block.
///
/// # Safety
/// It is a live one of `osize` bytes; `nsize` is not 0.
#[inline(never)]
unsafe fn change(ptr: *mut u8, osize: usize, nsize: usize) -> *mut u8 {
    let Some(new) = layout(nsize) else { return null_mut() };
    // SAFETY: C1; the new size is not zero and, with its alignment, a valid layout.
    unsafe {
        let old = layout_of_block(osize);
        if old.size() == new.size() {
            return ptr;
        }
        let moved = std::alloc::System.realloc(ptr, old, new.size());
        // A shrink never fails. The block that is kept is larger than its size says from now on, which the platform's
        // functions do not look at: they find a block by its address and alignment.
        if moved.is_null() && new.size() < old.size() { ptr } else { moved }
    }
}

#[cfg(test)]
mod tests {
    use perilune_core::AllocKind;

    use super::*;
    use crate::global::ALIGN;

    const NEW: OldSize = OldSize::of_kind(AllocKind::Userdata);

    #[test]
    fn null_and_zero_give_null() {
        // SAFETY: null is always allowed.
        unsafe {
            assert!(System.realloc(null_mut(), NEW, 0).is_null());
            assert!(System.realloc(null_mut(), OldSize::of_size(0), 0).is_null());
        }
    }

    #[test]
    fn impossible_sizes_give_null_and_keep_the_block() {
        for size in [usize::MAX, usize::MAX - 15, usize::MAX - 16, isize::MAX as usize, isize::MAX as usize - 15] {
            // SAFETY: the block is used as the contract says.
            unsafe {
                assert!(System.realloc(null_mut(), NEW, size).is_null());
                let block = System.realloc(null_mut(), NEW, 3);
                block.write(7);
                assert!(System.realloc(block, OldSize::of_size(3), size).is_null());
                assert_eq!(block.read(), 7);
                System.realloc(block, OldSize::of_size(3), 0);
            }
        }
    }

    #[test]
    fn resizing_keeps_contents_and_alignment() {
        // SAFETY: the block is used as the contract says, within its size.
        unsafe {
            let mut size = 1;
            let mut block = System.realloc(null_mut(), NEW, size);
            block.write(1);
            for new in [2, 15, 16, 17, 100, 5000, 200_000, 31, 30, 1] {
                block = System.realloc(block, OldSize::of_size(size), new);
                assert_eq!(block as usize % ALIGN, 0);
                assert_eq!(block.read(), 1);
                block.add(new - 1).write(1);
                size = new;
            }
            System.realloc(block, OldSize::of_size(size), 0);
        }
    }
}
