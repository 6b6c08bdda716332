//! The memory of a swept state: it refuses what it is told to, and checks that the state keeps its side of the contract.

use std::cell::Cell;
use std::ptr::null_mut;

use perilune_alloc_adapters::{Checking, LuaAlloc, OldSize, Slab};

use super::Failure;

/// How a run goes on after a request at which it could part.
pub(super) enum Branch {
    /// As it was; the next such request has this number.
    Stay(u64),
    /// In a process of its own, with this failure.
    Leave(Failure),
}

/// What is asked at such a request.
pub(super) type Fork<'a> = dyn Fn(u64) -> Branch + 'a;

/// Counts the requests that may fail (those for a new block, or for a larger one) from 1, and refuses those of a failure.
pub(super) struct Memory<'a> {
    checking: Checking<Slab>,
    count: Cell<u64>,
    refused: Cell<u64>,
    failure: Cell<Failure>,
    /// The next request at which the run may part.
    parting: Cell<u64>,
    fork: Option<&'a Fork<'a>>,
}

impl<'a> Memory<'a> {
    /// Memory that fails in a way that is known beforehand.
    pub(super) fn failing(failure: Failure) -> Self {
        Self {
            checking: Checking::recording(Slab::new()),
            count: Cell::new(0),
            refused: Cell::new(0),
            failure: Cell::new(failure),
            parting: Cell::new(u64::MAX),
            fork: None,
        }
    }

    /// Memory that does not fail by itself; from the request `first` on, it asks how to go on.
    pub(super) fn forking(first: u64, fork: &'a Fork<'a>) -> Self {
        Self { parting: Cell::new(first), fork: Some(fork), ..Self::failing(Failure::Never) }
    }

    /// How many requests there were.
    pub(super) fn count(&self) -> u64 {
        self.count.get()
    }

    /// How many of them were refused.
    pub(super) fn refused(&self) -> u64 {
        self.refused.get()
    }

    /// Refuses no requests any more.
    pub(super) fn recover(&self) {
        self.failure.set(Failure::Never);
    }

    /// What has been seen of the state's side of the contract.
    pub(super) fn checking(&self) -> &Checking<Slab> {
        &self.checking
    }

    /// Counts a request, and says whether it is refused.
    fn refuses(&self) -> bool {
        let number = self.count.get() + 1;
        self.count.set(number);
        if number == self.parting.get()
            && let Some(fork) = self.fork
        {
            match fork(number) {
                Branch::Stay(next) => self.parting.set(next),
                Branch::Leave(failure) => {
                    self.parting.set(u64::MAX);
                    self.failure.set(failure);
                }
            }
        }
        let refuses = match self.failure.get() {
            Failure::Never => false,
            Failure::Once(n) => number == n,
            Failure::Twice(n) => number == n || number == n + 1,
            Failure::From(n) => number >= n,
        };
        self.refused.set(self.refused.get() + u64::from(refuses));
        refuses
    }
}

// SAFETY: the call is forwarded as it is (C2), or refused with null where that is allowed: never for a free or a shrink, and
// without touching the old block. `Checking` wants to see every block freed, and so does this.
unsafe impl LuaAlloc for Memory<'_> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize > old && self.refuses() {
            return null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { self.checking.realloc(ptr, osize, nsize) }
    }
}
