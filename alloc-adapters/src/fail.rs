//! Allocation failures on demand.
//!
//! A request counts if it may fail: it makes a block, or makes one larger. Frees, shrinks, resizes to the same size and
//! calls without effect never fail by the contract, so they neither count nor fail here. The first request is number 1.
//! A request that the wrapped allocator refuses by itself counts like any other.

use std::cell::Cell;

use perilune_core::{LuaAlloc, OldSize};

/// Counts the requests that may fail, and refuses those in a range.
#[derive(Debug)]
struct Refusal {
    count: Cell<u64>,
    refused: Cell<u64>,
    first: Cell<u64>,
    last: Cell<u64>,
}

impl Refusal {
    const fn new(first: u64, last: u64) -> Self {
        Self { count: Cell::new(0), refused: Cell::new(0), first: Cell::new(first), last: Cell::new(last) }
    }

    fn arm(&self, first: u64, last: u64) {
        self.count.set(0);
        self.refused.set(0);
        self.first.set(first);
        self.last.set(last);
    }

    /// Counts a call, and says whether it is to fail.
    fn refuses(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> bool {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize <= old {
            return false;
        }
        let number = self.count.get().saturating_add(1);
        self.count.set(number);
        let refuses = (self.first.get()..=self.last.get()).contains(&number);
        if refuses {
            self.refused.set(self.refused.get() + 1);
        }
        refuses
    }
}

/// The number that no request has.
const NEVER: u64 = 0;

/// The methods that both wrappers have.
macro_rules! methods {
    () => {
        /// Lets no request fail from now on; the count begins anew.
        pub fn disarm(&self) {
            self.arm(NEVER);
        }

        /// How many requests that may fail there have been since the wrapper was armed, refused ones included.
        pub fn count(&self) -> u64 {
            self.refusal.count.get()
        }

        /// How many of them this wrapper has refused.
        pub fn refused(&self) -> u64 {
            self.refusal.refused.get()
        }

        /// The wrapped adapter.
        pub const fn inner(&self) -> &A {
            &self.inner
        }
    };
}

/// Refuses every request that may fail from the `n`-th on, as if memory had ended for good.
///
/// A request that may fail is one that makes a block or makes one larger. Frees, shrinks, resizes to the same size and calls
/// without effect neither count nor fail. The cost is a comparison and a counter for each call, about a nanosecond.
///
/// ```
/// use perilune_alloc_adapters::{AllocKind, FailAfter, LuaAlloc, OldSize, System};
///
/// let memory = FailAfter::new(System, 2);
/// let table = OldSize::of_kind(AllocKind::Table);
/// // SAFETY: the block is used as the contract says, and freed once.
/// unsafe {
///     let block = memory.realloc(std::ptr::null_mut(), table, 56);
///     assert!(!block.is_null());
///     assert!(memory.realloc(std::ptr::null_mut(), table, 56).is_null());
///     assert!(memory.realloc(block, OldSize::of_size(56), 57).is_null());
///     memory.realloc(block, OldSize::of_size(56), 0);
/// }
/// assert_eq!((memory.count(), memory.refused()), (3, 2));
/// ```
#[derive(Debug)]
pub struct FailAfter<A> {
    inner: A,
    refusal: Refusal,
}

impl<A> FailAfter<A> {
    /// Wraps an adapter; the requests that may fail do so from number `n` on, counted from 1; with 0, none does.
    pub const fn new(inner: A, n: u64) -> Self {
        let last = if n == NEVER { NEVER } else { u64::MAX };
        Self { inner, refusal: Refusal::new(n, last) }
    }

    /// Counts anew from here: the `n`-th request from now on is the first to be refused; with 0, none is.
    pub fn arm(&self, n: u64) {
        self.refusal.arm(n, if n == NEVER { NEVER } else { u64::MAX });
    }

    methods!();
}

/// Refuses one request that may fail, the `n`-th; what follows succeeds again.
///
/// What counts, and the cost, are as for [`FailAfter`]. Two of them stacked, both armed with `n`, refuse the requests `n` and
/// `n + 1`, since the inner one does not see what the outer one refuses: so a second attempt fails as well.
///
/// ```
/// use perilune_alloc_adapters::{AllocKind, FailOnce, LuaAlloc, OldSize, System};
///
/// let memory = FailOnce::new(System, 1);
/// let string = OldSize::of_kind(AllocKind::String);
/// // SAFETY: the block is used as the contract says, and freed once.
/// unsafe {
///     assert!(memory.realloc(std::ptr::null_mut(), string, 30).is_null());
///     let block = memory.realloc(std::ptr::null_mut(), string, 30);
///     assert!(!block.is_null());
///     memory.realloc(block, OldSize::of_size(30), 0);
/// }
/// ```
#[derive(Debug)]
pub struct FailOnce<A> {
    inner: A,
    refusal: Refusal,
}

impl<A> FailOnce<A> {
    /// Wraps an adapter; of the requests that may fail, number `n` does, counted from 1; with 0, none does.
    pub const fn new(inner: A, n: u64) -> Self {
        Self { inner, refusal: Refusal::new(n, n) }
    }

    /// Counts anew from here: the `n`-th request from now on is refused; with 0, none is.
    pub fn arm(&self, n: u64) {
        self.refusal.arm(n, n);
    }

    methods!();
}

/// The contract for both wrappers.
macro_rules! forward {
    ($wrapper:ident) => {
        // SAFETY: the call is forwarded as it is (C2), or refused with null where that is allowed: never for a free or a
        // shrink, and without touching the old block.
        unsafe impl<A: LuaAlloc> LuaAlloc for $wrapper<A> {
            unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
                if self.refusal.refuses(ptr, osize, nsize) {
                    return std::ptr::null_mut();
                }
                // SAFETY: C1, C2.
                unsafe { self.inner.realloc(ptr, osize, nsize) }
            }

            fn frees_in_bulk(&self) -> bool {
                self.inner.frees_in_bulk()
            }
        }
    };
}

forward!(FailAfter);
forward!(FailOnce);

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use perilune_core::AllocKind;

    use super::*;
    use crate::System;

    const NEW: OldSize = OldSize::of_kind(AllocKind::Thread);

    /// Which of eight new blocks come, as a text.
    fn pattern(memory: &impl LuaAlloc) -> String {
        (0..8)
            .map(|_| {
                // SAFETY: the block is used as the contract says.
                unsafe {
                    let block = memory.realloc(null_mut(), NEW, 24);
                    memory.realloc(block, OldSize::of_size(24), 0);
                    if block.is_null() { 'x' } else { '.' }
                }
            })
            .collect()
    }

    #[test]
    fn for_good_and_once() {
        assert_eq!(pattern(&FailAfter::new(System, 3)), "..xxxxxx");
        assert_eq!(pattern(&FailAfter::new(System, 0)), "........");
        assert_eq!(pattern(&FailOnce::new(System, 3)), "..x.....");
        assert_eq!(pattern(&FailOnce::new(System, 0)), "........");
        assert_eq!(pattern(&FailOnce::new(FailOnce::new(System, 3), 3)), "..xx....");
    }

    #[test]
    fn arming_anew() {
        let memory = FailAfter::new(System, 1);
        assert_eq!(pattern(&memory), "xxxxxxxx");
        assert_eq!((memory.count(), memory.refused()), (8, 8));
        memory.arm(8);
        assert_eq!(pattern(&memory), ".......x");
        memory.disarm();
        assert_eq!(pattern(&memory), "........");
        assert_eq!((memory.count(), memory.refused()), (8, 0));
        let memory = FailOnce::new(System, 1);
        assert_eq!(pattern(&memory), "x.......");
        memory.arm(2);
        assert_eq!(pattern(&memory), ".x......");
    }

    #[test]
    fn what_never_fails_does_not_count() {
        let memory = FailAfter::new(System, 3);
        // SAFETY: the block is used as the contract says.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 100);
            let block = memory.realloc(block, OldSize::of_size(100), 200);
            assert_eq!(memory.count(), 2);
            let block = memory.realloc(block, OldSize::of_size(200), 200);
            let block = memory.realloc(block, OldSize::of_size(200), 1);
            assert!(!block.is_null());
            assert!(memory.realloc(null_mut(), OldSize::of_size(0), 0).is_null());
            assert_eq!(memory.count(), 2);
            // A new block's kind is no size: eight bytes for a thread are a request as well.
            assert!(memory.realloc(null_mut(), NEW, 8).is_null());
            assert!(memory.realloc(block, OldSize::of_size(1), 2).is_null());
            memory.realloc(block, OldSize::of_size(1), 0);
        }
        assert_eq!((memory.count(), memory.refused()), (4, 2));
    }
}
