//! The oracles on generated programs. How many there are, and which, is said in `perilune_fuzz::property`.

mod common;

use std::cell::Cell;

use common::reference::Puc;
use perilune_fuzz::program::broken::Broken;
use perilune_fuzz::program::{self, Program, layout};
use perilune_fuzz::property::{self, check, check_values, values_of_size};
use perilune_fuzz::reference::{End, Perilune};
use perilune_fuzz::{bytecode, oracle};

#[test]
fn programs_agree_with_the_reference() {
    check("differential", 300, |program: &Program| oracle::agrees(&program.to_string(), &mut Perilune, &mut Puc));
}

#[test]
fn programs_agree_with_the_reference_in_any_layout() {
    check("differential_layout", 150, |program: &Program| {
        let text = layout::varied(&program::print_varied(program, 7), 7).text;
        oracle::agrees(&text, &mut Perilune, &mut Puc)
    });
}

#[test]
fn programs_agree_with_the_reference_when_stripped() {
    check("differential_stripped", 150, |program: &Program| {
        oracle::agrees(&oracle::stripped(&program.to_string()), &mut Perilune, &mut Puc)
    });
}

#[test]
fn broken_programs_are_refused_as_by_the_reference() {
    let refused = Cell::new(0);
    check("broken", 600, |broken: &Broken| {
        let text = broken.to_string();
        refused.set(refused.get() + usize::from(bytecode::compile(&text, true).is_none()));
        oracle::compiles_alike(&text, &mut Perilune, &mut Puc)
    });
    assert!(refused.get() > 300, "only {} programs do not compile", refused.get());
}

#[test]
fn programs_survive_dumping() {
    check("dump", 150, |program: &Program| oracle::survives_dump(&program.to_string()));
}

#[test]
fn programs_compile_the_same_in_any_layout() {
    check("layout", 150, |program: &Program| oracle::compiles_the_same_in_any_layout(program, 7));
}

#[test]
fn programs_keep_their_lines() {
    check("lines", 150, |program: &Program| oracle::keeps_its_lines(&program.to_string(), 7));
}

#[test]
fn programs_keep_the_heap_whole() {
    check_values("heap", 15, values_of_size(16..=400), |program: &Program| {
        oracle::keeps_its_heap_whole(&program.to_string())
    });
}

#[test]
fn programs_are_the_same_at_any_pace() {
    check("pace", 60, |program: &Program| oracle::is_the_same_at_any_pace(&program.to_string(), 7));
}

#[test]
fn programs_survive_zeal() {
    check_values("zeal", 15, values_of_size(16..=400), |program: &Program| {
        oracle::survives_zeal(&program.to_string(), 1)
    });
}

#[test]
fn programs_survive_failures() {
    check_values("failures", 15, values_of_size(16..=400), |program: &Program| {
        oracle::survives_failures(&program.to_string(), 101)
    });
}

#[test]
fn programs_keep_to_limits() {
    check("limits", 40, |program: &Program| oracle::keeps_to_limits(&program.to_string(), 7));
}

#[test]
fn programs_are_worth_running() {
    // A generator that makes nothing but errors, or next to nothing, would please every oracle.
    let (mut done, mut lines, mut caught) = (0, 0, 0);
    for seed in 0..200 {
        let program: Program = property::from_seed(seed, 600).expect("it takes any bytes");
        let outcome = oracle::plain(&program.to_string());
        assert_ne!(outcome.end, End::SyntaxError, "{}\n{program}", outcome.error);
        assert_ne!(outcome.end, End::OutOfBudget, "{program}");
        done += usize::from(outcome.end == End::Done);
        lines += outcome.output.lines().count();
        caught += outcome.output.lines().filter(|line| line.starts_with(" false ")).count();
    }
    assert!(done > 130, "only {done} programs of 200 end without an error");
    assert!(lines > 700 && caught * 3 < lines, "{lines} lines, of which {caught} show an error");
}
