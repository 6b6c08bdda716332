//! How long calls take.
//!
//! Each call that has an effect is timed by itself with the platform's monotonic clock, and goes into a histogram of its
//! operation. Reading the clock takes time as well; what two readings without anything between them give is the floor
//! below which nothing can be told. It is measured when the adapter is wrapped, and not subtracted.

use std::cell::RefCell;
use std::fmt;
use std::time::Instant;

pub use hdrhistogram::Histogram;
use perilune_core::{LuaAlloc, OldSize};

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It makes a block.
    Alloc,
    /// It makes a block larger.
    Grow,
    /// It makes a block smaller, or leaves its size.
    Shrink,
    /// It frees a block.
    Free,
}

impl Operation {
    /// All operations.
    pub const ALL: [Operation; 4] = [Self::Alloc, Self::Grow, Self::Shrink, Self::Free];

    /// The operation's name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alloc => "alloc",
            Self::Grow => "grow",
            Self::Shrink => "shrink",
            Self::Free => "free",
        }
    }

    /// The operation of a call; `None` for one without effect.
    fn of(ptr: *mut u8, osize: OldSize, nsize: usize) -> Option<Self> {
        match (ptr.is_null(), nsize) {
            (true, 0) => None,
            (true, _) => Some(Self::Alloc),
            (false, 0) => Some(Self::Free),
            (false, size) if size > osize.bytes() => Some(Self::Grow),
            _ => Some(Self::Shrink),
        }
    }
}

/// The longest time that is told apart from longer ones, in nanoseconds: a minute.
const LONGEST: u64 = 60_000_000_000;
/// How often the floor is measured.
const FLOOR_ROUNDS: usize = 2000;

/// Times every call that has an effect, and forwards it; the times are nanoseconds, kept to three digits.
///
/// The cost is two readings of the clock and a step into a histogram a call, about 100 nanoseconds. The times contain one
/// reading: look at the high percentiles, and at [`Latency::floor`]. Five histograms take about 1 MiB of the process's own memory, and never more.
///
/// ```
/// use perilune_alloc_adapters::{AllocKind, Latency, LuaAlloc, OldSize, Operation, System};
///
/// let memory = Latency::new(System);
/// // SAFETY: the block is used as the contract says, and freed once.
/// unsafe {
///     let block = memory.realloc(std::ptr::null_mut(), OldSize::of_kind(AllocKind::Table), 56);
///     memory.realloc(block, OldSize::of_size(56), 0);
/// }
/// assert_eq!(memory.histogram(Operation::Alloc).len(), 1);
/// println!("{}", memory.report());
/// ```
#[derive(Debug)]
pub struct Latency<A> {
    inner: A,
    floor: Histogram<u64>,
    times: [RefCell<Histogram<u64>>; 4],
}

/// A histogram for times up to [`LONGEST`].
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are a valid range, and three digits are allowed")
}

/// The nanoseconds since a moment.
fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

impl<A> Latency<A> {
    /// Wraps an adapter, and measures the floor of the clock.
    pub fn new(inner: A) -> Self {
        let mut floor = histogram();
        for _ in 0..FLOOR_ROUNDS {
            floor.saturating_record(nanoseconds(Instant::now()));
        }
        Self { inner, floor, times: std::array::from_fn(|_| RefCell::new(histogram())) }
    }

    /// What the clock shows, in nanoseconds, when it is read twice with nothing in between.
    pub const fn floor(&self) -> &Histogram<u64> {
        &self.floor
    }

    /// The times so far of an operation, in nanoseconds; the floor is not subtracted.
    pub fn histogram(&self, operation: Operation) -> Histogram<u64> {
        self.times[operation as usize].borrow().clone()
    }

    /// The percentiles that people look at, of all operations.
    pub fn report(&self) -> LatencyReport {
        LatencyReport {
            floor: Percentiles::of(&self.floor),
            rows: self.times.each_ref().map(|times| Percentiles::of(&times.borrow())),
        }
    }

    /// Forgets the times so far, not the floor.
    pub fn clear(&self) {
        for times in &self.times {
            times.borrow_mut().clear();
        }
    }

    /// The wrapped adapter.
    pub const fn inner(&self) -> &A {
        &self.inner
    }
}

// SAFETY: every call is forwarded as it is (C2), and its result returned as it is. A time beyond all bounds counts as the
// longest, so recording does not fail; and a histogram is borrowed for one statement at a time, within which no call comes.
unsafe impl<A: LuaAlloc> LuaAlloc for Latency<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let Some(operation) = Operation::of(ptr, osize, nsize) else {
            // SAFETY: C1, C2.
            return unsafe { self.inner.realloc(ptr, osize, nsize) };
        };
        let start = Instant::now();
        // SAFETY: C1, C2.
        let block = unsafe { self.inner.realloc(ptr, osize, nsize) };
        let time = nanoseconds(start);
        self.times[operation as usize].borrow_mut().saturating_record(time);
        block
    }

    fn frees_in_bulk(&self) -> bool {
        self.inner.frees_in_bulk()
    }
}

/// Percentiles of one histogram, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// How many times were recorded.
    pub count: u64,
    /// The shortest time.
    pub min: u64,
    /// Half of the times are no longer.
    pub p50: u64,
    /// 99 % of the times are no longer.
    pub p99: u64,
    /// 99.9 % of the times are no longer.
    pub p999: u64,
    /// The longest time.
    pub max: u64,
}

impl Percentiles {
    fn of(times: &Histogram<u64>) -> Self {
        Self {
            count: times.len(),
            min: times.min(),
            p50: times.value_at_quantile(0.5),
            p99: times.value_at_quantile(0.99),
            p999: times.value_at_quantile(0.999),
            max: times.max(),
        }
    }
}

/// The percentiles of a [`Latency`] at one moment. Its `Display` form is a table for people to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyReport {
    /// The clock's own.
    pub floor: Percentiles,
    /// Those of the operations, in the order of [`Operation::ALL`].
    pub rows: [Percentiles; 4],
}

impl fmt::Display for LatencyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "nanoseconds {:>12} {:>8} {:>8} {:>8} {:>8} {:>10}", "calls", "min", "p50", "p99", "p99.9", "max")?;
        let names = Operation::ALL.iter().map(|operation| operation.name());
        for (name, row) in names.zip(&self.rows).chain([("(the clock)", &self.floor)]) {
            let Percentiles { count, min, p50, p99, p999, max } = row;
            writeln!(f, "{name:<11} {count:>12} {min:>8} {p50:>8} {p99:>8} {p999:>8} {max:>10}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;
    use std::time::Duration;

    use perilune_core::AllocKind;

    use super::*;
    use crate::System;

    const NEW: OldSize = OldSize::of_kind(AllocKind::Table);

    /// Takes its time for one size.
    struct Slow;

    // SAFETY: the call is only forwarded.
    unsafe impl LuaAlloc for Slow {
        unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
            if nsize == 77 {
                std::thread::sleep(Duration::from_millis(5));
            }
            // SAFETY: the caller's promise.
            unsafe { System.realloc(ptr, osize, nsize) }
        }
    }

    #[test]
    fn each_operation_has_its_histogram() {
        let memory = Latency::new(Slow);
        // SAFETY: the block is used as the contract says.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 50);
            let block = memory.realloc(block, OldSize::of_size(50), 77);
            let block = memory.realloc(block, OldSize::of_size(77), 40);
            let block = memory.realloc(block, OldSize::of_size(40), 40);
            memory.realloc(block, OldSize::of_size(40), 0);
            memory.realloc(null_mut(), OldSize::of_size(0), 0);
        }
        let counts = Operation::ALL.map(|operation| memory.histogram(operation).len());
        assert_eq!(counts, [1, 1, 2, 1]);
        let report = memory.report();
        assert!(report.rows[Operation::Grow as usize].max >= 4_900_000, "{report}");
        assert!(report.rows[Operation::Grow as usize].min <= report.rows[Operation::Grow as usize].max);
        assert_eq!(report.floor.count, FLOOR_ROUNDS as u64);
        let text = report.to_string();
        assert!(text.lines().count() == 6 && text.contains("shrink") && text.contains("(the clock)"), "{text}");
        memory.clear();
        assert_eq!(memory.report().rows.map(|row| row.count), [0; 4]);
        assert_eq!(memory.floor().len(), FLOOR_ROUNDS as u64);
    }
}
