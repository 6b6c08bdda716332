//! Threads beside their model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::threads::episode;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, episode::holds));
