//! Generated programs with other tokens: the reference implementation refuses the same ones, with the same messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::oracle;
use perilune_fuzz::program::broken::Broken;
use perilune_fuzz::reference::Perilune;
use perilune_fuzz_targets::reference::Puc;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |broken: &Broken| {
    oracle::compiles_alike(&broken.to_string(), &mut Perilune, &mut Puc)
}));
