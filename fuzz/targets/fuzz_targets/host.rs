//! The host API used at random.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::host;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, host::survives));
