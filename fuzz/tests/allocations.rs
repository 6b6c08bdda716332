//! Every adapter keeps the allocation contract in random sequences of calls. That the kit sees what is wrong is shown by its own tests.

use std::cell::RefCell;

use perilune_alloc_adapters::conformance::{self, Kit, Step};
use perilune_alloc_adapters::{
    Bump, BumpFreeList, Checking, Counting, Global, Libc, Limit, LuaAlloc, Mimalloc, MimallocShared, OldSize, Slab,
    System, UpBump,
};
use perilune_fuzz::allocations::Sequence;
use perilune_fuzz::property;

/// Runs sequences on one kind of adapter.
fn check<A: LuaAlloc>(name: &str, kit: Kit<'_, A>) {
    property::check(name, 40, |sequence: &Sequence| sequence.keeps_contract(&kit));
}

/// One kind that may go to other threads.
fn check_send<A: LuaAlloc + Send>(name: &str, make: impl Fn() -> A) {
    check(name, Kit::new(make).sends());
}

#[test]
fn of_the_platform() {
    check_send("allocations_system", || System);
    check_send("allocations_global", || Global::new(&std::alloc::System));
    check_send("allocations_libc", || Libc);
    check("allocations_mimalloc", Kit::new(Mimalloc::new));
    check_send("allocations_mimalloc_shared", || MimallocShared);
}

#[test]
fn arenas() {
    check_send("allocations_bump", Bump::new);
    check_send("allocations_bump_free_list", BumpFreeList::new);
    check_send("allocations_up_bump", UpBump::new);
    check_send("allocations_bump_limit", || Bump::with_limit(2 << 20));
    check_send("allocations_bump_free_list_limit", || BumpFreeList::with_limit(2 << 20));
    check_send("allocations_up_bump_limit", || UpBump::with_limit(2 << 20));
    check_send("allocations_slab", Slab::new);
}

#[test]
fn instruments() {
    check_send("allocations_checking", || Checking::new(Slab::new()));
    let kit = Kit::new(|| Counting::new(System)).live_bytes(Counting::live_bytes);
    check("allocations_counting", kit.sends());
    let kit = Kit::new(|| Limit::new(Slab::new(), 1_000_000)).budget(200_000).live_bytes(Limit::used);
    check("allocations_limit", kit.sends());
}

/// An allocator that forgets a block's last byte when it moves it.
struct Forgetful;

// SAFETY: it breaks the contract in a block's bytes only, which the kit looks at.
unsafe impl LuaAlloc for Forgetful {
    unsafe fn realloc(&self, ptr: *mut u8, osize: OldSize, nsize: usize) -> *mut u8 {
        // SAFETY: the call is forwarded; the byte lies in the new block.
        unsafe {
            let block = System.realloc(ptr, osize, nsize);
            if !ptr.is_null() && nsize > osize.bytes() && !block.is_null() && osize.bytes() > 100 {
                block.add(osize.bytes() - 1).write(0);
            }
            block
        }
    }
}

#[test]
fn a_broken_allocator_is_found_and_its_sequence_shrinks() {
    let kit = Kit::new(|| Forgetful);
    let sequences = (0..200).filter_map(|seed| property::from_seed::<Sequence>(seed, 1000));
    let found = sequences.into_iter().find(|sequence| sequence.keeps_contract(&kit).is_err()).expect("it is found");
    let tries = RefCell::new(0);
    let least = property::minimise(found, 2000, |sequence| {
        *tries.borrow_mut() += 1;
        sequence.keeps_contract(&kit).is_err()
    });
    assert_eq!(least.0.len(), 2, "{least:?} after {} tries", tries.borrow());
}

/// A block that is doubled time and again asked for 4 GB in the end.
#[test]
fn sequences_ask_for_little() {
    // One block, and then resizes to twice its size only.
    let mut numbers = |n: usize| match n {
        100 => 50,
        8 => 1,
        _ => 0,
    };
    let steps = conformance::steps(&mut numbers, 300, false, false);
    let sizes: Vec<usize> = steps
        .iter()
        .filter_map(|step| match step {
            Step::New { size, .. } | Step::Resize { size, .. } => Some(*size),
            _ => None,
        })
        .collect();
    assert!(sizes.len() > 100 && sizes.iter().all(|&size| size <= 4 << 20), "{sizes:?}");
}
