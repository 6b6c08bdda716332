//! Microsoft's snmalloc.

use std::alloc::{GlobalAlloc, Layout};

use perilune_core::{LuaAlloc, OldSize};
use snmalloc_sys as sn;

use crate::global::resize;
use crate::kept::KeptBlocks;

/// snmalloc. (Feature `snmalloc`; a C++ compiler is needed to build it.)
///
/// - **Alignment** 16, which is asked for with every block; sizes are rounded up to multiples of 16.
/// - **Growth in place**: within the size class only.
/// - **Bulk free**: none.
/// - **Threads**: it may be used from all threads, and a block be freed by another one, which it is made for.
/// - **Cost**: between the C library and the arenas. At its first call snmalloc reserves gigabytes of address space for its tables,
///   and ends the process if it does not get them: it is not for processes whose address space is capped (`ulimit -v`).
///
/// snmalloc wants the size back that a block was made with. Where a shrink fails, the block stays and the true size is noted in its
/// unused end until it is freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snmalloc;

/// The blocks of all adapters: snmalloc is one allocator.
static KEPT: KeptBlocks = KeptBlocks::new();

// SAFETY: `resize` keeps the rules; the blocks are snmalloc's, wherever the adapter is.
unsafe impl LuaAlloc for Snmalloc {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: C1.
        unsafe { resize(&Functions, &KEPT, ptr, osize, nsize) }
    }
}

/// snmalloc's functions for Rust.
struct Functions;

// SAFETY: the functions are made for this trait; they return null when there is no memory, and `realloc` leaves the block then.
unsafe impl GlobalAlloc for Functions {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: an alignment of a layout is a power of two.
        unsafe { sn::sn_rust_alloc(layout.align(), layout.size()).cast() }
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { sn::sn_rust_dealloc(ptr.cast(), layout.align(), layout.size()) };
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { sn::sn_rust_realloc(ptr.cast(), layout.align(), layout.size(), new_size).cast() }
    }
}
