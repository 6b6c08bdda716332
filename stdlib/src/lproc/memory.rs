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
/// `perilune_alloc_adapters::Limit` is for one allocator. The cost is three nanoseconds a call where that takes one.
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
        Budgeted { inner, charge: Charge { budget: Arc::clone(self), left: AtomicUsize::new(0) } }
    }

    /// Takes `bytes` out of the budget if it has them.
    fn take(&self, bytes: usize) -> bool {
        let after = |used: usize| used.checked_add(bytes).filter(|&after| after <= self.limit);
        // Nothing but the number itself is shared this way.
        bytes == 0 || self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

/// An allocator under a [`Budget`].
///
/// If it frees in bulk what is left when it is dropped, the budget then gets that back as well.
#[derive(Debug)]
pub struct Budgeted<A> {
    inner: A,
    // Dropped after the allocator, so that nobody takes bytes that are not free yet.
    charge: Charge,
}

/// What an allocator has from a budget.
#[derive(Debug)]
struct Charge {
    budget: Arc<Budget>,
    /// The bytes of live blocks, if they may be freed in bulk.
    left: AtomicUsize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.give_back(*self.left.get_mut());
    }
}

// SAFETY: the call is forwarded as it is, or refused with null where that is allowed: never for a free or a shrink.
unsafe impl<A: LuaAlloc> LuaAlloc for Budgeted<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let Charge { budget, left } = &self.charge;
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        let growth = nsize.saturating_sub(old);
        if !budget.take(growth) {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        let block = unsafe { self.inner.realloc(ptr, osize, nsize) };
        if block.is_null() && nsize > 0 {
            budget.give_back(growth);
            return block;
        }
        let shrinkage = old.saturating_sub(nsize);
        budget.give_back(shrinkage);
        if self.inner.frees_in_bulk() {
            // One of the two is 0, and the sum of all is never negative.
            left.fetch_add(growth.wrapping_sub(shrinkage), Ordering::Relaxed);
        }
        block
    }

    fn frees_in_bulk(&self) -> bool {
        self.inner.frees_in_bulk()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use perilune_alloc_adapters::conformance::{BulkCheck, Kit};
    use perilune_alloc_adapters::{Counting, Limit, Slab};
    use perilune_vm::{LoadMode, Lua, Status};

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

    /// Notes how many blocks came back one by one, and what was left of the budget when it was dropped.
    struct Watch<A> {
        inner: A,
        budget: Arc<Budget>,
        frees: Rc<Cell<usize>>,
        left: Rc<Cell<usize>>,
    }

    // SAFETY: the calls are only forwarded.
    unsafe impl<A: LuaAlloc> LuaAlloc for Watch<A> {
        unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
            self.frees.set(self.frees.get() + usize::from(!ptr.is_null() && nsize == 0));
            // SAFETY: the caller's promise is the callee's.
            unsafe { self.inner.realloc(ptr, osize, nsize) }
        }

        fn frees_in_bulk(&self) -> bool {
            self.inner.frees_in_bulk()
        }
    }

    impl<A> Drop for Watch<A> {
        fn drop(&mut self) {
            self.left.set(self.budget.used());
        }
    }

    #[test]
    fn a_state_that_is_freed_whole_gives_its_budget_back_whole() {
        let budget = Budget::new(1 << 20);
        let (frees, left) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let elsewhere = budget.wrap(System);
        // SAFETY: the block is used as the contract says.
        let other = unsafe { elsewhere.realloc(core::ptr::null_mut(), NEW, 1000) };
        // Twice, so that a budget that was not given back would be missed.
        for _ in 0..2 {
            let slab = Watch {
                inner: Slab::new(),
                budget: Arc::clone(&budget),
                frees: Rc::clone(&frees),
                left: Rc::clone(&left),
            };
            let mut lua = Lua::new(budget.wrap(slab)).expect("memory");
            let script = b"t = {} for i = 1, 3000 do t[i] = {i, 'name' .. i} end s = ('x'):rep(100000)
                local ok, message = pcall(string.rep, 'x', 1 << 20) assert(not ok and message == 'not enough memory')";
            crate::open_libs(&mut lua).expect("memory for the libraries");
            assert_eq!(lua.load_bytes(script, b"=script", LoadMode::TEXT), Status::Ok);
            assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
            assert!(budget.used() > 400_000);
            let before = frees.get();
            drop(lua);
            assert!(frees.get() - before < 100, "{} blocks were freed one by one", frees.get() - before);
            assert!(left.get() > 400_000, "the budget comes back when the memory has gone, not before");
            assert_eq!(budget.used(), 1000);
        }
        // SAFETY: as above.
        unsafe { elsewhere.realloc(other, OldSize::of_size(1000), 0) };
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn budgets_keep_the_contract() {
        let budget = Budget::new(1 << 30);
        Kit::new(|| Counting::new(budget.wrap(System))).live_bytes(Counting::live_bytes).sends().check();
        let report = Kit::new(|| budget.wrap(Slab::new())).check();
        assert!(matches!(report.bulk, BulkCheck::Came { .. }), "{report}");
        Kit::new(|| Limit::new(Budget::new(1 << 20).wrap(Slab::new()), usize::MAX)).live_bytes(Limit::used).check();
        assert_eq!(budget.used(), 0);
    }
}
