//! Memory that makes the worst of each request.

use std::cell::Cell;
use std::ptr::null_mut;

use perilune_alloc_adapters::{LuaAlloc, OldSize, System};

/// What freed blocks are filled with.
const SPOILED: u8 = 0xdb;

/// Refuses each request that may fail when it is made first (or every so-manieth), whereupon the state collects all its garbage and makes it
/// again; moves each block that is resized, and spoils what has been freed. So what is not kept alive, or is used at its old place, shows.
pub(super) struct Zealous {
    armed: Cell<bool>,
    every: u64,
    count: Cell<u64>,
    refused: Cell<bool>,
}

impl Zealous {
    /// Refuses every so-manieth request once it is armed.
    pub(super) fn new(every: u64) -> Self {
        Self { armed: Cell::new(false), every: every.max(1), count: Cell::new(0), refused: Cell::new(false) }
    }

    /// Begins to refuse.
    pub(super) fn arm(&self) {
        self.armed.set(true);
    }

    /// Whether a request is refused: never one that follows a refusal, which is the second attempt.
    fn refuses(&self) -> bool {
        if !self.armed.get() || self.refused.take() {
            return false;
        }
        self.count.set(self.count.get() + 1);
        self.refused.set(self.count.get().is_multiple_of(self.every));
        self.refused.get()
    }
}

// SAFETY: blocks come from `System` and go back to it with their sizes. A request is refused with null where that is allowed: never a free
// or a shrink, and without touching the old block. A block that moves keeps what fits of its bytes.
unsafe impl LuaAlloc for Zealous {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize > old && self.refuses() {
            return null_mut();
        }
        // SAFETY: the caller's promise; the new block is another one, and both are at least as long as what is copied.
        unsafe {
            if ptr.is_null() {
                return System.realloc(ptr, osize, nsize);
            }
            let kind = OldSize::of_kind(perilune_alloc_adapters::AllocKind::Other);
            let new = if nsize == 0 { null_mut() } else { System.realloc(null_mut(), kind, nsize) };
            if nsize > 0 {
                if new.is_null() {
                    // The old block can stay where it is only if it shrinks, and that must not fail.
                    return System.realloc(ptr, osize, nsize);
                }
                new.copy_from_nonoverlapping(ptr, old.min(nsize));
            }
            ptr.write_bytes(SPOILED, old);
            System.realloc(ptr, osize, 0);
            new
        }
    }
}
