//! Sequences of requests, to each adapter that manages memory itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_alloc_adapters::conformance::Kit;
use perilune_alloc_adapters::{Bump, BumpFreeList, Mimalloc, Slab, UpBump};
use perilune_fuzz::allocations::Sequence;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |sequence: &Sequence| {
    sequence.keeps_contract(&Kit::new(Slab::new))?;
    sequence.keeps_contract(&Kit::new(Bump::new))?;
    sequence.keeps_contract(&Kit::new(BumpFreeList::new))?;
    sequence.keeps_contract(&Kit::new(UpBump::new))?;
    sequence.keeps_contract(&Kit::new(Mimalloc::new))
}));
