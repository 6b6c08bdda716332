//! Calls of library functions: Perilune and the reference implementation answer all of them in the same way.

mod common;

use common::reference::Puc;
use perilune_fuzz::library::{Codes, Dates, Family, Formats, Numbers, Packs, Patterns, Session, Sorts, Tables, Texts};
use perilune_fuzz::property;
use perilune_fuzz::reference::Perilune;

/// Compares sessions of a family.
fn compare<F: Family>(name: &str, sessions: u32) {
    property::check(name, sessions, |session: &Session<F>| match session.differs(&mut Perilune, &mut Puc) {
        Some(difference) => Err(difference),
        None => Ok(()),
    });
}

#[test]
fn patterns() {
    compare::<Patterns>("library_patterns", 600);
}

#[test]
fn formats() {
    compare::<Formats>("library_formats", 600);
}

#[test]
fn packs() {
    compare::<Packs>("library_packs", 600);
}

#[test]
fn numbers() {
    compare::<Numbers>("library_numbers", 600);
}

#[test]
fn texts() {
    compare::<Texts>("library_texts", 600);
}

#[test]
fn codes() {
    compare::<Codes>("library_codes", 600);
}

#[test]
fn tables() {
    compare::<Tables>("library_tables", 600);
}

#[test]
fn sorts() {
    compare::<Sorts>("library_sorts", 300);
}

#[test]
fn dates() {
    compare::<Dates>("library_dates", 600);
}
