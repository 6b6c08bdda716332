//! Generated programs survive when memory fails.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |program: &Program| oracle::survives_failures(
    &program.to_string(),
    101
)));
