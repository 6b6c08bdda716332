//! Calls of library functions (`perilune_fuzz::library::Dates`), in Perilune and in the reference implementation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::library::Dates;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::agree::<Dates>(bytes));
