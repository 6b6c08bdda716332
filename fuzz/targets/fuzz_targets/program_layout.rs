//! Generated programs compile to the same in any layout, have the lines of their tokens, and agree with the reference implementation about them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perilune_fuzz::oracle;
use perilune_fuzz::program::{self, Program, layout};
use perilune_fuzz::reference::Perilune;
use perilune_fuzz_targets::reference::Puc;

fuzz_target!(|bytes: &[u8]| perilune_fuzz_targets::holds(bytes, |program: &Program| {
    oracle::compiles_the_same_in_any_layout(program, 7)?;
    let varied = layout::varied(&program::print_varied(program, 7), 7).text;
    oracle::keeps_its_lines(&varied, 9)?;
    oracle::agrees(&varied, &mut Perilune, &mut Puc)
}));
