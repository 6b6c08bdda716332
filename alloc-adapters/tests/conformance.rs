//! What keeps the contract passes the kit: the platform's allocator, and each instrument around it, alone and stacked.

use std::cell::Cell;
use std::io;
use std::ptr::null_mut;

use perilune_alloc_adapters::conformance::{self, BulkCheck, Kit};
use perilune_alloc_adapters::{
    CAlloc, Checking, Counting, FailAfter, FailOnce, Latency, Limit, LuaAlloc, OldSize, RawAlloc, System, Tracing,
};

#[test]
fn the_platform() {
    let report = conformance::check_send(|| System);
    assert!(report.hops > 100 && report.operations > 10_000, "{report}");
    assert_eq!(report.bulk, BulkCheck::NotClaimed);
    assert!(report.to_string().contains("went to another thread"), "{report}");
    assert_eq!(conformance::run_send(|| System), Ok(report), "the same parameters give the same");
}

#[test]
fn each_instrument() {
    Kit::new(|| Counting::new(System)).live_bytes(Counting::live_bytes).sends().check();
    Kit::new(|| Limit::new(System, usize::MAX)).live_bytes(Limit::used).sends().check();
    Kit::new(|| Checking::new(System)).live_bytes(|memory| memory.leaks().bytes).sends().check();
    conformance::check_send(|| FailAfter::new(System, 0));
    conformance::check_send(|| FailOnce::new(System, 0));
    conformance::check_send(|| Tracing::new(System, io::sink()));
    Kit::new(|| Latency::new(System)).sequences(50).sends().check();
}

#[test]
fn an_exact_limit() {
    let kit = Kit::new(|| Limit::new(System, 1 << 20)).live_bytes(Limit::used);
    let report = kit.check();
    assert!(report.filled > 0 && report.refused > report.filled, "{report}");
    // Memory that fails from a request on: whatever came before that is kept, freed and shrunk.
    for n in [1, 2, 3, 10, 30] {
        Kit::new(|| Counting::new(FailAfter::new(System, n))).live_bytes(Counting::live_bytes).budget(0).check();
        Kit::new(|| Counting::new(FailOnce::new(System, n))).live_bytes(Counting::live_bytes).budget(0).check();
    }
}

#[test]
fn stacks_of_them() {
    Kit::new(|| Counting::new(Limit::new(Checking::new(System), 2 << 20)))
        .live_bytes(Counting::live_bytes)
        .sends()
        .check();
    Kit::new(|| Checking::new(Limit::new(Counting::new(System), 4 << 20))).sends().check();
    Kit::new(|| Limit::new(Tracing::new(Checking::new(FailOnce::new(System, 0)), io::sink()), 2 << 20))
        .live_bytes(Limit::used)
        .sequences(100)
        .sends()
        .check();
    Kit::new(|| Checking::new(Tracing::new(Latency::new(Counting::new(System)), io::sink()))).sequences(50).check();
    Kit::new(|| FailAfter::new(Latency::new(Checking::new(Tracing::new(System, io::sink()))), 0)).sequences(50).check();
}

#[test]
fn nothing_is_left_behind() {
    let memory = Counting::new(System);
    conformance::check(|| &memory);
    assert_eq!((memory.live_bytes(), memory.stats().live_blocks), (0, 0));
    assert!(memory.stats().empty_calls > 0);
}

#[test]
fn an_adapter_as_a_pair_of_c() {
    let memory = Counting::new(System);
    let pair = RawAlloc::from_adapter(&raw const memory);
    // SAFETY: the adapter keeps the contract, and outlives the pair.
    let report = conformance::check(|| unsafe { CAlloc::new(pair.func, pair.ud) });
    // The rules about whole adapters come on top.
    assert!(memory.stats().calls > report.operations);
    assert_eq!(memory.live_bytes(), 0);
}

/// Hands out one piece of memory from its beginning to its end.
struct Bump {
    memory: Box<[Cell<u128>]>,
    next: Cell<usize>,
}

// SAFETY: new blocks lie in words that were never given away before; a block that does not grow stays.
unsafe impl LuaAlloc for Bump {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        let old = if ptr.is_null() { 0 } else { osize.bytes() };
        if nsize == 0 {
            return null_mut();
        }
        if nsize <= old {
            return ptr;
        }
        let first = self.next.get();
        let words = nsize.div_ceil(16);
        let Some(room) = self.memory.get(first..).and_then(|rest| rest.get(..words)) else { return null_mut() };
        self.next.set(first + words);
        let block = room.as_ptr().cast_mut().cast::<u8>();
        // SAFETY: the old block has `old` bytes, fewer than the new one, and they do not overlap.
        unsafe { block.copy_from_nonoverlapping(ptr, old) };
        block
    }

    fn frees_in_bulk(&self) -> bool {
        true
    }
}

#[test]
fn an_arena_with_an_end() {
    let make = || Bump { memory: vec![Cell::new(0); 1 << 16].into(), next: Cell::new(0) };
    let report = Kit::new(make).sends().check();
    assert!(report.filled > 0, "{report}");
    #[cfg(target_os = "linux")]
    assert!(matches!(report.bulk, BulkCheck::Came { bytes: 16_000_000.. }), "{report}");
    // Wrappers say what the wrapped one says.
    assert!(Counting::new(FailOnce::new(Limit::new(make(), 100), 0)).frees_in_bulk());
    assert!(!Checking::recording(make()).frees_in_bulk(), "what checks for leaks has everything freed");
    assert!(!Tracing::new(make(), io::sink()).frees_in_bulk(), "what records sees everything freed");
}

#[test]
fn parameters() {
    let few = Kit::new(|| System).sequences(0).check();
    let more = Kit::new(|| System).sequences(10).length(200).check();
    assert_eq!(more.sequences, few.sequences + 10);
    assert!(more.operations > few.operations + 1000, "{more}");
    let other = Kit::new(|| System).sequences(10).length(200).seed(2).check();
    assert_ne!((other.operations, other.seed), (more.operations, more.seed));
}

#[test]
fn a_report_reads_like_this() {
    /// Refuses to shrink.
    struct Stubborn;
    // SAFETY: the call is forwarded, or refused.
    unsafe impl LuaAlloc for Stubborn {
        unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
            if !ptr.is_null() && nsize > 0 && nsize < osize.bytes() / 2 {
                return null_mut();
            }
            // SAFETY: the caller's promise.
            unsafe { System.realloc(ptr, osize, nsize) }
        }
    }
    let broken = conformance::run(|| Stubborn).expect_err("it is stubborn");
    assert_eq!(
        broken.to_string(),
        "the allocation contract is broken: a resize to the same or a smaller size never fails
  seen: resizing a block from 7 to 1 bytes gave null
  after these steps, the last of which showed it:
    1. block 1 = a new block of kind other of 7 bytes
    2. block 1 is resized to 1 bytes"
    );
    let caught = std::panic::catch_unwind(|| conformance::check(|| Stubborn)).expect_err("it panics");
    assert_eq!(caught.downcast_ref::<String>(), Some(&broken.to_string()));
}
