//! Generated programs give the same when requests collect, move the stack and check the heap.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |program: &Program| oracle::survives_zeal(
    &program.to_string(),
    17
)));
