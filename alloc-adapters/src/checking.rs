//! An adapter that does not trust its caller.
//!
//! Each block lies between a head, which says what the block is, and a tail of bytes that must not change:
//!
//! ```text
//! | head: 48 bytes | block: `size` bytes | tail: 16 bytes |
//! ```
//!
//! K1. The head of a live block lies directly before it and was written by this adapter; the head's `inner_size` is what
//!     was last asked of the wrapped adapter for the whole, and is at least head, block and tail together.
//!
//! The last bytes of a head are a guard, too, for what is written before the beginning of a block. A head whose mark or guard
//! is damaged is not believed: its block is reported and left alone.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ptr::null_mut;

use perilune_core::{AllocKind, LuaAlloc, OldSize};

/// The bytes of the tail.
const TAIL: [u8; TAIL_LEN] = [0xA5; TAIL_LEN];
const TAIL_LEN: usize = 16;
/// What fills a new block.
const FRESH: u8 = 0xCD;
/// What fills a freed block.
const FREED: u8 = 0xDD;
/// What marks the head of a live block.
const LIVE_MARK: u64 = 0x5045_5249_4c55_4e45;
/// What marks the head of a freed block.
const FREED_MARK: u64 = 0xDDDD_DDDD_DDDD_DDDD;
/// How many violations are kept; the others are only counted.
const KEPT: usize = 32;

/// What lies directly before a block.
const GUARD: u64 = 0xA5A5_A5A5_A5A5_A5A5;

/// What the adapter knows of a block. Any bytes are valid in it, as it may be read where no head is.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
struct Head {
    mark: u64,
    size: usize,
    inner_size: usize,
    serial: u64,
    /// The place of the kind in [`AllocKind::ALL`].
    place: usize,
    guard: u64,
}

/// The place of a kind in [`AllocKind::ALL`].
fn place(kind: AllocKind) -> usize {
    AllocKind::ALL.iter().position(|&each| each == kind).unwrap_or(0)
}

const HEAD_LEN: usize = size_of::<Head>();
const _: () = assert!(HEAD_LEN.is_multiple_of(16), "the block behind the head is aligned to 16");

/// How the contract was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A block came back with another size than was asked for.
    WrongSize {
        /// The number of the block, counted from 1 in the order of allocation.
        serial: u64,
        /// The size that was last asked for, in bytes.
        asked: usize,
        /// The size that came back.
        given: usize,
    },
    /// Bytes before the beginning of a block were changed.
    Underrun {
        /// The address of the block.
        address: usize,
    },
    /// Bytes behind the end of a block were changed.
    Overrun {
        /// The number of the block.
        serial: u64,
        /// Its size in bytes.
        size: usize,
    },
    /// A pointer came that is no live block: foreign, freed already, or its head was overwritten.
    NotABlock {
        /// The address.
        address: usize,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::WrongSize { serial, asked, given } => {
                write!(f, "block {serial} of {asked} bytes came back as one of {given} bytes")
            }
            Self::Underrun { address } => write!(f, "bytes before the beginning of the block at {address:#x} changed"),
            Self::Overrun { serial, size } => {
                write!(f, "bytes behind the end of block {serial} ({size} bytes) changed")
            }
            Self::NotABlock { address } => write!(f, "{address:#x} is not the address of a live block"),
        }
    }
}

/// What has not been freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaks {
    /// How many blocks.
    pub blocks: usize,
    /// The sum of their sizes, in bytes.
    pub bytes: usize,
    /// How many blocks of each kind, in the order of [`AllocKind::ALL`].
    pub by_kind: [usize; AllocKind::ALL.len()],
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} blocks of {} bytes were not freed:", self.blocks, self.bytes)?;
        for (kind, n) in AllocKind::ALL.iter().zip(self.by_kind).filter(|(_, n)| *n > 0) {
            write!(f, " {n} {}", kind.name())?;
        }
        Ok(())
    }
}

/// Verifies that the other side keeps the contract, for tests.
///
/// It checks that every size that comes back is the one that was asked for, and that nothing was written before the beginning
/// or behind the end of a block. It makes mistakes show: new and freed memory is filled with bytes that are no sensible
/// values, and a resize always moves the block. What is left at the end is a leak.
///
/// The cost: 64 bytes more for each block, every byte written once when a block is made and once more when it goes, and for a
/// resize both blocks at once. (So it belongs around a [`Limit`](crate::Limit) that is to be exact, or the other way round, as
/// one prefers; within, each block counts with its 64 bytes.) It does not free in bulk, to see what is left.
///
/// [`Checking::new`] prints the first violation on standard error and aborts the process: an allocator is called through
/// the C ABI, where nothing may unwind. [`Checking::recording`] keeps violations for [`Checking::violations`] and goes on.
#[derive(Debug)]
pub struct Checking<A: LuaAlloc> {
    inner: A,
    aborts: bool,
    serial: Cell<u64>,
    leaks: Cell<Leaks>,
    count: Cell<usize>,
    violations: RefCell<Vec<Violation>>,
}

impl<A: LuaAlloc> Checking<A> {
    /// Wraps an adapter; a violation ends the process, and so do leaks when the adapter is dropped.
    pub fn new(inner: A) -> Self {
        Self::with_policy(inner, true)
    }

    /// Wraps an adapter; violations are kept.
    pub fn recording(inner: A) -> Self {
        Self::with_policy(inner, false)
    }

    fn with_policy(inner: A, aborts: bool) -> Self {
        Self {
            inner,
            aborts,
            serial: Cell::new(0),
            leaks: Cell::default(),
            count: Cell::new(0),
            violations: RefCell::default(),
        }
    }

    /// The first violations, in the order in which they were found; at most 32 are kept.
    pub fn violations(&self) -> Vec<Violation> {
        self.violations.borrow().clone()
    }

    /// How many violations there were.
    pub fn violation_count(&self) -> usize {
        self.count.get()
    }

    /// What has not been freed yet.
    pub fn leaks(&self) -> Leaks {
        self.leaks.get()
    }

    /// The wrapped adapter.
    pub const fn inner(&self) -> &A {
        &self.inner
    }

    fn report(&self, violation: Violation) {
        if self.aborts {
            eprintln!("allocation contract broken: {violation}");
            std::process::abort();
        }
        self.count.set(self.count.get() + 1);
        let mut kept = self.violations.borrow_mut();
        if kept.len() < KEPT {
            kept.push(violation);
        }
    }

    /// Counts a block as live, or not any more.
    fn count_live(&self, head: &Head, live: bool) {
        let mut leaks = self.leaks.get();
        let place = head.place.min(AllocKind::ALL.len() - 1);
        if live {
            leaks.blocks += 1;
            leaks.bytes += head.size;
            leaks.by_kind[place] += 1;
        } else {
            leaks.blocks -= 1;
            leaks.bytes -= head.size;
            leaks.by_kind[place] -= 1;
        }
        self.leaks.set(leaks);
    }

    /// Makes a block, or returns null.
    fn make(&self, place: usize, serial: u64, size: usize) -> *mut u8 {
        let Some(inner_size) = size.checked_add(HEAD_LEN + TAIL_LEN) else { return null_mut() };
        // SAFETY: a null pointer asks for a new block.
        let start = unsafe { self.inner.realloc(null_mut(), OldSize::of_kind(AllocKind::ALL[place]), inner_size) };
        if start.is_null() {
            return null_mut();
        }
        let head = Head { mark: LIVE_MARK, size, inner_size, serial, place, guard: GUARD };
        self.count_live(&head, true);
        // SAFETY: the block holds head, block and tail, and is aligned to 16 (contract of the wrapped adapter).
        unsafe {
            start.cast::<Head>().write(head);
            let block = start.add(HEAD_LEN);
            block.write_bytes(FRESH, size);
            block.add(size).copy_from_nonoverlapping(TAIL.as_ptr(), TAIL_LEN);
            block
        }
    }

    /// The head of a block that came back, if it is one; what is wrong with it is reported.
    ///
    /// # Safety
    /// As for [`LuaAlloc::realloc`], but for the size.
    unsafe fn inspect(&self, block: *mut u8, given: usize) -> Option<Head> {
        // SAFETY: K1, if the address is a block's; if it is not, the read is what finds it out.
        let head = unsafe { block.sub(HEAD_LEN).cast::<Head>().read_unaligned() };
        if head.mark != LIVE_MARK {
            self.report(Violation::NotABlock { address: block as usize });
            return None;
        }
        if head.guard != GUARD {
            self.report(Violation::Underrun { address: block as usize });
            return None;
        }
        if head.size != given {
            self.report(Violation::WrongSize { serial: head.serial, asked: head.size, given });
        }
        // SAFETY: K1: the tail lies behind the block.
        let tail = unsafe { block.add(head.size).cast::<[u8; TAIL_LEN]>().read_unaligned() };
        if tail != TAIL {
            self.report(Violation::Overrun { serial: head.serial, size: head.size });
        }
        Some(head)
    }

    /// Frees a block whose head is known.
    ///
    /// # Safety
    /// K1 holds for the block; it is not used afterwards.
    unsafe fn release(&self, block: *mut u8, head: Head) {
        self.count_live(&head, false);
        // SAFETY: K1; C2: the wrapped adapter gets its own block and the size that it was asked for.
        unsafe {
            block.write_bytes(FREED, head.size);
            let start = block.sub(HEAD_LEN);
            (&raw mut (*start.cast::<Head>()).mark).write(FREED_MARK);
            self.inner.realloc(start, OldSize::of_size(head.inner_size), 0);
        }
    }
}

// SAFETY: blocks are those of the wrapped adapter behind a head of a multiple of 16 bytes, so they are aligned and large
// enough. A shrink that finds no memory for the move stays in place. Reports abort or are kept, and do not unwind.
unsafe impl<A: LuaAlloc> LuaAlloc for Checking<A> {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        if ptr.is_null() {
            if nsize == 0 {
                return null_mut();
            }
            self.serial.set(self.serial.get() + 1);
            return self.make(place(osize.kind()), self.serial.get(), nsize);
        }
        // SAFETY: C1, but for the size, which is verified; K1.
        unsafe {
            let Some(head) = self.inspect(ptr, osize.bytes()) else { return null_mut() };
            if nsize == 0 {
                self.release(ptr, head);
                return null_mut();
            }
            let moved = self.make(head.place, head.serial, nsize);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(ptr, nsize.min(head.size));
                self.release(ptr, head);
                return moved;
            }
            if nsize > head.size {
                return null_mut();
            }
            self.count_live(&head, false);
            let head = Head { size: nsize, ..head };
            self.count_live(&head, true);
            ptr.sub(HEAD_LEN).cast::<Head>().write(head);
            ptr.add(nsize).copy_from_nonoverlapping(TAIL.as_ptr(), TAIL_LEN);
            ptr
        }
    }
}

impl<A: LuaAlloc> Drop for Checking<A> {
    fn drop(&mut self) {
        let leaks = self.leaks.get();
        if self.aborts && leaks.blocks > 0 && !std::thread::panicking() {
            eprintln!("allocation contract broken: {leaks}");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limit, System};

    const NEW: OldSize = OldSize::of_kind(AllocKind::Table);

    #[test]
    fn a_good_caller_leaves_no_trace() {
        let memory = Checking::new(System);
        // SAFETY: the block is used as the contract says, within its size.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 5);
            assert_eq!(block as usize % 16, 0);
            block.copy_from_nonoverlapping(b"hello".as_ptr(), 5);
            let moved = memory.realloc(block, OldSize::of_size(5), 500);
            assert_ne!(block, moved);
            assert_eq!(std::slice::from_raw_parts(moved, 5), b"hello");
            assert_eq!(memory.leaks().bytes, 500);
            memory.realloc(moved, OldSize::of_size(500), 0);
        }
        assert_eq!(memory.leaks(), Leaks::default());
        assert_eq!(memory.violation_count(), 0);
    }

    #[test]
    fn a_wrong_size_is_found() {
        let memory = Checking::recording(System);
        // SAFETY: the size is wrong on purpose, which this adapter allows.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 24);
            memory.realloc(block, OldSize::of_size(23), 0);
        }
        assert_eq!(memory.violations(), [Violation::WrongSize { serial: 1, asked: 24, given: 23 }]);
    }

    #[test]
    fn an_overrun_is_found() {
        let memory = Checking::recording(System);
        // SAFETY: the write goes into the tail, which belongs to the wrapped adapter's block.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 24);
            block.add(24).write(0);
            memory.realloc(block, OldSize::of_size(24), 0);
        }
        assert_eq!(memory.violations(), [Violation::Overrun { serial: 1, size: 24 }]);
    }

    #[test]
    fn an_underrun_is_found_and_the_block_left_alone() {
        let memory = Checking::recording(System);
        // SAFETY: the write goes into the head, which belongs to the wrapped adapter's block.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 24);
            block.sub(1).write(0);
            assert!(memory.realloc(block, OldSize::of_size(24), 48).is_null());
            assert_eq!(memory.violations(), [Violation::Underrun { address: block as usize }]);
            block.sub(1).write(0xA5);
            memory.realloc(block, OldSize::of_size(24), 0);
        }
        assert_eq!(memory.violation_count(), 1);
        assert_eq!(memory.leaks().blocks, 0);
    }

    #[test]
    fn a_foreign_pointer_is_found() {
        let memory = Checking::recording(System);
        let mut bytes = [0u128; 8];
        let foreign = bytes.as_mut_ptr().cast::<u8>().wrapping_add(64);
        // SAFETY: there is room before the pointer for what is read as a head; it is not freed.
        let answer = unsafe { memory.realloc(foreign, OldSize::of_size(1), 0) };
        assert!(answer.is_null());
        assert_eq!(memory.violations(), [Violation::NotABlock { address: foreign as usize }]);
    }

    #[test]
    fn leaks_are_told_by_kind() {
        let memory = Checking::recording(System);
        // SAFETY: the block is used as the contract says, and freed in the end.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 24);
            assert_eq!(memory.leaks().to_string(), "1 blocks of 24 bytes were not freed: 1 table");
            memory.realloc(block, OldSize::of_size(24), 0);
        }
    }

    #[test]
    fn a_shrink_succeeds_without_memory() {
        let memory = Checking::recording(Limit::new(System, 200));
        // SAFETY: the block is used as the contract says.
        unsafe {
            let block = memory.realloc(null_mut(), NEW, 100);
            assert!(memory.realloc(block, OldSize::of_size(100), 101).is_null());
            let same = memory.realloc(block, OldSize::of_size(100), 90);
            assert_eq!(same, block);
            memory.realloc(same, OldSize::of_size(90), 0);
        }
        assert_eq!(memory.violation_count(), 0);
        assert_eq!(memory.inner().used(), 0);
    }
}
