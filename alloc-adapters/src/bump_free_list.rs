//! A bump allocator that reuses what was freed, by size.
//!
//! B1 of [`Bump`](crate::Bump) and E1 of `free_lists` hold.
//!
//! B2. A live block of `size` bytes has at least the size of `size`'s class.

use std::alloc::Layout;
use std::fmt;
use std::ptr::null_mut;

use perilune_core::{LuaAlloc, OldSize};

use crate::free_lists::FreeLists;
use crate::size_class::{ALIGN, EXACT_MAX, class_count, class_of, class_size, exact_class};

/// The largest block. A class's size does not overflow up to here.
const MAX: usize = 1 << (usize::BITS - 2);
const CLASSES: usize = class_count(MAX);

/// A bump allocator (bumpalo) with lists of free blocks by size: every multiple of 16 up to 1024 bytes, above it four sizes to the
/// doubling.
///
/// - **Alignment** 16.
/// - **Growth in place**: within the size of the class only. A shrink divides the block and never fails.
/// - **Bulk free**: a state that owns the adapter gives back its chunks alone when it is closed.
/// - **Threads**: it can be moved to another thread (`Send`), and used by one at a time.
/// - **Cost**: about the least there is for small objects, a few instructions each way. What is freed serves blocks of the same
///   class, and smaller ones when nothing else is left; it is never joined again and not given back before the end. Growing
///   arrays are copied and leave all their former sizes behind: for those, [`Slab`](crate::Slab) or [`UpBump`](crate::UpBump).
pub struct BumpFreeList {
    arena: bumpalo::Bump<ALIGN>,
    free: FreeLists<CLASSES>,
}

impl BumpFreeList {
    /// An arena without chunks.
    pub fn new() -> Self {
        Self { arena: bumpalo::Bump::with_min_align(), free: FreeLists::new() }
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
        self.free = FreeLists::new();
        self.arena.reset();
    }

    /// A new block of a class, or null.
    #[inline(never)]
    fn bump(&self, class: usize, size: usize) -> *mut u8 {
        // SAFETY: no class's size is larger than `MAX`, so the layout is valid.
        let layout = unsafe { Layout::from_size_align_unchecked(size, ALIGN) };
        match self.arena.try_alloc_layout(layout) {
            Ok(block) => block.as_ptr(),
            Err(_) => self.free.split_larger(class),
        }
    }

    /// A block of a class, or null.
    fn take(&self, class: usize, size: usize) -> *mut u8 {
        let block = self.free.pop(class);
        if block.is_null() { self.bump(class, size) } else { block }
    }

    /// What is not an allocation or a free of up to [`EXACT_MAX`] bytes. (It is apart so that those need no stack.)
    ///
    /// # Safety
    /// As for [`LuaAlloc::realloc`].
    #[inline(never)]
    unsafe fn others(&self, ptr: *mut u8, osize: usize, nsize: usize) -> *mut u8 {
        if nsize > MAX || (ptr.is_null() && nsize == 0) {
            return null_mut();
        }
        let (class, size) = class_of(nsize.max(1));
        if ptr.is_null() {
            return self.take(class, size);
        }
        // SAFETY: C1: the block is live and, by B2, has its class's size. What is pushed, donated or copied from is within that.
        unsafe {
            let (old_class, old_size) = class_of(osize);
            if nsize == 0 {
                self.free.push(old_class, ptr);
                return null_mut();
            }
            if size <= old_size {
                self.free.donate(ptr.add(size), old_size - size);
                return ptr;
            }
            let block = self.take(class, size);
            if !block.is_null() {
                block.copy_from_nonoverlapping(ptr, osize);
                self.free.push(old_class, ptr);
            }
            block
        }
    }
}

impl Default for BumpFreeList {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BumpFreeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BumpFreeList").field("reserved", &self.reserved()).finish_non_exhaustive()
    }
}

// SAFETY: the free lists' blocks belong to the arena, which is `Send`, and go with it.
unsafe impl Send for BumpFreeList {}

// SAFETY: size 0 frees and gives null; what is too large gives null before it is rounded; a shrink stays in place; a growth that
// fails has touched nothing. All blocks are aligned to 16 (E1) and stay where they are (B1). Nothing panics.
unsafe impl LuaAlloc for BumpFreeList {
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if ptr.is_null() {
            if nsize.wrapping_sub(1) < EXACT_MAX {
                let class = exact_class(nsize);
                let block = self.free.pop(class);
                return if block.is_null() { self.bump(class, class_size(class)) } else { block };
            }
        } else if nsize == 0 && osize.bytes() <= EXACT_MAX {
            // SAFETY: C1, B2.
            unsafe { self.free.push(exact_class(osize.bytes()), ptr) };
            return null_mut();
        }
        // SAFETY: C1.
        unsafe { self.others(ptr, osize.bytes(), nsize) }
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use perilune_core::AllocKind;

    use super::*;

    const NEW: OldSize = OldSize::of_kind(AllocKind::Table);

    #[test]
    fn freed_blocks_serve_their_class_again() {
        let memory = BumpFreeList::new();
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let first = memory.realloc(null_mut(), NEW, 56);
            memory.realloc(first, OldSize::of_size(56), 0);
            assert_eq!(memory.realloc(null_mut(), NEW, 64), first);
            let large = memory.realloc(null_mut(), NEW, 5000);
            memory.realloc(large, OldSize::of_size(5000), 0);
            assert_eq!(memory.realloc(null_mut(), NEW, 4100), large);
            // The rest of a block that shrinks becomes blocks of its own.
            assert_eq!(memory.realloc(first, OldSize::of_size(64), 10), first);
            assert_eq!(memory.realloc(null_mut(), NEW, 48), first.add(16));
        }
    }

    #[test]
    fn at_the_limit_larger_blocks_are_divided() {
        let memory = BumpFreeList::with_limit(4000);
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let large = memory.realloc(null_mut(), NEW, 1000);
            let kept = memory.realloc(null_mut(), NEW, 500);
            kept.write_bytes(3, 500);
            while !memory.realloc(null_mut(), NEW, 64).is_null() {}
            memory.realloc(large, OldSize::of_size(1000), 0);
            let mut count = 0;
            while !memory.realloc(null_mut(), NEW, 64).is_null() {
                count += 1;
            }
            assert_eq!(count, 1008 / 64);
            assert!(memory.realloc(kept, OldSize::of_size(500), 600).is_null());
            assert_eq!(std::slice::from_raw_parts(kept, 500), [3; 500]);
            assert!(memory.reserved() <= 4000);
        }
    }
}
