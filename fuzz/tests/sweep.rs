//! The allocation-failure sweep over small scripts, and that it notices what it is to notice. `scripts/failure-sweep.sh` sweeps
//! over the test scripts.

use perilune_fuzz::sweep::{Failure, Script, points, run, sweep};
use perilune_vm::Status;

fn script(source: &str) -> Script {
    Script { name: "script".into(), source: source.into() }
}

#[test]
fn every_request_of_a_script() {
    let source = r##"
        local co = coroutine.wrap(function(...) for i, v in ipairs({...}) do coroutine.yield(v .. i) end end)
        print(co("a", "b"), co(), #string.rep("x", 1000), ("hello"):gsub("l", { l = "L" }))
        local t = setmetatable({}, { __gc = function() io.write("gone\n") end })
        print(pcall(error, { t }), select("#", load("return 1, 2, 3")()))
        for i = 1, 50 do t[i] = { i, name = "n" .. i } end
        print(table.concat({ "a", "b" }, ","), t[50].name)
    "##;
    let figures = sweep(&script(source), u64::MAX, 2).expect("it gives the same each time");
    assert_eq!(figures.faults, [""; 0]);
    assert_eq!([figures.once, figures.twice, figures.from], [figures.requests; 3]);
    assert!(figures.requests > 300 && figures.memory_errors > figures.requests / 2, "{figures:?}");
    assert_eq!(figures.memory_errors + figures.successes + figures.other_errors, figures.from);
}

#[test]
fn what_a_run_comes_to() {
    let hello = script("io.write('hello ', 1, '\\n') print(print ~= nil, nil) print(tostring({}))");
    let plain = run(&hello, Failure::Never).expect("it runs");
    assert_eq!(plain.outcome.output, "hello 1\ntrue\tnil\ntable: 0x…\n");
    assert_eq!(plain.outcome.status, Some(Status::Ok));
    assert!(plain.requests > plain.for_state && plain.for_state > 10);
    // Without a state, and in the middle of the libraries.
    let none = run(&hello, Failure::From(1)).expect("the host sees an error");
    assert_eq!((none.outcome.status, none.outcome.is_memory_error()), (None, true));
    let half = run(&hello, Failure::From(plain.for_state + 1)).expect("the host sees an error");
    assert_eq!(half.outcome.message, "not enough memory");
    // A script that catches the error goes on with what memory there is.
    let caught =
        script("local ok, message = pcall(string.rep, 'x', 1000) print(ok, ok or message) print(#('x'):rep(2000))");
    let all = run(&caught, Failure::Never).expect("it runs").requests;
    let outputs: Vec<String> = (all - 12..all)
        .map(|n| run(&caught, Failure::Twice(n)).expect("the state stays whole").outcome.output)
        .collect();
    assert!(outputs.iter().any(|output| output == "false\tnot enough memory\n2000\n"), "{outputs:?}");
    let wrong = run(&script("error('x', 0)"), Failure::Never).expect("it runs");
    assert_eq!((wrong.outcome.status, &*wrong.outcome.message), (Some(Status::ErrRun), "x"));
    assert!(!wrong.outcome.is_memory_error());
}

#[test]
fn a_difference_is_noticed() {
    // What a collection takes away is seen here, and a failure makes a collection.
    let source = "local t = setmetatable({}, { __mode = 'k' }) t[{}] = 1
        local s = 'x' .. #tostring(print) print(next(t) ~= nil)";
    let figures = sweep(&script(source), u64::MAX, 2).expect("it gives the same each time");
    assert!(!figures.faults.is_empty());
    assert!(figures.faults[0].contains("line 1 is \"false\" instead of \"true\""), "{figures:?}");
    // A script that is not the same each time is of no use.
    let error = sweep(&script("print(collectgarbage('count'), os.tmpname())"), 1, 2);
    assert!(error.expect_err("a name of its own").starts_with("its output differs from run to run"));
}

#[test]
fn what_a_script_makes_of_an_error_is_told_apart() {
    let source = "local ok = pcall(string.rep, 'x', 1000) if not ok then error('there was too little', 0) end";
    let figures = sweep(&script(source), u64::MAX, 2).expect("it gives the same each time");
    assert!(figures.faults.is_empty() && figures.other_errors > 0, "{figures:?}");
    assert!(figures.other.is_some_and(|text| text.ends_with("ErrRun) there was too little")));
}

#[test]
fn points_are_spread() {
    assert_eq!(points(5, 100).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(points(1000, 4).collect::<Vec<_>>(), [1, 251, 501, 751]);
    assert_eq!(points(u64::MAX, 2).count(), 2);
}
