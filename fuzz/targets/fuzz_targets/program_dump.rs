//! Generated programs give the same when they come out of a precompiled chunk.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |program: &Program| oracle::survives_dump(
    &program.to_string()
)));
