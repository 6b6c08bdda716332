//! Microsoft's mimalloc, version 2: a heap for each adapter, or the one that all share.
//!
//! X1. `heap` is null or a heap that `mi_heap_new` made on the thread that the adapter is on, and not destroyed yet. The adapter
//!     never comes to another thread: it is neither `Send` nor `Sync`. (In version 2 a heap belongs to the thread that made it.)
//! X2. Every live block of the adapter lies in `heap`.

use std::ptr::null_mut;

use libmimalloc_sys as mi;
use perilune_core::{LuaAlloc, OldSize};

use crate::c_functions::{SMALLEST, resize};

/// A heap of mimalloc's own for each adapter.
///
/// - **Alignment** 16: no block is asked for with less than 16 bytes.
/// - **Growth in place**: within the size that a block happens to have only; large arrays are copied at each step.
/// - **Bulk free**: a state that owns the adapter leaves its blocks to `mi_heap_destroy`.
/// - **Threads**: none but the one that made it. In version 2 a heap belongs to its thread, so the adapter is not `Send`.
/// - **Cost**: a few instructions for small blocks, good locality. A heap takes some 500 KiB by itself, which is much for many small
///   states: [`MimallocShared`] is for those.
///
/// mimalloc may have to move a block that shrinks. If there is no memory for that, the old block stays; to free it, mimalloc needs
/// no size.
///
/// ```compile_fail,E0277
/// fn needs_send<T: Send>() {}
/// needs_send::<perilune_alloc_adapters::Mimalloc>();
/// ```
#[derive(Debug)]
pub struct Mimalloc {
    heap: *mut mi::mi_heap_t,
}

impl Mimalloc {
    /// Makes a heap. If there is no memory for it, the adapter has none to give.
    pub fn new() -> Self {
        // SAFETY: `mi_malloc` may be called on every thread. `mi_heap_new` needs what mimalloc has made for the thread at its first
        // allocation, and does not look whether there was memory for that: so an allocation goes before.
        let heap = unsafe {
            let first = mi::mi_malloc(SMALLEST);
            if first.is_null() {
                null_mut()
            } else {
                mi::mi_free(first);
                mi::mi_heap_new()
            }
        };
        Self { heap }
    }
}

impl Default for Mimalloc {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Mimalloc {
    fn drop(&mut self) {
        if !self.heap.is_null() {
            // SAFETY: X1. Blocks that are left are not used any more: no block outlives its adapter.
            unsafe { mi::mi_heap_destroy(self.heap) };
        }
    }
}

// SAFETY: `c_functions::resize` keeps the rules: from 16 bytes on mimalloc aligns to 16. C does not unwind. The heap stays where it is
// when the adapter is moved.
unsafe impl LuaAlloc for Mimalloc {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if self.heap.is_null() {
            // There was never a block.
            return null_mut();
        }
        let heap = self.heap;
        // SAFETY: X1, X2, C1.
        unsafe {
            let malloc = |n| mi::mi_heap_malloc(heap, n);
            let realloc = |p, n| mi::mi_heap_realloc(heap, p, n);
            resize(ptr, osize, nsize, malloc, realloc, |p| mi::mi_free(p))
        }
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

/// mimalloc's default heap, which all adapters of this type share, and whatever else uses mimalloc in the process.
///
/// - **Alignment**, **growth in place**: as for [`Mimalloc`].
/// - **Bulk free**: none.
/// - **Threads**: it may be used from all threads, and a block be freed by another one. mimalloc itself has a heap for each thread.
/// - **Cost**: as for [`Mimalloc`], but a state costs no heap of its own, and is closed block by block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MimallocShared;

// SAFETY: as for `Mimalloc`. Blocks may be freed and resized on every thread.
unsafe impl LuaAlloc for MimallocShared {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: C1; every size may be asked for.
        unsafe { resize(ptr, osize, nsize, |n| mi::mi_malloc(n), |p, n| mi::mi_realloc(p, n), |p| mi::mi_free(p)) }
    }
}

#[cfg(test)]
mod tests {
    use perilune_core::AllocKind;

    use super::*;

    const NEW: OldSize = OldSize::of_kind(AllocKind::Other);

    #[test]
    fn tiny_blocks_are_aligned() {
        let own = Mimalloc::new();
        for size in 1..=16 {
            // SAFETY: the blocks are used as the contract says; the heap is destroyed with the first ones.
            unsafe {
                for _ in 0..3 {
                    assert_eq!(own.realloc(null_mut(), NEW, size).addr() % 16, 0);
                    let block = MimallocShared.realloc(null_mut(), NEW, size);
                    assert_eq!(block.addr() % 16, 0);
                    MimallocShared.realloc(block, OldSize::of_size(size), 0);
                }
            }
        }
    }

    #[test]
    fn heaps_are_destroyed_one_by_one() {
        let kept = Mimalloc::new();
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let block = kept.realloc(null_mut(), NEW, 100);
            block.write_bytes(9, 100);
            for _ in 0..50 {
                let other = Mimalloc::new();
                for i in 1..200 {
                    let block = other.realloc(null_mut(), NEW, i * 8);
                    block.write_bytes(1, i * 8);
                }
                let last = other.realloc(null_mut(), NEW, 1 << 20);
                last.write_bytes(1, 1 << 20);
            }
            assert_eq!(std::slice::from_raw_parts(block, 100), [9; 100]);
        }
    }

    #[test]
    fn a_shared_block_can_be_freed_on_another_thread() {
        // SAFETY: the blocks are used as the contract says.
        let blocks: Vec<usize> =
            (0..1000).map(|i| unsafe { MimallocShared.realloc(null_mut(), NEW, i + 1) }.expose_provenance()).collect();
        std::thread::spawn(move || {
            for (i, block) in blocks.into_iter().enumerate() {
                let block = std::ptr::with_exposed_provenance_mut(block);
                // SAFETY: as above.
                unsafe { MimallocShared.realloc(block, OldSize::of_size(i + 1), 0) };
            }
        })
        .join()
        .expect("no panic");
    }
}
