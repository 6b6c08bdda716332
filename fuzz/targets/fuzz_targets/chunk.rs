//! Any bytes as a precompiled chunk: they are refused, or run without harm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::bytecode::{Limits, load_and_run};

fuzz_target!(|bytes: &[u8]| {
    load_and_run(bytes, Limits::default()).unwrap();
});
