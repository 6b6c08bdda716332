//! Counters around an adapter.

use std::cell::Cell;
use std::fmt;

use perilune_core::{AllocKind, LuaAlloc, OldSize};

/// How many kinds there are.
const KINDS: usize = AllocKind::ALL.len();

/// Counts what goes through it, and forwards every call. The counters can be read at any time.
#[derive(Debug, Default)]
pub struct Counting<A> {
    inner: A,
    calls: Cell<u64>,
    allocations: Cell<u64>,
    resizes: Cell<u64>,
    frees: Cell<u64>,
    failures: Cell<u64>,
    allocated_bytes: Cell<u64>,
    grown_bytes: Cell<u64>,
    live_blocks: Cell<usize>,
    live_bytes: Cell<usize>,
    peak_bytes: Cell<usize>,
    kinds: [(Cell<u64>, Cell<u64>); KINDS],
}

/// The counters of a [`Counting`] at one moment.
///
/// Its `Display` form is a table of a dozen lines for people to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// All calls, those without effect included.
    pub calls: u64,
    /// New blocks.
    pub allocations: u64,
    /// Blocks that got another size.
    pub resizes: u64,
    /// Freed blocks.
    pub frees: u64,
    /// Requests that were answered by null.
    pub failures: u64,
    /// The sum of the sizes of all new blocks, in bytes.
    pub allocated_bytes: u64,
    /// The sum of what resizes added to blocks that grew, in bytes.
    pub grown_bytes: u64,
    /// Blocks that are live.
    pub live_blocks: usize,
    /// The sum of their sizes, in bytes.
    pub live_bytes: usize,
    /// The highest value that `live_bytes` has had.
    pub peak_bytes: usize,
    /// The new blocks by kind, in the order of [`AllocKind::ALL`].
    pub kinds: [KindStats; KINDS],
}

/// The new blocks of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindStats {
    /// How many.
    pub allocations: u64,
    /// The sum of their sizes when they were made, in bytes.
    pub bytes: u64,
}

/// The place of a kind in [`AllocKind::ALL`].
fn place(kind: AllocKind) -> usize {
    AllocKind::ALL.iter().position(|&other| other == kind).unwrap_or(0)
}

fn add(counter: &Cell<u64>, n: u64) {
    counter.set(counter.get().wrapping_add(n));
}

impl<A> Counting<A> {
    /// Wraps an adapter; all counters are zero.
    pub fn new(inner: A) -> Self
    where
        A: LuaAlloc,
    {
        Self {
            inner,
            calls: Cell::default(),
            allocations: Cell::default(),
            resizes: Cell::default(),
            frees: Cell::default(),
            failures: Cell::default(),
            allocated_bytes: Cell::default(),
            grown_bytes: Cell::default(),
            live_blocks: Cell::default(),
            live_bytes: Cell::default(),
            peak_bytes: Cell::default(),
            kinds: Default::default(),
        }
    }

    /// The counters now.
    pub fn stats(&self) -> Stats {
        Stats {
            calls: self.calls.get(),
            allocations: self.allocations.get(),
            resizes: self.resizes.get(),
            frees: self.frees.get(),
            failures: self.failures.get(),
            allocated_bytes: self.allocated_bytes.get(),
            grown_bytes: self.grown_bytes.get(),
            live_blocks: self.live_blocks.get(),
            live_bytes: self.live_bytes.get(),
            peak_bytes: self.peak_bytes.get(),
            kinds: self.kinds.each_ref().map(|(n, bytes)| KindStats { allocations: n.get(), bytes: bytes.get() }),
        }
    }

    /// The sum of the sizes of all live blocks, in bytes.
    pub fn live_bytes(&self) -> usize {
        self.live_bytes.get()
    }

    /// The highest value that the sum of live sizes has had, in bytes.
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes.get()
    }

    /// The wrapped adapter.
    pub const fn inner(&self) -> &A {
        &self.inner
    }

    /// Counts a block that went from `old` to `new` bytes.
    fn change_live(&self, old: usize, new: usize) {
        let live = self.live_bytes.get().wrapping_sub(old).wrapping_add(new);
        self.live_bytes.set(live);
        self.peak_bytes.set(self.peak_bytes.get().max(live));
    }

    fn count_new(&self, kind: AllocKind, size: usize) {
        add(&self.allocations, 1);
        add(&self.allocated_bytes, size as u64);
        let (number, bytes) = &self.kinds[place(kind)];
        add(number, 1);
        add(bytes, size as u64);
        self.live_blocks.set(self.live_blocks.get() + 1);
        self.change_live(0, size);
    }

    fn count_free(&self, size: usize) {
        add(&self.frees, 1);
        self.live_blocks.set(self.live_blocks.get().wrapping_sub(1));
        self.change_live(size, 0);
    }

    fn count_resize(&self, old: usize, new: usize) {
        add(&self.resizes, 1);
        add(&self.grown_bytes, new.saturating_sub(old) as u64);
        self.change_live(old, new);
    }
}

// SAFETY: every call is forwarded as it is (C2), and its result returned as it is.
unsafe impl<A: LuaAlloc> LuaAlloc for Counting<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: C1, C2.
        let block = unsafe { self.inner.realloc(ptr, osize, nsize) };
        add(&self.calls, 1);
        match (ptr.is_null(), nsize) {
            (true, 0) => {}
            (false, 0) => self.count_free(osize.bytes()),
            _ if block.is_null() => add(&self.failures, 1),
            (true, size) => self.count_new(osize.kind(), size),
            (false, size) => self.count_resize(osize.bytes(), size),
        }
        block
    }

    fn frees_in_bulk(&self) -> bool {
        self.inner.frees_in_bulk()
    }
}

impl Stats {
    /// The new blocks of a kind.
    pub fn of(&self, kind: AllocKind) -> KindStats {
        self.kinds[place(kind)]
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats { calls, allocations, resizes, frees, failures, .. } = self;
        writeln!(f, "allocator calls  {calls:>14}")?;
        writeln!(f, "  new blocks     {allocations:>14}  {:>16} bytes", self.allocated_bytes)?;
        writeln!(f, "  resizes        {resizes:>14}  {:>16} bytes grown", self.grown_bytes)?;
        writeln!(f, "  frees          {frees:>14}")?;
        writeln!(f, "  failures       {failures:>14}")?;
        writeln!(f, "live             {:>14}  {:>16} bytes", self.live_blocks, self.live_bytes)?;
        writeln!(f, "peak             {:>14}  {:>16} bytes", "", self.peak_bytes)?;
        writeln!(f, "new blocks by kind")?;
        for (kind, stats) in AllocKind::ALL.iter().zip(&self.kinds) {
            writeln!(f, "  {:<15}{:>14}  {:>16} bytes", kind.name(), stats.allocations, stats.bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;
    use crate::{Limit, System};

    #[test]
    fn counts_what_happens() {
        let memory = Counting::new(Limit::new(System, 1000));
        // SAFETY: the blocks are used as the contract says.
        unsafe {
            let string = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::String), 100);
            let other = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Other), 200);
            let other = memory.realloc(other, OldSize::of_size(200), 500);
            assert!(memory.realloc(other, OldSize::of_size(500), 901).is_null());
            assert_eq!((memory.live_bytes(), memory.peak_bytes()), (600, 600));
            let other = memory.realloc(other, OldSize::of_size(500), 50);
            memory.realloc(null_mut(), OldSize::of_size(0), 0);
            memory.realloc(string, OldSize::of_size(100), 0);
            let stats = memory.stats();
            assert_eq!((stats.live_blocks, stats.live_bytes, stats.peak_bytes), (1, 50, 600));
            memory.realloc(other, OldSize::of_size(50), 0);
        }
        let stats = memory.stats();
        assert_eq!((stats.calls, stats.allocations, stats.resizes, stats.frees, stats.failures), (8, 2, 2, 2, 1));
        assert_eq!((stats.allocated_bytes, stats.grown_bytes), (300, 300));
        assert_eq!((stats.live_blocks, stats.live_bytes, stats.peak_bytes), (0, 0, 600));
        assert_eq!(stats.of(AllocKind::String), KindStats { allocations: 1, bytes: 100 });
        assert_eq!(stats.of(AllocKind::Other), KindStats { allocations: 1, bytes: 200 });
        assert_eq!(stats.of(AllocKind::Table), KindStats::default());
    }

    #[test]
    fn the_table_names_every_kind() {
        let text = Stats::default().to_string();
        for kind in AllocKind::ALL {
            assert!(text.contains(kind.name()), "{text}");
        }
    }
}
