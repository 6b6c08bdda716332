//! The programs on which something was found once.

mod common;

use std::path::Path;

use common::reference::Puc;
use perilune_fuzz::{oracle, regression};

#[test]
fn what_was_found_stays_mended() {
    let regressions = regression::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")).expect("a folder");
    assert!(!regressions.is_empty());
    for regression in regressions {
        for name in &regression.oracles {
            if let Err(fault) = oracle::by_name(name, &regression.source, &mut Puc) {
                panic!("{}, {name}: {fault}", regression.name);
            }
        }
    }
}

#[test]
fn programs_without_bugs_please_all_oracles() {
    for seed in [1, 2] {
        let source = perilune_fuzz::program::Program::of_seed(seed).to_string();
        for name in oracle::NAMES {
            assert_eq!(oracle::by_name(name, &source, &mut Puc), Ok(()));
        }
    }
    assert!(oracle::by_name("no such oracle", "", &mut Puc).is_err());
}

#[test]
fn oracles_notice_what_is_different() {
    // The state of the collector and hooks are what a script must not look at.
    let weak =
        "local t = setmetatable({}, {__mode = 'k'}) t[{}] = 1 for i = 1, 9 do local x = {i} end print(next(t) ~= nil)";
    assert!(oracle::survives_zeal(weak, 1).is_err());
    let count = "for i = 1, 1e4 do local t = {} end print(collectgarbage('count'))";
    assert!(oracle::is_the_same_at_any_pace(count, 1).is_err());
    assert!(oracle::survives_dump("print(debug.getinfo(1, 'l').currentline)").is_err());
    assert!(oracle::survives_failures(weak, 1).is_err());
    assert!(oracle::keeps_to_limits("print(debug.gethook())", 1).is_err());
    assert!(oracle::keeps_its_heap_whole("print(debug.gethook())").is_err());
    // What the reference is compiled without here.
    assert!(oracle::by_name("differential", "print(bit32)", &mut Puc).is_err());
    assert!(oracle::by_name("stripped", "print(bit32)", &mut Puc).is_err());
}
