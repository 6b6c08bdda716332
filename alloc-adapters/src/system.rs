//! The allocator of the platform.
//!
//! Sizes are rounded up to whole multiples of 16 bytes: below its alignment `std::alloc::System` takes a slow path on
//! Unix, and a resize within the same multiple is no work at all.

use std::alloc::{GlobalAlloc, Layout};

use perilune_core::{LuaAlloc, OldSize};

/// What blocks are aligned to, and their sizes rounded to.
const ALIGN: usize = 16;

/// The allocator of the platform, through [`std::alloc::System`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct System;

/// The layout of a block that was asked for with `size`, or `None` if no block can be so large.
fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_next_multiple_of(ALIGN)?, ALIGN).ok()
}

// SAFETY: the four rules are kept below: freeing returns null, sizes are forwarded rounded up, a shrink that fails keeps
// the block, and every layout has alignment 16. Nothing unwinds.
unsafe impl LuaAlloc for System {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let system = std::alloc::System;
        if ptr.is_null() {
            return match layout(nsize) {
                // SAFETY: the size of the layout is not zero.
                Some(new) if nsize > 0 => unsafe { system.alloc(new) },
                _ => std::ptr::null_mut(),
            };
        }
        // The block exists, so its layout was a valid one (C1).
        let Some(old) = layout(osize.bytes()) else { return std::ptr::null_mut() };
        if nsize == 0 {
            // SAFETY: C1.
            unsafe { system.dealloc(ptr, old) };
            return std::ptr::null_mut();
        }
        let Some(new) = layout(nsize) else { return std::ptr::null_mut() };
        if old.size() == new.size() {
            return ptr;
        }
        // SAFETY: C1; the new size is not zero and, with its alignment, a valid layout.
        let moved = unsafe { system.realloc(ptr, old, new.size()) };
        // A shrink never fails. The block that is kept is larger than its size says from now on, which the platform's
        // functions do not look at: they find a block by its address and alignment.
        if moved.is_null() && new.size() < old.size() { ptr } else { moved }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use perilune_core::AllocKind;

    use super::*;

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
