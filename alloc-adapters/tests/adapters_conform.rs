//! Each adapter passes the conformance kit; arenas also with an end that is met, so that shrinks and frees happen without memory.

use perilune_alloc_adapters::conformance::{self, Kit};
use perilune_alloc_adapters::{Checking, Global, LuaAlloc, Slab, System, UpBump};

/// An adapter that may go to other threads; how often it was filled to its end.
fn sent<A: LuaAlloc + Send>(make: impl Fn() -> A) -> u64 {
    let report = conformance::check_send(&make);
    // Other sequences, in one thread.
    Kit::new(&make).seed(2).length(200).sequences(100).check();
    report.filled
}

#[test]
fn of_the_platform() {
    sent(|| System);
    sent(|| Global::new(&std::alloc::System));
    #[cfg(all(unix, target_pointer_width = "64"))]
    sent(|| perilune_alloc_adapters::Libc);
}

#[test]
#[cfg(feature = "bumpalo")]
fn of_bumpalo() {
    use perilune_alloc_adapters::{Bump, BumpFreeList};
    sent(Bump::new);
    sent(BumpFreeList::new);
    assert!(sent(|| Bump::with_limit(2 << 20)) > 0);
    assert!(sent(|| BumpFreeList::with_limit(2 << 20)) > 0);
}

#[test]
fn of_this_crate() {
    sent(UpBump::new);
    assert!(sent(|| UpBump::with_limit(2 << 20)) > 0);
    sent(Slab::new);
    sent(|| Checking::new(Slab::new()));
}

#[test]
#[cfg(feature = "allocator-api2")]
fn of_allocator_api2() {
    use perilune_alloc_adapters::Bridge;
    sent(|| Bridge::new(allocator_api2::alloc::Global));
}

#[test]
#[cfg(feature = "mimalloc")]
fn of_mimalloc() {
    use perilune_alloc_adapters::{Mimalloc, MimallocShared};
    // Its heap stays in its thread.
    conformance::check(Mimalloc::new);
    Kit::new(Mimalloc::new).seed(2).length(200).sequences(100).check();
    sent(|| MimallocShared);
}

#[test]
#[cfg(feature = "jemalloc")]
fn of_jemalloc() {
    sent(|| perilune_alloc_adapters::Jemalloc);
}

#[test]
#[cfg(feature = "snmalloc")]
fn of_snmalloc() {
    sent(|| perilune_alloc_adapters::Snmalloc);
}
