//! A limit on the bytes that are live at once.

use std::cell::Cell;

use perilune_core::{LuaAlloc, OldSize};

/// Never lets the sum of the requested sizes of all live blocks rise above a limit: what would pass it gets null.
///
/// The limit is exact, to the byte, in the sizes that were asked for. What the wrapped allocator adds (rounding, headers)
/// does not count. A resize counts its old block as gone, as nobody sees both. The cost is a sum and a comparison a call, about a
/// nanosecond.
#[derive(Debug)]
pub struct Limit<A> {
    inner: A,
    limit: Cell<usize>,
    used: Cell<usize>,
}

impl<A> Limit<A> {
    /// Wraps an adapter with a limit in bytes.
    pub const fn new(inner: A, limit: usize) -> Self {
        Self { inner, limit: Cell::new(limit), used: Cell::new(0) }
    }

    /// The limit in bytes.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Changes the limit. Blocks that are live already stay so even above it; only new ones are refused.
    pub fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
    }

    /// The sum of the requested sizes of all live blocks, in bytes.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// The wrapped adapter.
    pub const fn inner(&self) -> &A {
        &self.inner
    }
}

// SAFETY: the call is forwarded as it is (C2), or refused with null where that is allowed: never for a free or a shrink.
unsafe impl<A: LuaAlloc> LuaAlloc for Limit<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        let rest = self.used.get().saturating_sub(old);
        let after = rest.saturating_add(nsize);
        if nsize > old && after > self.limit.get() {
            return std::ptr::null_mut();
        }
        // SAFETY: C1, C2.
        let block = unsafe { self.inner.realloc(ptr, osize, nsize) };
        if nsize == 0 || !block.is_null() {
            self.used.set(after);
        }
        block
    }

    fn frees_in_bulk(&self) -> bool {
        self.inner.frees_in_bulk()
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use perilune_core::AllocKind;

    use super::*;
    use crate::System;

    const NEW: OldSize = OldSize::of_kind(AllocKind::Thread);

    #[test]
    fn the_limit_is_exact() {
        let memory = Limit::new(System, 100);
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let a = memory.realloc(null_mut(), NEW, 60);
            let b = memory.realloc(null_mut(), NEW, 40);
            assert!(!a.is_null() && !b.is_null());
            assert_eq!(memory.used(), 100);
            assert!(memory.realloc(null_mut(), NEW, 1).is_null());
            assert!(memory.realloc(a, OldSize::of_size(60), 61).is_null());
            let a = memory.realloc(a, OldSize::of_size(60), 10);
            let b = memory.realloc(b, OldSize::of_size(40), 90);
            assert!(!a.is_null() && !b.is_null());
            assert_eq!(memory.used(), 100);
            memory.realloc(a, OldSize::of_size(10), 0);
            memory.realloc(b, OldSize::of_size(90), 0);
            assert_eq!(memory.used(), 0);
        }
    }

    #[test]
    fn the_kind_of_a_new_block_is_no_size() {
        let memory = Limit::new(System, 16);
        // SAFETY: the block is used as the contract says.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 16);
            assert_eq!(memory.used(), 16);
            memory.realloc(block, OldSize::of_size(16), 0);
            memory.realloc(null_mut(), OldSize::of_size(8), 0);
            assert_eq!(memory.used(), 0);
        }
    }

    #[test]
    fn shrinking_works_above_a_lowered_limit() {
        let memory = Limit::new(System, 1000);
        // SAFETY: the block is used as the contract says.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 1000);
            memory.set_limit(10);
            let block = memory.realloc(block, OldSize::of_size(1000), 500);
            assert!(!block.is_null());
            assert!(memory.realloc(block, OldSize::of_size(500), usize::MAX).is_null());
            memory.realloc(block, OldSize::of_size(500), 0);
            assert_eq!(memory.used(), 0);
        }
    }
}
