//! Threads beside their model: the bytes are a seed of steps.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::threads::{episode, generate};

fuzz_target!(|bytes: [u8; 8]| {
    if let Err(failure) = episode::run(&generate::steps(u64::from_le_bytes(bytes)), |_, _| {}) {
        panic!("step {}: {}", failure.step, failure.message);
    }
});
