//! `call_k` and `pcall_k` of functions that end well: with and without a yield, nested, and with every number of results.

use crate::trace::Mode::{Body, Collecting, Keeping, Main};
use crate::trace::{agrees, trace};

#[test]
fn a_call_without_a_yield_comes_back() {
    agrees(
        Body,
        "return callk(5, -1, function(...) note(...) return ... end, 1, 2, 3)",
        &["call 5: 5 -1 function 1 2 3", "note: 1 2 3", "call after 5: 5 -1 1 2 3", "resume Ok: 1 2 3"],
    );
    agrees(
        Body,
        "return callk(5, 0, function(...) return ... end, 1, 2, 3)",
        &["call 5: 5 0 function 1 2 3", "call after 5: 5 0", "resume Ok:"],
    );
    agrees(
        Body,
        "return callk(5, 2, function(...) return ... end, 1, 2, 3)",
        &["call 5: 5 2 function 1 2 3", "call after 5: 5 2 1 2", "resume Ok: 1 2"],
    );
    agrees(
        Body,
        "return callk(5, 5, function(...) return ... end, 1, 2, 3)",
        &["call 5: 5 5 function 1 2 3", "call after 5: 5 5 1 2 3 nil nil", "resume Ok: 1 2 3 nil nil"],
    );
    agrees(
        Body,
        "return callk(5, -1, note, 1, 2, 3)",
        &["call 5: 5 -1 function 1 2 3", "note: 1 2 3", "call after 5: 5 -1", "resume Ok:"],
    );
    agrees(
        Body,
        "return callk(5, 2, note)",
        &["call 5: 5 2 function", "note:", "call after 5: 5 2 nil nil", "resume Ok: nil nil"],
    );
    agrees(
        Main,
        "return callk(5, -1, function(...) note(...) return ... end, 1, 2, 3)",
        &["call 5: 5 -1 function 1 2 3", "note: 1 2 3", "call after 5: 5 -1 1 2 3", "main Ok: 1 2 3"],
    );
    agrees(
        Main,
        "return callk(5, 2, note)",
        &["call 5: 5 2 function", "note:", "call after 5: 5 2 nil nil", "main Ok: nil nil"],
    );
}

#[test]
fn after_a_yield_the_continuation_runs() {
    agrees(
        Body,
        "return callk(5, -1, function(...) return 'all', y(...) end, 1, 2, 3)",
        &[
            "call 5: 5 -1 function 1 2 3",
            "resume Yield: 1 2 3",
            "call k Yield 5: 5 -1 'all' 11 12",
            "resume Ok: 'all' 11 12",
        ],
    );
    agrees(
        Body,
        "return callk(5, 0, function(...) return 'none', y(...) end, 1, 2, 3)",
        &["call 5: 5 0 function 1 2 3", "resume Yield: 1 2 3", "call k Yield 5: 5 0", "resume Ok:"],
    );
    agrees(
        Body,
        "return callk(5, 2, function(...) return 'two', y(...) end, 1, 2, 3)",
        &["call 5: 5 2 function 1 2 3", "resume Yield: 1 2 3", "call k Yield 5: 5 2 'two' 11", "resume Ok: 'two' 11"],
    );
    agrees(
        Body,
        "return callk(5, 5, function(...) return 'five', y(...) end, 1, 2, 3)",
        &[
            "call 5: 5 5 function 1 2 3",
            "resume Yield: 1 2 3",
            "call k Yield 5: 5 5 'five' 11 12 nil nil",
            "resume Ok: 'five' 11 12 nil nil",
        ],
    );
    agrees(
        Body,
        "return callk(5, 1, function() y() end)",
        &["call 5: 5 1 function", "resume Yield:", "call k Yield 5: 5 1 nil", "resume Ok: nil"],
    );
    agrees(
        Keeping,
        "return callk(5, -1, function(...) return 'all', y(...) end, 1, 2, 3)",
        &[
            "call 5: 5 -1 function 1 2 3",
            "resume Yield: 1 2 3",
            "call k Yield 5: 5 -1 'all' 11 12",
            "resume Ok: 'all' 11 12",
        ],
    );
    agrees(
        Collecting,
        "return callk(5, -1, function(...) return 'all', y(...) end, 1, 2, 3)",
        &[
            "call 5: 5 -1 function 1 2 3",
            "resume Yield: 1 2 3",
            "call k Yield 5: 5 -1 'all' 11 12",
            "resume Ok: 'all' 11 12",
        ],
    );
}

#[test]
fn a_native_that_yields_is_called() {
    agrees(
        Body,
        "return callk(5, -1, y, 1, 2, 3)",
        &["call 5: 5 -1 function 1 2 3", "resume Yield: 1 2 3", "call k Yield 5: 5 -1 11 12", "resume Ok: 11 12"],
    );
    agrees(
        Body,
        "return callk(5, 0, y, 1)",
        &["call 5: 5 0 function 1", "resume Yield: 1", "call k Yield 5: 5 0", "resume Ok:"],
    );
    agrees(
        Body,
        "return callk(5, 1, y)",
        &["call 5: 5 1 function", "resume Yield:", "call k Yield 5: 5 1 11", "resume Ok: 11"],
    );
    agrees(
        Body,
        "return callk(5, 4, y, 1)",
        &["call 5: 5 4 function 1", "resume Yield: 1", "call k Yield 5: 5 4 11 12 nil nil", "resume Ok: 11 12 nil nil"],
    );
    agrees(
        Body,
        "return callk(5, -1, yk, 'a', 'b', 1, 2)",
        &[
            "call 5: 5 -1 function 'a' 'b' 1 2",
            "yk: 'a' 'b' 1 2",
            "resume Yield: 1 2",
            "yk k Yield 7: 'a' 'b' 11 12",
            "call k Yield 5: 5 -1 11 12",
            "resume Ok: 11 12",
        ],
    );
    agrees(
        Body,
        "return callk(5, 1, y2, 'a', 'b', 1, 2)",
        &["call 5: 5 1 function 'a' 'b' 1 2", "resume Yield: 1 2", "call k Yield 5: 5 1 11", "resume Ok: 11"],
    );
    agrees(
        Body,
        "return callk(5, -1, again, 3)",
        &[
            "call 5: 5 -1 function 3",
            "again k Ok 3: 3",
            "resume Yield: 3",
            "again k Yield 2: 3 11 12",
            "resume Yield: 2",
            "again k Yield 1: 3 11 12 21 22",
            "resume Yield: 1",
            "again k Yield 0: 3 11 12 21 22 31 32",
            "call k Yield 5: 5 -1 3 11 12 21 22 31 32",
            "resume Ok: 3 11 12 21 22 31 32",
        ],
    );
    agrees(
        Keeping,
        "return callk(5, -1, y, 1, 2, 3)",
        &["call 5: 5 -1 function 1 2 3", "resume Yield: 1 2 3", "call k Yield 5: 5 -1 11 12", "resume Ok: 11 12"],
    );
    agrees(
        Keeping,
        "return callk(5, 1, yk, 'a', 'b', 1, 2)",
        &[
            "call 5: 5 1 function 'a' 'b' 1 2",
            "yk: 'a' 'b' 1 2",
            "resume Yield: 1 2",
            "yk k Yield 7: 'a' 'b' 1 2 11 12",
            "call k Yield 5: 5 1 1",
            "resume Ok: 1",
        ],
    );
    agrees(
        Keeping,
        "return callk(5, -1, again, 3)",
        &[
            "call 5: 5 -1 function 3",
            "again k Ok 3: 3",
            "resume Yield: 3",
            "again k Yield 2: 3 3 11 12",
            "resume Yield: 2",
            "again k Yield 1: 3 3 11 12 2 21 22",
            "resume Yield: 1",
            "again k Yield 0: 3 3 11 12 2 21 22 1 31 32",
            "call k Yield 5: 5 -1 3 3 11 12 2 21 22 1 31 32",
            "resume Ok: 3 3 11 12 2 21 22 1 31 32",
        ],
    );
}

#[test]
fn contexts_of_every_size() {
    for_each_context("callk", "", "call");
    for_each_context("pcallk", "nil, ", "pcall");
}

fn for_each_context(function: &str, handler: &str, name: &str) {
    for ctx in [isize::MIN, isize::MIN + 1, -1, 0, 1, 1 << 32, isize::MAX] {
        let script = format!("{function}(... or {ctx:#x}, 0, {handler}y)");
        let found = trace(Body, &script);
        assert!(found.iter().any(|line| line.starts_with(&format!("{name} k Yield {ctx}:"))), "{found:?}");
    }
}

#[test]
fn calls_within_calls() {
    agrees(
        Body,
        "return 'end', callk(1, -1, callk, 2, 2, callk, 3, -1, callk, 4, 1, callk, 5, -1, y, 'deep', 'est')",
        &[
            "call 1: 1 -1 function 2 2 function 3 -1 function 4 1 function 5 -1 function 'deep' 'est'",
            "call 2: 2 2 function 3 -1 function 4 1 function 5 -1 function 'deep' 'est'",
            "call 3: 3 -1 function 4 1 function 5 -1 function 'deep' 'est'",
            "call 4: 4 1 function 5 -1 function 'deep' 'est'",
            "call 5: 5 -1 function 'deep' 'est'",
            "resume Yield: 'deep' 'est'",
            "call k Yield 5: 5 -1 11 12",
            "call k Yield 4: 4 1 11",
            "call k Yield 3: 3 -1 11",
            "call k Yield 2: 2 2 11 nil",
            "call k Yield 1: 1 -1 11 nil",
            "resume Ok: 'end' 11 nil",
        ],
    );
    agrees(
        Body,
        "return callk(1, -1, callk, 2, 2, callk, 3, -1, callk, 4, 1, callk, 5, -1, note, 'deep')",
        &[
            "call 1: 1 -1 function 2 2 function 3 -1 function 4 1 function 5 -1 function 'deep'",
            "call 2: 2 2 function 3 -1 function 4 1 function 5 -1 function 'deep'",
            "call 3: 3 -1 function 4 1 function 5 -1 function 'deep'",
            "call 4: 4 1 function 5 -1 function 'deep'",
            "call 5: 5 -1 function 'deep'",
            "note: 'deep'",
            "call after 5: 5 -1",
            "call after 4: 4 1 nil",
            "call after 3: 3 -1 nil",
            "call after 2: 2 2 nil nil",
            "call after 1: 1 -1 nil nil",
            "resume Ok: nil nil",
        ],
    );
    agrees(
        Body,
        "local function f(n) if n == 0 then return y('deep') end return n, callk(n, -1, f, n - 1) end return f(4)",
        &[
            "call 4: 4 -1 function 3",
            "call 3: 3 -1 function 2",
            "call 2: 2 -1 function 1",
            "call 1: 1 -1 function 0",
            "resume Yield: 'deep'",
            "call k Yield 1: 1 -1 11 12",
            "call k Yield 2: 2 -1 1 11 12",
            "call k Yield 3: 3 -1 2 1 11 12",
            "call k Yield 4: 4 -1 3 2 1 11 12",
            "resume Ok: 4 3 2 1 11 12",
        ],
    );
    agrees(
        Body,
        "local function f(n) y('down', n) if n > 0 then callk(n, 1, f, n - 1) end y('up', n) return n end return f(2)",
        &[
            "resume Yield: 'down' 2",
            "call 2: 2 1 function 1",
            "resume Yield: 'down' 1",
            "call 1: 1 1 function 0",
            "resume Yield: 'down' 0",
            "resume Yield: 'up' 0",
            "call k Yield 1: 1 1 0",
            "resume Yield: 'up' 1",
            "call k Yield 2: 2 1 1",
            "resume Yield: 'up' 2",
            "resume Ok: 2",
        ],
    );
    agrees(
        Collecting,
        "local function f(n) y('down', n) if n > 0 then callk(n, 1, f, n - 1) end y('up', n) return n end return f(2)",
        &[
            "resume Yield: 'down' 2",
            "call 2: 2 1 function 1",
            "resume Yield: 'down' 1",
            "call 1: 1 1 function 0",
            "resume Yield: 'down' 0",
            "resume Yield: 'up' 0",
            "call k Yield 1: 1 1 0",
            "resume Yield: 'up' 1",
            "call k Yield 2: 2 1 1",
            "resume Yield: 'up' 2",
            "resume Ok: 2",
        ],
    );
    agrees(
        Keeping,
        "return callk(1, -1, callk, 2, 2, callk, 3, -1, again, 2)",
        &[
            "call 1: 1 -1 function 2 2 function 3 -1 function 2",
            "call 2: 2 2 function 3 -1 function 2",
            "call 3: 3 -1 function 2",
            "again k Ok 2: 2",
            "resume Yield: 2",
            "again k Yield 1: 2 2 11 12",
            "resume Yield: 1",
            "again k Yield 0: 2 2 11 12 1 21 22",
            "call k Yield 3: 3 -1 2 2 11 12 1 21 22",
            "call k Yield 2: 2 2 2 2",
            "call k Yield 1: 1 -1 2 2",
            "resume Ok: 2 2",
        ],
    );
}

#[test]
fn a_protected_call_without_a_yield_comes_back() {
    agrees(
        Body,
        "return pcallk(5, -1, nil, function(...) return ... end, 1, 2, 3)",
        &["pcall 5: 5 -1 nil function 1 2 3", "pcall after Ok 5: 5 -1 nil 1 2 3", "resume Ok: 1 2 3"],
    );
    agrees(
        Body,
        "return pcallk(5, 2, nil, function(...) return ... end, 1, 2, 3)",
        &["pcall 5: 5 2 nil function 1 2 3", "pcall after Ok 5: 5 2 nil 1 2", "resume Ok: 1 2"],
    );
    agrees(
        Body,
        "return pcallk(5, 4, note, function(...) return ... end, 1, 2)",
        &["pcall 5: 5 4 function function 1 2", "pcall after Ok 5: 5 4 function 1 2 nil nil", "resume Ok: 1 2 nil nil"],
    );
    agrees(
        Body,
        "return pcallk(5, 0, note, note, 1, 2)",
        &["pcall 5: 5 0 function function 1 2", "note: 1 2", "pcall after Ok 5: 5 0 function", "resume Ok:"],
    );
    agrees(
        Main,
        "return pcallk(5, -1, note, function(...) return ... end, 1, 2)",
        &["pcall 5: 5 -1 function function 1 2", "pcall after Ok 5: 5 -1 function 1 2", "main Ok: 1 2"],
    );
}

#[test]
fn after_a_yield_the_continuation_of_a_protected_call_runs() {
    agrees(
        Body,
        "return pcallk(5, -1, nil, function(...) return 'all', y(...) end, 1, 2, 3)",
        &[
            "pcall 5: 5 -1 nil function 1 2 3",
            "resume Yield: 1 2 3",
            "pcall k Yield 5: 5 -1 nil 'all' 11 12",
            "resume Ok: 'all' 11 12",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, 0, nil, y, 1, 2, 3)",
        &["pcall 5: 5 0 nil function 1 2 3", "resume Yield: 1 2 3", "pcall k Yield 5: 5 0 nil", "resume Ok:"],
    );
    agrees(
        Body,
        "return pcallk(5, 2, note, y, 1, 2, 3)",
        &[
            "pcall 5: 5 2 function function 1 2 3",
            "resume Yield: 1 2 3",
            "pcall k Yield 5: 5 2 function 11 12",
            "resume Ok: 11 12",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, 4, note, yk, 'a', 'b', 1)",
        &[
            "pcall 5: 5 4 function function 'a' 'b' 1",
            "yk: 'a' 'b' 1",
            "resume Yield: 1",
            "yk k Yield 7: 'a' 'b' 11 12",
            "pcall k Yield 5: 5 4 function 11 12 nil nil",
            "resume Ok: 11 12 nil nil",
        ],
    );
    agrees(
        Keeping,
        "return pcallk(5, -1, nil, y, 1, 2, 3)",
        &[
            "pcall 5: 5 -1 nil function 1 2 3",
            "resume Yield: 1 2 3",
            "pcall k Yield 5: 5 -1 nil 11 12",
            "resume Ok: 11 12",
        ],
    );
    agrees(
        Body,
        "return pcallk(1, -1, nil, pcallk, 2, -1, note, callk, 3, -1, pcallk, 4, -1, nil, again, 2)",
        &[
            "pcall 1: 1 -1 nil function 2 -1 function function 3 -1 function 4 -1 nil function 2",
            "pcall 2: 2 -1 function function 3 -1 function 4 -1 nil function 2",
            "call 3: 3 -1 function 4 -1 nil function 2",
            "pcall 4: 4 -1 nil function 2",
            "again k Ok 2: 2",
            "resume Yield: 2",
            "again k Yield 1: 2 11 12",
            "resume Yield: 1",
            "again k Yield 0: 2 11 12 21 22",
            "pcall k Yield 4: 4 -1 nil 2 11 12 21 22",
            "call k Yield 3: 3 -1 2 11 12 21 22",
            "pcall k Yield 2: 2 -1 function 2 11 12 21 22",
            "pcall k Yield 1: 1 -1 nil 2 11 12 21 22",
            "resume Ok: 2 11 12 21 22",
        ],
    );
}

#[test]
fn a_native_is_the_body() {
    agrees(
        Body,
        "local co = create(callk, 5, -1, y, 1) res(co) res(co, 'a') note(res(co, 'b'))",
        &[
            "res ErrRun ErrRun: 'attempt to call a number value'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "resume Ok:",
        ],
    );
    agrees(
        Body,
        "local co = create(pcallk, 5, 1, nil, y, 1) res(co) res(co, 'a') note(res(co, 'b'))",
        &[
            "res ErrRun ErrRun: 'attempt to call a number value'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "resume Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(pcallk, 5, 1, nil, y, 1) res(co) res(co, 'a') note(res(co, 'b'))",
        &[
            "res ErrRun ErrRun: 'attempt to call a number value'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "main Ok:",
        ],
    );
}

#[test]
fn what_lies_below_the_function_of_a_body_stays() {
    agrees(
        Main,
        "local co = create(1, 2, callk, 5, -1) note(res(co, y, 'x')) note(res(co, 'a', 'b')) note(res(co))",
        &[
            "res ErrRun ErrRun: 'attempt to call a number value'",
            "note: 'ErrRun' 'attempt to call a number value'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "main Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(1, 2, y2, 'x') note(res(co, 'y', 'z')) note(res(co, 'a', 'b')) note(res(co))",
        &[
            "res ErrRun ErrRun: 'attempt to call a string value'",
            "note: 'ErrRun' 'attempt to call a string value'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "main Ok:",
        ],
    );
}

/// Many frames at once, so that the stack has moved between call and continuation.
#[test]
fn deep_below_a_continuation() {
    agrees(
        Body,
        "local function deep(n, ...) if n == 0 then return y(...) end return (deep(n - 1, n, ...)) end \
         return callk(1, -1, deep, 100)",
        &[
            "call 1: 1 -1 function 100",
            "resume Yield: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99 100",
            "call k Yield 1: 1 -1 11",
            "resume Ok: 11",
        ],
    );
    agrees(
        Body,
        "local function deep(n) if n == 0 then gc() y() gc() return 'end' end local x, z = deep(n - 1) return x, z end \
         return pcallk(1, 1, nil, deep, 150)",
        &["pcall 1: 1 1 nil function 150", "resume Yield:", "pcall k Yield 1: 1 1 nil 'end'", "resume Ok: 'end'"],
    );
}
