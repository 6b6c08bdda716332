//! The allocator of the states under test.

use perilune_alloc_adapters::{Checking, Counting, FailOnce, Limit, System};
use perilune_core::{LuaAlloc, OldSize};

use crate::oracle::is_clean;

/// How much a state may hold, without a step that says otherwise: enough for a stack of a million slots.
const ENOUGH: usize = 256 << 20;

/// Memory that is checked and counted, and that can be made to run out.
pub struct Memory(Counting<Limit<FailOnce<Checking<System>>>>);

// SAFETY: every call is forwarded as it is.
unsafe impl LuaAlloc for Memory {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the callee's.
        unsafe { self.0.realloc(ptr, osize, nsize) }
    }
}

impl Memory {
    /// Memory of which nothing is in use.
    pub fn new() -> Self {
        let failing = FailOnce::new(Checking::recording(System), 0);
        Self(Counting::new(Limit::new(failing, ENOUGH)))
    }

    /// Allows that many bytes more than are in use.
    pub fn allow(&self, more: usize) {
        let limit = self.0.inner();
        limit.set_limit(limit.used().saturating_add(more));
    }

    /// Lets one allocation fail, after that many others.
    pub fn fail_after(&self, count: u64) {
        self.0.inner().inner().arm(count + 1);
    }

    /// Takes limit and failure back.
    pub fn relax(&self) {
        self.0.inner().set_limit(ENOUGH);
        self.0.inner().inner().disarm();
    }

    /// How many requests have failed.
    pub fn failures(&self) -> u64 {
        self.0.stats().failures
    }

    /// What is wrong at the end, when everything should have been freed.
    pub fn faults(&self) -> Option<String> {
        is_clean(self.0.inner().inner().inner()).err()
    }
}
