//! The C library's allocator.

use perilune_core::{LuaAlloc, OldSize};

use crate::c_functions::{SMALLEST, resize};

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

// SAFETY: `c_functions::resize` keeps the rules; C does not unwind. The blocks are the C library's, wherever the adapter is.
unsafe impl LuaAlloc for Libc {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: C1; every size may be asked for.
        unsafe { resize(ptr, osize, nsize, |n| libc::malloc(n), |p, n| libc::realloc(p, n), |p| libc::free(p)) }
    }
}
