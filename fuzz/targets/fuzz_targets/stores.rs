//! Stores into objects of all kinds, in all phases of the collector: the heap stays whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::stores;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, stores::keeps_the_heap_whole));
