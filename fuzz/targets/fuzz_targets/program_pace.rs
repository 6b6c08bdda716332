//! Generated programs give the same at any pace of the collector.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |program: &Program| oracle::is_the_same_at_any_pace(
    &program.to_string(),
    7
)));
