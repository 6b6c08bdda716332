//! The C library's allocator.

use std::ptr::null_mut;

use perilune_core::{LuaAlloc, OldSize};

/// The smallest size that is asked for: from here on the C library aligns to 16.
const SMALLEST: usize = 16;
const _: () = assert!(align_of::<libc::max_align_t>() >= SMALLEST, "malloc aligns to 16");

/// The allocator of the C library: `malloc`, `realloc` and `free`, as in the allocation function of the reference's auxiliary
/// library.
///
/// - **Alignment** 16, which `malloc` promises for what could hold a `max_align_t`: less is never asked for.
/// - **Growth in place** where the C library can: at the end of its heap, into a free neighbour, and by remapping pages for blocks of
///   some 100 KiB and more, which makes it the best there is for large arrays.
/// - **Bulk free**: none.
/// - **Threads**: it may be used from all threads, and a block be freed by another one.
/// - **Cost**: that of the C library. The size of the old block, which C does not know, saves nothing here.
///
/// `free` and `realloc` do not look at sizes, so a block that could not shrink is simply kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Libc;

// SAFETY: size 0 frees and gives null, for a null pointer without a call; `realloc` is never asked for size 0, which means
// something else in each C library; it leaves the old block when it fails, and a shrink then keeps it. No size wraps: nothing is
// rounded but what is below 16. C does not unwind. The blocks are the C library's, wherever the adapter is.
unsafe impl LuaAlloc for Libc {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if nsize == 0 {
            if !ptr.is_null() {
                // SAFETY: C1.
                unsafe { libc::free(ptr.cast()) };
            }
            return null_mut();
        }
        if ptr.is_null() {
            // SAFETY: every size may be asked for.
            return unsafe { libc::malloc(nsize.max(SMALLEST)) }.cast();
        }
        // SAFETY: C1; the size is not 0.
        let moved = unsafe { libc::realloc(ptr.cast(), nsize.max(SMALLEST)) }.cast::<u8>();
        if moved.is_null() && nsize <= osize.bytes() { ptr } else { moved }
    }
}
