//! That the two interpreters agree on scripts that are known, and end the same when they are ended.

mod common;

use std::path::Path;

use common::reference::Puc;
use perilune_fuzz::reference::{End, Interpreter, Limits, Perilune};
use perilune_fuzz::source;

#[test]
fn both_run_scripts_in_the_same_way() {
    for source in [
        "print(1, 2.5, 'x', nil, true, {}, print) io.write(1, 'a\\n')",
        "print(pcall(error, {1})) error('x', 0)",
        "error({})",
        "error(setmetatable({}, {__tostring = function() return 'y' end}))",
        "error()",
        "local x = nil + 1",
        "x = = 1",
        "print(setmetatable({}, {__tostring = function() return 1 end}))",
        "io.write({})",
        "setmetatable({}, {__gc = function() print('closed') end})",
        "print('\\0\\200', 0x7fffffffffffffff, string.format('%x', -1))",
    ] {
        let ours = Perilune.run(source.as_bytes(), Limits::default());
        let theirs = Puc.run(source.as_bytes(), Limits::default());
        assert_eq!(ours, theirs, "{source}");
        assert_eq!(ours, Perilune.run(source.as_bytes(), Limits::ENDING), "{source}");
    }
}

#[test]
fn both_keep_to_limits() {
    for source in
        ["while true do pcall(function() while true do end end) end", "repeat coroutine.wrap(pcall)(error) until false"]
    {
        assert_eq!(Perilune.run(source.as_bytes(), Limits::default()).end, End::OutOfBudget);
        assert_eq!(Puc.run(source.as_bytes(), Limits::default()).end, End::OutOfBudget);
    }
    let source = b"local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end";
    let limits = Limits { instructions: None, memory: 1 << 20 };
    assert_eq!(Perilune.run(source, limits).end, End::OutOfMemory);
    assert_eq!(Puc.run(source, limits).end, End::OutOfMemory);
}

#[test]
fn both_run_the_test_scripts_in_the_same_way_in_the_sandbox() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lua");
    let mut ended = 0;
    for folder in ["coroutine", "lang", "math", "string", "table", "utf8"] {
        for entry in std::fs::read_dir(scripts.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read(&path).expect("a script");
            if let Err(difference) = source::agree(&text, &mut Perilune, &mut Puc) {
                panic!("{}: {difference}", path.display());
            }
            ended += usize::from(Puc.run(&text, source::LIMITS).end == End::Done);
        }
    }
    assert!(ended > 25, "only {ended} scripts come to their end");
}
