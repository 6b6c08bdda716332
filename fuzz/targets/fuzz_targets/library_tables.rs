//! Calls of library functions (`perilune_fuzz::library::Tables`), in Perilune and in the reference implementation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::library::Tables;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::agree::<Tables>(bytes));
