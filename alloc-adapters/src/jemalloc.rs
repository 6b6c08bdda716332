//! jemalloc.

use std::ptr::null_mut;

use perilune_core::{LuaAlloc, OldSize};
use tikv_jemalloc_sys as je;

/// The smallest size that is asked for: for 8 bytes and less jemalloc aligns to 8 only.
const SMALLEST: usize = 16;
/// The largest size that is asked for, so that no size class wraps.
const MAX: usize = isize::MAX as usize;

/// jemalloc, by the functions that the crate tikv-jemalloc-sys gives names of their own, so that the rest of the program keeps its
/// allocator. (Feature `jemalloc`; it takes minutes to build.)
///
/// - **Alignment** 16: no block is asked for with less than 16 bytes.
/// - **Growth in place**: within the size class; large blocks also where pages behind them are free.
/// - **Bulk free**: none.
/// - **Threads**: it may be used from all threads, and a block be freed by another one.
/// - **Cost**: between the C library and the arenas, for all sizes evenly.
///
/// The old size is not passed on: what `sdallocx` would save is little, and it must never see null or the size of a block that
/// was kept because it could not shrink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jemalloc;

// SAFETY: size 0 frees and gives null; a size that is too large gives null; `realloc` leaves the block when it fails, and a shrink
// then keeps it. All size classes from 16 on are multiples of 16, and so are the blocks' addresses. C does not unwind.
unsafe impl LuaAlloc for Jemalloc {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if nsize == 0 {
            if !ptr.is_null() {
                // SAFETY: C1.
                unsafe { je::free(ptr.cast()) };
            }
            return null_mut();
        }
        if nsize > MAX {
            return null_mut();
        }
        if ptr.is_null() {
            // SAFETY: every size may be asked for.
            return unsafe { je::malloc(nsize.max(SMALLEST)) }.cast();
        }
        // SAFETY: C1; the size is not 0.
        let moved = unsafe { je::realloc(ptr.cast(), nsize.max(SMALLEST)) }.cast::<u8>();
        if moved.is_null() && nsize <= osize.bytes() { ptr } else { moved }
    }
}
