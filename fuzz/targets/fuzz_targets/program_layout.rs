//! Generated programs compile to the same in any layout.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |program: &Program| {
    oracle::compiles_the_same_in_any_layout(program, 7)
}));
