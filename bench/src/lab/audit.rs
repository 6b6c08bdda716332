//! The instrument that says by a hash and totals what was asked of an allocator.
//!
//! The hash takes in each call's arguments in their order, but for the address: of that only whether it is null. So a recording
//! and its replay have the same hash if and only if (but for chance) they made the same calls.

use std::cell::Cell;

use perilune_alloc_adapters::trace::Record;
use perilune_alloc_adapters::{LuaAlloc, OldSize};
use serde::{Deserialize, Serialize};

/// What was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The calls, but for those that were refused.
    pub calls: u64,
    /// New blocks.
    pub allocations: u64,
    /// Freed blocks.
    pub frees: u64,
    /// Bytes of new blocks, and those by which blocks grew.
    pub allocated_bytes: u64,
    /// Bytes of freed blocks, and those by which blocks shrank.
    pub freed_bytes: u64,
    /// The hash of all calls.
    pub hash: u64,
}

impl Totals {
    /// Takes in a call: the size of its block, or the kind of a new one, and the size asked for. 0 and 0 is a call without effect.
    fn note(&mut self, is_new: bool, osize: usize, nsize: usize) {
        self.calls += 1;
        let old = if is_new { 0 } else { osize as u64 };
        let new = nsize as u64;
        self.allocations += u64::from(is_new && new > 0);
        self.frees += u64::from(!is_new && new == 0);
        self.allocated_bytes += new.saturating_sub(old);
        self.freed_bytes += old.saturating_sub(new);
        let words = [u64::from(is_new), if is_new && nsize == 0 { 0 } else { osize as u64 }, new];
        for word in words {
            self.hash = (self.hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            self.hash ^= self.hash >> 29;
        }
    }

    /// Takes in the call that a record of a trace tells of; one that was refused counts for nothing.
    pub fn note_record(&mut self, record: &Record) {
        match *record {
            Record::Empty => self.note(true, 0, 0),
            Record::New { kind, size, .. } => self.note(true, kind as usize, size),
            Record::Resize { old, new, .. } => self.note(false, old, new),
            Record::Free { size, .. } => self.note(false, size, 0),
            Record::FailedNew { .. } | Record::FailedResize { .. } | Record::Close => {}
        }
    }
}

/// Keeps [`Totals`] of what goes through it.
#[derive(Debug)]
pub struct Audit<A> {
    inner: A,
    totals: Cell<Totals>,
}

impl<A: LuaAlloc> Audit<A> {
    /// Wraps an allocator.
    pub fn new(inner: A) -> Self {
        Self { inner, totals: Cell::default() }
    }

    /// What was asked so far.
    pub fn totals(&self) -> Totals {
        self.totals.get()
    }

    /// The wrapped allocator.
    pub fn inner(&self) -> &A {
        &self.inner
    }
}

// SAFETY: every call is forwarded as it is, and its result returned as it is.
unsafe impl<A: LuaAlloc> LuaAlloc for Audit<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the callee's.
        let block = unsafe { self.inner.realloc(ptr, osize, nsize) };
        if !block.is_null() || nsize == 0 {
            let mut totals = self.totals.get();
            // Unknown numbers of kinds count as `Other`, as a trace has them.
            let osize = if ptr.is_null() { osize.kind() as usize } else { osize.bytes() };
            totals.note(ptr.is_null(), osize, nsize);
            self.totals.set(totals);
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use perilune_alloc_adapters::trace::Trace;
    use perilune_alloc_adapters::{AllocKind, System, Tracing};

    use super::*;

    /// Makes blocks of the sizes, lets one grow, and frees them.
    fn run(memory: &impl LuaAlloc, sizes: &[usize]) {
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let mut blocks: Vec<_> = sizes
                .iter()
                .map(|&size| (memory.realloc(null_mut(), OldSize::of_kind(AllocKind::String), size), size))
                .collect();
            memory.realloc(null_mut(), OldSize::of_size(99), 0);
            let (block, size) = blocks[0];
            blocks[0] = (memory.realloc(block, OldSize::of_size(size), 500), 500);
            assert!(memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Table), usize::MAX).is_null());
            for (block, size) in blocks {
                memory.realloc(block, OldSize::of_size(size), 0);
            }
        }
    }

    #[test]
    fn a_trace_has_the_hash_of_what_was_asked() {
        let mut file = Vec::new();
        let memory = Audit::new(Tracing::new(System, &mut file));
        run(&memory, &[16, 40, 40, 7]);
        memory.inner().finish().expect("a vector takes everything");
        let asked = memory.totals();
        drop(memory);
        let mut told = Totals::default();
        for record in Trace::new(&file[..]).expect("a trace") {
            told.note_record(&record.expect("a record"));
        }
        assert_eq!(asked, told);
        assert_eq!((asked.calls, asked.allocations, asked.frees), (10, 4, 4));
        assert_eq!((asked.allocated_bytes, asked.freed_bytes), (103 + 484, 587));

        let other = Audit::new(System);
        run(&other, &[16, 40, 7, 40]);
        assert_ne!(other.totals().hash, asked.hash);
        assert_eq!(other.totals().allocated_bytes, asked.allocated_bytes);
    }
}
