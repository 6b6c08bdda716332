//! A pure bump allocator: nothing is freed before the end.
//!
//! B1. Every block lies in a chunk of the arena, which frees its chunks when it is dropped or reset, and never before.

use std::alloc::Layout;
use std::ptr::null_mut;

use perilune_core::{LuaAlloc, OldSize};

/// What blocks are aligned to, and their sizes rounded to.
const ALIGN: usize = 16;

/// A pure bump allocator: an allocation moves a pointer through chunks, which double, and nothing is freed before the end. It is
/// the crate bumpalo's.
///
/// - **Alignment** 16.
/// - **Growth in place**: never, because bumpalo goes downward through its chunks. A block that grows is copied, and its old place
///   is lost. A shrink does nothing, so it cannot fail.
/// - **Bulk free**: a state that owns the adapter gives back its chunks alone when it is closed.
/// - **Threads**: it can be moved to another thread (`Send`), and used by one at a time.
/// - **Cost**: the fastest there is as long as everything stays, and memory without end under a program that makes garbage: what
///   the collector frees does not come back. It is for scripts that end soon, and for measuring what freeing costs;
///   [`BumpFreeList`](crate::BumpFreeList) and [`UpBump`](crate::UpBump) reuse memory.
#[derive(Debug, Default)]
pub struct Bump {
    arena: bumpalo::Bump<ALIGN>,
}

impl Bump {
    /// An arena without chunks.
    pub fn new() -> Self {
        Self { arena: bumpalo::Bump::with_min_align() }
    }

    /// An arena whose chunks never have more than `limit` bytes together.
    pub fn with_limit(limit: usize) -> Self {
        let this = Self::new();
        this.arena.set_allocation_limit(Some(limit));
        this
    }

    /// How many bytes the chunks have together.
    pub fn reserved(&self) -> usize {
        self.arena.allocated_bytes()
    }

    /// Forgets all blocks, as if the arena were new, but keeps the largest chunk.
    pub fn reset(&mut self) {
        self.arena.reset();
    }
}

// SAFETY: freeing does nothing and gives null; a shrink keeps the block; a size for which there is no layout gives null; a failed
// growth has touched nothing. Blocks are aligned to 16 by their layout and stay where they are (B1). `try_alloc_layout` does not
// panic.
unsafe impl LuaAlloc for Bump {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if nsize == 0 {
            return null_mut();
        }
        if !ptr.is_null() && nsize <= osize.bytes().next_multiple_of(ALIGN) {
            return ptr;
        }
        let Ok(layout) = Layout::from_size_align(nsize, ALIGN) else { return null_mut() };
        let Ok(block) = self.arena.try_alloc_layout(layout) else { return null_mut() };
        let block = block.as_ptr();
        if !ptr.is_null() {
            // SAFETY: C1; the new block is larger, and another one.
            unsafe { block.copy_from_nonoverlapping(ptr, osize.bytes()) };
        }
        block
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use perilune_core::AllocKind;

    use super::*;

    const NEW: OldSize = OldSize::of_kind(AllocKind::Other);

    #[test]
    fn the_limit_is_never_passed() {
        let memory = Bump::with_limit(10_000);
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let first = memory.realloc(null_mut(), NEW, 100);
            assert!(!first.is_null());
            first.write_bytes(7, 100);
            while !memory.realloc(null_mut(), NEW, 100).is_null() {}
            assert!(memory.reserved() <= 10_000);
            assert!(memory.realloc(first, OldSize::of_size(100), 5000).is_null());
            assert_eq!(std::slice::from_raw_parts(first, 100), [7; 100]);
        }
    }

    #[test]
    fn a_reset_arena_begins_anew() {
        let mut memory = Bump::new();
        // SAFETY: the blocks are used as the contract says.
        unsafe { while memory.reserved() < 1 << 20 && !memory.realloc(null_mut(), NEW, 1000).is_null() {} }
        let before = memory.reserved();
        memory.reset();
        assert!(memory.reserved() < before);
    }
}
