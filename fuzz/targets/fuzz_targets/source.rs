//! Any text, in Perilune and in the reference implementation.
#![no_main]

#[path = "../../tests/common/reference.rs"]
mod reference;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    perilune_fuzz::source::agree(text, &mut perilune_fuzz::reference::Perilune, &mut reference::Puc).unwrap();
});
