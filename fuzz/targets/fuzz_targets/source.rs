//! Any text, in Perilune and in the reference implementation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::reference::Perilune;
use perilune_fuzz_targets::reference::Puc;

fuzz_target!(|text: &[u8]| perilune_fuzz::source::agree(text, &mut Perilune, &mut Puc).unwrap());
