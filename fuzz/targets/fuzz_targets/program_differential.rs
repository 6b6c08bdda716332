//! Generated programs, in Perilune and in the reference implementation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;
use perilune_fuzz::reference::Perilune;
use perilune_fuzz_targets::reference::Puc;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |program: &Program| {
    oracle::agrees(&program.to_string(), &mut Perilune, &mut Puc)
}));
