//! Tables beside a model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::tables;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, tables::tell_all));
