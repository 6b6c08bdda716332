//! Chunks of the compiler that somebody has tampered with: they are refused, or run without harm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::bytecode;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, bytecode::examine));
