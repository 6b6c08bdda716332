//! Generated programs, in Perilune and in the reference implementation, as they are and stripped.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::oracle;
use perilune_fuzz::program::Program;
use perilune_fuzz::reference::Perilune;
use perilune_fuzz_targets::reference::Puc;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |program: &Program| {
    let source = program.to_string();
    oracle::agrees(&source, &mut Perilune, &mut Puc)?;
    oracle::agrees(&oracle::stripped(&source), &mut Perilune, &mut Puc)
}));
