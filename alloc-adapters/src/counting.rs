//! Counters around an adapter.
//!
//! Whatever can be derived is derived when the figures are read, so that a call touches few counters: those of its kind and size
//! class, and what is live.

use std::cell::Cell;
use std::fmt;

use perilune_core::{AllocKind, LuaAlloc, OldSize};

/// How many kinds there are.
const KINDS: usize = AllocKind::ALL.len();

/// The largest size, in bytes, of each size class of [`Stats`]: steps of 16 bytes up to 128, then powers of two up to 1 MiB,
/// then all the rest.
pub const SIZE_CLASSES: [usize; CLASSES] = {
    let mut sizes = [usize::MAX; CLASSES];
    let mut class = 0;
    while class < CLASSES - 1 {
        sizes[class] = if class < 8 { 16 * (class + 1) } else { 1 << class };
        class += 1;
    }
    sizes
};
const CLASSES: usize = 22;

/// The place in [`SIZE_CLASSES`] of a size that is not 0.
const fn class_of(size: usize) -> usize {
    let above = size.wrapping_sub(1);
    if above < 128 {
        return above / 16;
    }
    let class = (usize::BITS - above.leading_zeros()) as usize;
    if class < CLASSES - 1 { class } else { CLASSES - 1 }
}

/// A number of things and the sum of their bytes.
#[derive(Debug, Default)]
struct Sum {
    number: Cell<u64>,
    bytes: Cell<u64>,
}

impl Sum {
    fn add(&self, bytes: usize) {
        add(&self.number, 1);
        add(&self.bytes, bytes as u64);
    }

    fn remove(&self, bytes: usize) {
        self.number.set(self.number.get().wrapping_sub(1));
        self.bytes.set(self.bytes.get().wrapping_sub(bytes as u64));
    }
}

/// What grew, by the class of the new size.
#[derive(Debug, Default)]
struct Growth {
    all: Cell<u64>,
    in_place: Cell<u64>,
}

/// Counts what goes through it, and forwards every call. The counters can be read at any time.
///
/// The cost is one to two nanoseconds a call, and about 3 KiB for the counters, which are part of the value.
#[derive(Debug, Default)]
pub struct Counting<A> {
    inner: A,
    empty_calls: Cell<u64>,
    failures: Cell<u64>,
    frees: Cell<u64>,
    shrinks: Cell<u64>,
    shrinks_in_place: Cell<u64>,
    grown_bytes: Cell<u64>,
    live_bytes: Cell<usize>,
    peak_bytes: Cell<usize>,
    made: [[Sum; CLASSES]; KINDS],
    growth: [Growth; CLASSES],
    live: [Sum; CLASSES],
}

/// The counters of a [`Counting`] at one moment.
///
/// Its `Display` form is a table for people to read: totals, kinds, and the size classes that were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// All calls, those without effect included.
    pub calls: u64,
    /// Calls without effect: a null pointer and a size of 0.
    pub empty_calls: u64,
    /// New blocks.
    pub allocations: u64,
    /// Blocks that got another size, or the same one again.
    pub resizes: u64,
    /// Resizes to a larger size.
    pub grows: u64,
    /// Those of them after which the block was where it had been.
    pub grows_in_place: u64,
    /// Resizes to a smaller size that left the block where it had been.
    pub shrinks_in_place: u64,
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
    /// The same by size, in the order of [`SIZE_CLASSES`].
    pub classes: [ClassStats; CLASSES],
}

/// The new blocks of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindStats {
    /// How many.
    pub allocations: u64,
    /// The sum of their sizes when they were made, in bytes.
    pub bytes: u64,
    /// How many of each size class, in the order of [`SIZE_CLASSES`].
    pub classes: [u64; CLASSES],
}

/// The blocks of one size class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassStats {
    /// The blocks that were made with a size of this class.
    pub allocations: u64,
    /// The sum of their sizes, in bytes.
    pub bytes: u64,
    /// The blocks that grew to a size of this class, be it from another one or from within.
    pub grows: u64,
    /// Those of them that stayed where they were.
    pub grows_in_place: u64,
    /// The live blocks that have a size of this class now.
    pub live_blocks: usize,
    /// The sum of their sizes, in bytes.
    pub live_bytes: usize,
}

/// The place of a kind in [`AllocKind::ALL`].
fn place(kind: AllocKind) -> usize {
    match kind {
        AllocKind::Other => 0,
        AllocKind::String => 1,
        AllocKind::Table => 2,
        AllocKind::Function => 3,
        AllocKind::Userdata => 4,
        AllocKind::Thread => 5,
    }
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
            empty_calls: Cell::default(),
            failures: Cell::default(),
            frees: Cell::default(),
            shrinks: Cell::default(),
            shrinks_in_place: Cell::default(),
            grown_bytes: Cell::default(),
            live_bytes: Cell::default(),
            peak_bytes: Cell::default(),
            made: Default::default(),
            growth: Default::default(),
            live: Default::default(),
        }
    }

    /// The counters now.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            empty_calls: self.empty_calls.get(),
            shrinks_in_place: self.shrinks_in_place.get(),
            frees: self.frees.get(),
            failures: self.failures.get(),
            grown_bytes: self.grown_bytes.get(),
            live_bytes: self.live_bytes.get(),
            peak_bytes: self.peak_bytes.get(),
            ..Stats::default()
        };
        for (kind, row) in stats.kinds.iter_mut().zip(&self.made) {
            for (at, made) in row.iter().enumerate() {
                let (number, bytes) = (made.number.get(), made.bytes.get());
                kind.classes[at] = number;
                kind.allocations += number;
                kind.bytes = kind.bytes.wrapping_add(bytes);
                stats.classes[at].allocations += number;
                stats.classes[at].bytes = stats.classes[at].bytes.wrapping_add(bytes);
            }
            stats.allocations += kind.allocations;
            stats.allocated_bytes = stats.allocated_bytes.wrapping_add(kind.bytes);
        }
        for (at, class) in stats.classes.iter_mut().enumerate() {
            class.grows = self.growth[at].all.get();
            class.grows_in_place = self.growth[at].in_place.get();
            class.live_blocks = self.live[at].number.get() as usize;
            class.live_bytes = self.live[at].bytes.get() as usize;
            stats.grows += class.grows;
            stats.grows_in_place += class.grows_in_place;
            stats.live_blocks = stats.live_blocks.wrapping_add(class.live_blocks);
        }
        stats.resizes = stats.grows + self.shrinks.get();
        stats.calls = stats.empty_calls + stats.allocations + stats.resizes + stats.frees + stats.failures;
        stats
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
        let class = class_of(size);
        self.made[place(kind)][class].add(size);
        self.live[class].add(size);
        self.change_live(0, size);
    }

    fn count_free(&self, size: usize) {
        add(&self.frees, 1);
        self.live[class_of(size)].remove(size);
        self.change_live(size, 0);
    }

    fn count_resize(&self, old: usize, new: usize, in_place: bool) {
        let class = class_of(new);
        if new > old {
            add(&self.growth[class].all, 1);
            add(&self.growth[class].in_place, in_place as u64);
            add(&self.grown_bytes, (new - old) as u64);
        } else {
            add(&self.shrinks, 1);
            add(&self.shrinks_in_place, (in_place && new < old) as u64);
        }
        self.live[class_of(old)].remove(old);
        self.live[class].add(new);
        self.change_live(old, new);
    }
}

// SAFETY: every call is forwarded as it is (C2), and its result returned as it is.
unsafe impl<A: LuaAlloc> LuaAlloc for Counting<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: C1, C2.
        let block = unsafe { self.inner.realloc(ptr, osize, nsize) };
        match (ptr.is_null(), nsize) {
            (true, 0) => add(&self.empty_calls, 1),
            (false, 0) => self.count_free(osize.bytes()),
            _ if block.is_null() => add(&self.failures, 1),
            (true, size) => self.count_new(osize.kind(), size),
            (false, size) => self.count_resize(osize.bytes(), size, block == ptr),
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

    /// The blocks of the size class that a size belongs to.
    pub fn of_size(&self, size: usize) -> ClassStats {
        self.classes[class_of(size)]
    }

    /// Which part of the growing resizes left the block where it was, from 0 to 1; `None` if nothing grew.
    pub fn in_place_growth(&self) -> Option<f64> {
        (self.grows > 0).then(|| self.grows_in_place as f64 / self.grows as f64)
    }
}

/// A size with its unit, as short as it is exact: 48, 2K, 1M.
struct Short(usize);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            n if n >= 1 << 20 && n % (1 << 20) == 0 => format!("{}M", n >> 20),
            n if n >= 1 << 10 && n % (1 << 10) == 0 => format!("{}K", n >> 10),
            n => n.to_string(),
        };
        f.pad(&text)
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats { calls, allocations, resizes, grows, frees, failures, .. } = self;
        writeln!(f, "allocator calls  {calls:>14}")?;
        writeln!(f, "  new blocks     {allocations:>14}  {:>16} bytes", self.allocated_bytes)?;
        writeln!(f, "  resizes        {resizes:>14}")?;
        write!(f, "    that grew    {grows:>14}  {:>16} bytes grown", self.grown_bytes)?;
        match self.in_place_growth() {
            Some(part) => writeln!(f, ", {:.1} % in place", 100.0 * part)?,
            None => writeln!(f)?,
        }
        writeln!(f, "  frees          {frees:>14}")?;
        writeln!(f, "  without effect {:>14}", self.empty_calls)?;
        writeln!(f, "  failures       {failures:>14}")?;
        writeln!(f, "live             {:>14}  {:>16} bytes", self.live_blocks, self.live_bytes)?;
        writeln!(f, "peak             {:>14}  {:>16} bytes", "", self.peak_bytes)?;
        writeln!(f, "new blocks by kind")?;
        for (kind, stats) in AllocKind::ALL.iter().zip(&self.kinds) {
            writeln!(f, "  {:<15}{:>14}  {:>16} bytes", kind.name(), stats.allocations, stats.bytes)?;
        }
        self.write_classes(f)
    }
}

impl Stats {
    /// The rows of the size classes that were used.
    fn write_classes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by size   {:>10}", "new")?;
        for kind in AllocKind::ALL {
            write!(f, " {:>9}", kind.name())?;
        }
        writeln!(f, " {:>9} {:>8} {:>10}", "grown to", "in place", "live")?;
        for (at, class) in self.classes.iter().enumerate() {
            if class.allocations == 0 && class.grows == 0 && class.live_blocks == 0 {
                continue;
            }
            match SIZE_CLASSES.get(at).filter(|_| at < CLASSES - 1) {
                Some(&size) => write!(f, "  <= {:<5}", Short(size))?,
                None => write!(f, "  >  {:<5}", Short(SIZE_CLASSES[CLASSES - 2]))?,
            }
            write!(f, "{:>10}", class.allocations)?;
            for kind in &self.kinds {
                write!(f, " {:>9}", kind.classes[at])?;
            }
            let part = match class.grows {
                0 => "-".to_owned(),
                grows => format!("{:.1} %", 100.0 * class.grows_in_place as f64 / grows as f64),
            };
            writeln!(f, " {:>9} {part:>8} {:>10}", class.grows, class.live_blocks)?;
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
        for (kind, number, bytes) in [
            (AllocKind::String, 1, 100),
            (AllocKind::Other, 1, 200),
            (AllocKind::Table, 0, 0),
            (AllocKind::Thread, 0, 0),
        ] {
            assert_eq!((stats.of(kind).allocations, stats.of(kind).bytes), (number, bytes), "{kind:?}");
        }
        assert_eq!((stats.grows, stats.empty_calls), (1, 1));
        assert_eq!(stats.of(AllocKind::Other).classes[class_of(200)], 1);
        assert_eq!(stats.of_size(300), ClassStats { grows: 1, ..stats.of_size(300) });
        assert_eq!(stats.classes.iter().map(|class| class.live_blocks).sum::<usize>(), 0);
    }

    #[test]
    fn classes_hold_what_they_say() {
        for (class, &limit) in SIZE_CLASSES.iter().enumerate() {
            assert_eq!(class_of(limit), class, "{limit}");
            assert_eq!(class_of(limit.saturating_add(1)), (class + 1).min(CLASSES - 1), "above {limit}");
        }
        assert_eq!((class_of(1), class_of(17), class_of(129), class_of((1 << 20) + 1)), (0, 1, 8, 21));
    }

    #[test]
    fn blocks_move_between_classes() {
        let memory = Counting::new(System);
        // SAFETY: the block is used as the contract says.
        unsafe {
            let block = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Table), 16);
            assert_eq!((memory.stats().of_size(16).live_blocks, memory.stats().of_size(16).live_bytes), (1, 16));
            // Within the same multiple of 16 the platform's adapter leaves blocks in place.
            let block = memory.realloc(block, OldSize::of_size(16), 10);
            let block = memory.realloc(block, OldSize::of_size(10), 15);
            let block = memory.realloc(block, OldSize::of_size(15), 15);
            let block = memory.realloc(block, OldSize::of_size(15), 3000);
            let stats = memory.stats();
            assert_eq!((stats.resizes, stats.grows, stats.shrinks_in_place), (4, 2, 1));
            assert_eq!((stats.of_size(16).grows, stats.of_size(16).grows_in_place), (1, 1));
            assert!(stats.in_place_growth() >= Some(0.5));
            assert_eq!((stats.of_size(16).live_blocks, stats.of_size(16).live_bytes), (0, 0));
            assert_eq!((stats.of_size(4096).live_blocks, stats.of_size(4096).live_bytes), (1, 3000));
            memory.realloc(block, OldSize::of_size(3000), 0);
        }
        assert_eq!(memory.stats().live_blocks, 0);
        assert_eq!(Stats::default().in_place_growth(), None);
    }

    #[test]
    fn the_table_names_every_kind() {
        let text = Stats::default().to_string();
        for kind in AllocKind::ALL {
            assert!(text.contains(kind.name()), "{text}");
        }
        assert!(!text.contains("<="), "unused classes have no rows: {text}");
    }

    #[test]
    fn the_table_has_a_row_for_each_class_that_was_used() {
        let memory = Counting::new(System);
        // SAFETY: the block is used as the contract says.
        unsafe {
            let block = memory.realloc(null_mut(), OldSize::of_kind(AllocKind::Table), 56);
            let block = memory.realloc(block, OldSize::of_size(56), 3 << 20);
            let text = memory.stats().to_string();
            memory.realloc(block, OldSize::of_size(3 << 20), 0);
            assert!(text.contains("\n  <= 64            1         0         0         1"), "{text}");
            assert!(text.contains("\n  >  1M   ") && !text.contains("<= 1M"), "{text}");
        }
    }
}
