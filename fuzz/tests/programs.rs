//! The oracles on generated programs. `PERILUNE_FUZZ_PROGRAMS` says on how many (default 200).

use perilune_fuzz::{oracle, program};

fn count() -> u64 {
    std::env::var("PERILUNE_FUZZ_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

#[test]
fn programs_survive_dumping() {
    for seed in 0..count() {
        if let Err(message) = oracle::survives_dump(&program::generate(seed)) {
            panic!("seed {seed}: {message}");
        }
    }
}

#[test]
fn programs_survive_a_failed_allocation() {
    for seed in 0..count() / 20 {
        if let Err(message) = oracle::survives_failures(&program::generate(seed), 37) {
            panic!("seed {seed}: {message}");
        }
    }
}

#[test]
fn programs_do_not_stop_early() {
    // A generator that makes nothing but syntax errors would please every oracle.
    for seed in 0..count() {
        let source = format!("{}\nemit('the end')", program::generate(seed));
        assert_eq!(oracle::outcome(&source).status, "Ok", "seed {seed}:\n{source}");
    }
}
