//! jemalloc.

use perilune_core::{LuaAlloc, OldSize};
use tikv_jemalloc_sys as je;

use crate::c_functions::resize;

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

// SAFETY: `c_functions::resize` keeps the rules: all size classes from 16 on are multiples of 16, and so are the blocks' addresses.
// C does not unwind.
unsafe impl LuaAlloc for Jemalloc {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: C1; every size may be asked for.
        unsafe { resize(ptr, osize, nsize, |n| je::malloc(n), |p, n| je::realloc(p, n), |p| je::free(p)) }
    }
}
