//! Memory that no single state owns: what channels hold, a limit that several allocators share, and bytes that lie in a block.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use perilune_alloc_adapters::System;
use perilune_vm::{AllocKind, LuaAlloc, OldSize};

/// An allocator that all threads may use at once.
pub(super) struct SharedMemory(Box<dyn LuaAlloc + Send + Sync>);

impl SharedMemory {
    pub(super) fn new(memory: impl LuaAlloc + Send + Sync + 'static) -> Self {
        Self(Box::new(memory))
    }

    /// A new block of `size` bytes, which is not 0; null if there is no memory.
    pub(super) fn allocate(&self, size: usize) -> *mut u8 {
        if size > isize::MAX as usize {
            return core::ptr::null_mut();
        }
        // SAFETY: a null pointer asks for a new block.
        unsafe { self.0.realloc(core::ptr::null_mut(), OldSize::of_kind(AllocKind::Other), size) }
    }

    /// Frees a block.
    ///
    /// # Safety
    /// The block is one of this memory, of exactly this size, and is not used afterwards.
    pub(super) unsafe fn free(&self, block: *mut u8, size: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.0.realloc(block, OldSize::of_size(size), 0) };
    }
}

impl Default for SharedMemory {
    fn default() -> Self {
        Self::new(System)
    }
}

/// Bytes in a block of the shared memory.
pub(super) struct Bytes {
    memory: Arc<SharedMemory>,
    block: *mut u8,
    len: usize,
}

// SAFETY: the block is nobody else's, and the memory may be used from all threads.
unsafe impl Send for Bytes {}
// SAFETY: the bytes do not change.
unsafe impl Sync for Bytes {}

impl Bytes {
    /// A copy of some bytes; `None` if there is no memory.
    pub(super) fn copy(memory: &Arc<SharedMemory>, bytes: &[u8]) -> Option<Self> {
        let block = if bytes.is_empty() { core::ptr::dangling_mut() } else { memory.allocate(bytes.len()) };
        if block.is_null() {
            return None;
        }
        // SAFETY: the block is new and has room for the bytes, of which there may be none.
        unsafe { block.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Some(Self { memory: Arc::clone(memory), block, len: bytes.len() })
    }

    /// The bytes.
    pub(super) fn as_slice(&self) -> &[u8] {
        // SAFETY: `copy` has filled the block, if there is one.
        unsafe { core::slice::from_raw_parts(self.block, self.len) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: the block was made with this size and is not used any more.
            unsafe { self.memory.free(self.block, self.len) };
        }
    }
}

/// A limit on the bytes that are live at once in several allocators together, whichever threads they are used on.
///
/// [`wrap`](Self::wrap) puts an allocator under the limit. It is exact, to the byte, in the sizes that were asked for, as that of
/// `perilune_alloc_adapters::Limit` is for one allocator.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    /// A limit in bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    /// The limit in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The sum of the requested sizes of all live blocks, in bytes.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Puts an allocator under the limit.
    pub fn wrap<A: LuaAlloc>(self: &Arc<Self>, inner: A) -> Budgeted<A> {
        Budgeted { inner, budget: Arc::clone(self) }
    }

    /// Takes `bytes` out of the budget if it has them.
    fn take(&self, bytes: usize) -> bool {
        let after = |used: usize| used.checked_add(bytes).filter(|&after| after <= self.limit);
        // Nothing but the number itself is shared this way.
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// An allocator under a [`Budget`].
#[derive(Debug)]
pub struct Budgeted<A> {
    inner: A,
    budget: Arc<Budget>,
}

// SAFETY: the call is forwarded as it is, or refused with null where that is allowed: never for a free or a shrink.
unsafe impl<A: LuaAlloc> LuaAlloc for Budgeted<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        let growth = nsize.saturating_sub(old);
        if !self.budget.take(growth) {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        let block = unsafe { self.inner.realloc(ptr, osize, nsize) };
        if block.is_null() && nsize > 0 {
            self.budget.give_back(growth);
        } else {
            self.budget.give_back(old.saturating_sub(nsize));
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: OldSize = OldSize::of_kind(AllocKind::Other);

    #[test]
    fn a_budget_holds_for_all_allocators_under_it() {
        let budget = Budget::new(100);
        let (one, two) = (budget.wrap(System), budget.wrap(System));
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let a = one.realloc(core::ptr::null_mut(), NEW, 60);
            let b = two.realloc(core::ptr::null_mut(), NEW, 40);
            assert!(!a.is_null() && !b.is_null());
            assert_eq!(budget.used(), 100);
            assert!(one.realloc(core::ptr::null_mut(), NEW, 1).is_null());
            assert!(two.realloc(b, OldSize::of_size(40), 41).is_null());
            let a = one.realloc(a, OldSize::of_size(60), 10);
            let b = two.realloc(b, OldSize::of_size(40), 90);
            assert!(!a.is_null() && !b.is_null());
            assert_eq!(budget.used(), 100);
            assert!(one.realloc(a, OldSize::of_size(10), usize::MAX).is_null());
            one.realloc(a, OldSize::of_size(10), 0);
            two.realloc(b, OldSize::of_size(90), 0);
            assert!(one.realloc(core::ptr::null_mut(), OldSize::of_size(0), 0).is_null());
        }
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn bytes_are_copied_and_freed() {
        let budget = Budget::new(10);
        let memory = Arc::new(SharedMemory::new(budget.wrap(System)));
        assert!(Bytes::copy(&memory, b"more than ten").is_none());
        let some = Bytes::copy(&memory, b"some").expect("memory");
        let none = Bytes::copy(&memory, b"").expect("memory");
        assert_eq!((some.as_slice(), none.as_slice(), budget.used()), (&b"some"[..], &b""[..], 4));
        drop((some, none));
        assert_eq!(budget.used(), 0);
    }
}
