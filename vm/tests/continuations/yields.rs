//! Yields: with and without continuation, from every place where they work, and the errors where they do not.

use crate::trace::Mode::{Body, Collecting, Keeping, Main};
use crate::trace::agrees;

#[test]
fn values_go_both_ways() {
    agrees(Body, "return 'got', y(1, 2, 3)", &["resume Yield: 1 2 3", "resume Ok: 'got' 11 12"]);
    agrees(Body, "return 'got', y()", &["resume Yield:", "resume Ok: 'got' 11 12"]);
    agrees(Body, "local a, b, c = y(1) return a, b, c", &["resume Yield: 1", "resume Ok: 11 12 nil"]);
    agrees(Keeping, "return 'got', y(1, 2, 3)", &["resume Yield: 1 2 3", "resume Ok: 'got' 11 12"]);
    agrees(Body, "return 'got', (y(1, 2, 3))", &["resume Yield: 1 2 3", "resume Ok: 'got' 11"]);
    agrees(
        Body,
        "return y(y(y(1)))",
        &["resume Yield: 1", "resume Yield: 11 12", "resume Yield: 21 22", "resume Ok: 31 32"],
    );
    agrees(Body, "y(1) y(2)", &["resume Yield: 1", "resume Yield: 2", "resume Ok:"]);
    agrees(Body, "return y(...)", &["resume Yield:", "resume Ok: 11 12"]);
}

#[test]
fn values_below_those_that_are_yielded_stay() {
    agrees(Body, "return 'got', y2('a', 'b', 1, 2)", &["resume Yield: 1 2", "resume Ok: 'got' 11 12"]);
    agrees(Body, "return 'got', y2('a', 'b')", &["resume Yield:", "resume Ok: 'got' 11 12"]);
    agrees(Keeping, "return 'got', y2('a', 'b', 1)", &["resume Yield: 1", "resume Ok: 'got' 11 12"]);
    agrees(
        Body,
        "return 'got', yk('a', 'b', 1, 2)",
        &["yk: 'a' 'b' 1 2", "resume Yield: 1 2", "yk k Yield 7: 'a' 'b' 11 12", "resume Ok: 'got' 11 12"],
    );
    agrees(
        Body,
        "return 'got', yk('a', 'b')",
        &["yk: 'a' 'b'", "resume Yield:", "yk k Yield 7: 'a' 'b' 11 12", "resume Ok: 'got' 11 12"],
    );
    agrees(
        Keeping,
        "return 'got', yk('a', 'b', 1)",
        &["yk: 'a' 'b' 1", "resume Yield: 1", "yk k Yield 7: 'a' 'b' 1 11 12", "resume Ok: 'got' 1 11 12"],
    );
    agrees(
        Collecting,
        "return 'got', yk('a' .. 1, {}, 1)",
        &["yk: 'a1' table 1", "resume Yield: 1", "yk k Yield 7: 'a1' table 11 12", "resume Ok: 'got' 11 12"],
    );
}

#[test]
fn a_continuation_yields_again() {
    agrees(
        Body,
        "return again(3)",
        &[
            "again k Ok 3: 3",
            "resume Yield: 3",
            "again k Yield 2: 3 11 12",
            "resume Yield: 2",
            "again k Yield 1: 3 11 12 21 22",
            "resume Yield: 1",
            "again k Yield 0: 3 11 12 21 22 31 32",
            "resume Ok: 3 11 12 21 22 31 32",
        ],
    );
    agrees(
        Keeping,
        "return again(3)",
        &[
            "again k Ok 3: 3",
            "resume Yield: 3",
            "again k Yield 2: 3 3 11 12",
            "resume Yield: 2",
            "again k Yield 1: 3 3 11 12 2 21 22",
            "resume Yield: 1",
            "again k Yield 0: 3 3 11 12 2 21 22 1 31 32",
            "resume Ok: 3 3 11 12 2 21 22 1 31 32",
        ],
    );
    agrees(
        Body,
        "for i = 1, 3 do note(again(i)) end",
        &[
            "again k Ok 1: 1",
            "resume Yield: 1",
            "again k Yield 0: 1 11 12",
            "note: 1 11 12",
            "again k Ok 2: 2",
            "resume Yield: 2",
            "again k Yield 1: 2 21 22",
            "resume Yield: 1",
            "again k Yield 0: 2 21 22 31 32",
            "note: 2 21 22 31 32",
            "again k Ok 3: 3",
            "resume Yield: 3",
            "again k Yield 2: 3 41 42",
            "resume Yield: 2",
            "again k Yield 1: 3 41 42 51 52",
            "resume Yield: 1",
            "again k Yield 0: 3 41 42 51 52 61 62",
            "note: 3 41 42 51 52 61 62",
            "resume Ok:",
        ],
    );
    agrees(
        Collecting,
        "return again(2), again(1)",
        &[
            "again k Ok 2: 2",
            "resume Yield: 2",
            "again k Yield 1: 2 11 12",
            "resume Yield: 1",
            "again k Yield 0: 2 11 12 21 22",
            "again k Ok 1: 1",
            "resume Yield: 1",
            "again k Yield 0: 1 31 32",
            "resume Ok: 2 1 31 32",
        ],
    );
}

#[test]
fn a_native_is_the_body() {
    agrees(
        Main,
        "local co = create(y, 1, 2) res(co) res(co, 'a', 'b') note(res(co, 3))",
        &[
            "res ErrRun ErrRun: 'attempt to call a number value'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "main Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(yk, 1, 2) res(co, 'x') res(co, 'a', 'b') note(res(co, 3))",
        &[
            "res ErrRun ErrRun: 'attempt to call a number value'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "main Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(again, 2) res(co) res(co, 'a') res(co, 'b') note(res(co))",
        &[
            "res ErrRun ErrRun: 'attempt to call a number value'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "main Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(y2, 1, 2, 3) res(co) res(co)",
        &[
            "res ErrRun ErrRun: 'attempt to call a number value'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "main Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(again) res(co, 1) res(co)",
        &["again k Ok 1: 1", "res Yield Yield: 1", "again k Yield 0: 1", "res Ok Ok: 1", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(note, 1) res(co) note(status(co))",
        &["res ErrRun ErrRun: 'attempt to call a number value'", "note: 'ErrRun'", "main Ok:"],
    );
}

#[test]
fn iterators_yield() {
    agrees(
        Body,
        "local function iterator(s, i) i = i + 1 y('step', i) if i <= s then return i, i * i end end \
         for i, v in iterator, 2, 0 do note(i, v) end",
        &[
            "resume Yield: 'step' 1",
            "note: 1 1",
            "resume Yield: 'step' 2",
            "note: 2 4",
            "resume Yield: 'step' 3",
            "resume Ok:",
        ],
    );
    agrees(
        Body,
        "for i, v in y, 'state', 'control' do note(i, v) if i > 20 then return i end end",
        &["resume Yield: 'state' 'control'", "note: 11 12", "resume Yield: 'state' 11", "note: 21 22", "resume Ok: 21"],
    );
    agrees(
        Body,
        "for i, v in yk, 'state', 'control' do note(i, v) if i > 20 then return i end end",
        &[
            "yk: 'state' 'control'",
            "resume Yield:",
            "yk k Yield 7: 'state' 'control' 11 12",
            "note: 11 12",
            "yk: 'state' 11",
            "resume Yield:",
            "yk k Yield 7: 'state' 11 21 22",
            "note: 21 22",
            "resume Ok: 21",
        ],
    );
    agrees(
        Collecting,
        "for i in y2, {}, {} do if i > 20 then return i end end",
        &["resume Yield:", "resume Yield:", "resume Ok: 21"],
    );
}

#[test]
fn metamethods_that_are_natives_yield() {
    agrees(
        Body,
        "local t = setmt({}, { __index = y }) return 'v', t.field, t[1]",
        &["resume Yield: table 'field'", "resume Yield: table 1", "resume Ok: 'v' 11 21"],
    );
    agrees(
        Body,
        "local t = setmt({}, { __index = yk }) return 'v', t.field",
        &["yk: table 'field'", "resume Yield:", "yk k Yield 7: table 'field' 11 12", "resume Ok: 'v' 11"],
    );
    agrees(
        Body,
        "local t = setmt({}, { __newindex = y }) t.field = 1 t[1] = 2 return t.field, t[1]",
        &["resume Yield: table 'field' 1", "resume Yield: table 1 2", "resume Ok: nil nil"],
    );
    agrees(
        Body,
        "local t = setmt({}, { __newindex = yk }) t.field = 1 return t.field",
        &["yk: table 'field' 1", "resume Yield: 1", "yk k Yield 7: table 'field' 11 12", "resume Ok: nil"],
    );
    agrees(
        Body,
        "local t = setmt({}, { __call = y }) return 'v', t(1, 2)",
        &["resume Yield: table 1 2", "resume Ok: 'v' 11 12"],
    );
    agrees(
        Body,
        "local t = setmt({}, { __call = yk }) return t(1, 2, 3)",
        &["yk: table 1 2 3", "resume Yield: 2 3", "yk k Yield 7: table 1 11 12", "resume Ok: 11 12"],
    );
    agrees(Body, "local t = setmt({}, { __len = y }) return #t", &["resume Yield: table table", "resume Ok: 11"]);
    agrees(
        Body,
        "local t = setmt({}, { __unm = y, __bnot = yk }) return -t, ~t",
        &[
            "resume Yield: table table",
            "yk: table table",
            "resume Yield:",
            "yk k Yield 7: table table 21 22",
            "resume Ok: 11 21",
        ],
    );
    agrees(
        Body,
        "local mt = {} local t = setmt({}, mt) \
         mt.__add = yk mt.__sub = yk mt.__mul = y mt.__div = y mt.__mod = yk mt.__pow = y mt.__idiv = y \
         return t + 1, 1 - t, t * t, t / 2, 2 % t, t ^ 2, 7 // t",
        &[
            "yk: table 1",
            "resume Yield:",
            "yk k Yield 7: table 1 11 12",
            "yk: 1 table",
            "resume Yield:",
            "yk k Yield 7: 1 table 21 22",
            "resume Yield: table table",
            "resume Yield: table 2",
            "yk: 2 table",
            "resume Yield:",
            "yk k Yield 7: 2 table 51 52",
            "resume Yield: table 2",
            "resume Yield: 7 table",
            "resume Ok: 11 21 31 41 51 61 71",
        ],
    );
    agrees(
        Body,
        "local mt = {} local t = setmt({}, mt) \
         mt.__band = y mt.__bor = yk mt.__bxor = y mt.__shl = y mt.__shr = yk \
         return t & 1, 1 | t, t ~ t, t << 2, 2 >> t",
        &[
            "resume Yield: table 1",
            "yk: 1 table",
            "resume Yield:",
            "yk k Yield 7: 1 table 21 22",
            "resume Yield: table table",
            "resume Yield: table 2",
            "yk: 2 table",
            "resume Yield:",
            "yk k Yield 7: 2 table 51 52",
            "resume Ok: 11 21 31 41 51",
        ],
    );
}

#[test]
fn comparisons_yield() {
    agrees(
        Body,
        "local mt = { __eq = yk, __lt = yk, __le = yk } local a, b = setmt({}, mt), setmt({}, mt) \
         return a == b, a ~= b, a < b, a <= b, a > b, a >= b",
        &[
            "yk: table table",
            "resume Yield:",
            "yk k Yield 7: table table 11 12",
            "yk: table table",
            "resume Yield:",
            "yk k Yield 7: table table 21 22",
            "yk: table table",
            "resume Yield:",
            "yk k Yield 7: table table 31 32",
            "yk: table table",
            "resume Yield:",
            "yk k Yield 7: table table 41 42",
            "yk: table table",
            "resume Yield:",
            "yk k Yield 7: table table 51 52",
            "yk: table table",
            "resume Yield:",
            "yk k Yield 7: table table 61 62",
            "resume Ok: true false true true true true",
        ],
    );
    agrees(
        Body,
        "local mt = { __eq = function(a, b) y() return nil end, __lt = function(a, b) return not y() end } \
         local a, b = setmt({}, mt), setmt({}, mt) \
         return a == b, a ~= b, a < b, a <= b, a > b, a >= b",
        &[
            "resume Yield:",
            "resume Yield:",
            "resume Yield:",
            "resume Yield:",
            "resume Yield:",
            "resume Yield:",
            "resume Ok: false true false true false true",
        ],
    );
    agrees(
        Body,
        "local mt = { __eq = yk, __lt = y, __le = yk } local a, b = setmt({}, mt), setmt({}, mt) \
         if a == b then note('equal') end if a < b then note('less') else note('not less') end \
         if not (a <= b) then note('not') end while a < 1 do break end return 1 <= b",
        &[
            "yk: table table",
            "resume Yield:",
            "yk k Yield 7: table table 11 12",
            "note: 'equal'",
            "resume Yield: table table",
            "note: 'less'",
            "yk: table table",
            "resume Yield:",
            "yk k Yield 7: table table 31 32",
            "resume Yield: table 1",
            "yk: 1 table",
            "resume Yield:",
            "yk k Yield 7: 1 table 51 52",
            "resume Ok: true",
        ],
    );
    agrees(
        Body,
        "local mt = { __lt = function(a, b) return y('lt') == nil end } local a, b = setmt({}, mt), setmt({}, mt) \
         if a <= b then note('yes') end if b >= a then note('yes') end return a <= 1, 2 <= a",
        &[
            "resume Yield: 'lt'",
            "note: 'yes'",
            "resume Yield: 'lt'",
            "note: 'yes'",
            "resume Yield: 'lt'",
            "resume Yield: 'lt'",
            "resume Ok: true true",
        ],
    );
}

#[test]
fn concatenations_yield() {
    agrees(
        Body,
        "local t = setmt({}, { __concat = yk }) return 'a' .. 'b' .. t",
        &["yk: 'b' table", "resume Yield:", "yk k Yield 7: 'b' table 11 12", "resume Ok: 'a11'"],
    );
    agrees(
        Body,
        "local t = setmt({}, { __concat = y }) return 'a' .. 'b' .. t .. 'c' .. 'd'",
        &["resume Yield: table 'cd'", "resume Ok: 'ab11'"],
    );
    agrees(
        Body,
        "local t = setmt({}, { __concat = y }) return t .. t .. t .. 1",
        &["resume Yield: table 1", "resume Yield: table 11", "resume Yield: table 21", "resume Ok: 31"],
    );
    agrees(
        Body,
        "local mt = {} mt.__concat = function(a, b) y('now') return setmt({}, mt) end \
         local t = setmt({}, mt) local u = 'a' .. 1 .. t .. 'b' .. t .. 'c' return u",
        &[
            "resume Yield: 'now'",
            "resume Yield: 'now'",
            "resume Yield: 'now'",
            "resume Yield: 'now'",
            "resume Yield: 'now'",
            "resume Ok: table",
        ],
    );
    agrees(
        Collecting,
        "local t = setmt({}, { __concat = function(a, b) y() return 'x' end }) \
         return 'a' .. 'b' .. t .. 'c' .. t .. 'd' .. 'e'",
        &["resume Yield:", "resume Yield:", "resume Ok: 'abx'"],
    );
}

#[test]
fn metamethods_yield_within_protected_calls() {
    agrees(
        Body,
        "local t = setmt({}, { __index = function(t, k) y(k) fail(k) end, __concat = function() y() return nil + 1 end }) \
         note(pcallk(1, -1, nil, function() return t.x end)) \
         note(pcallk(2, -1, nil, function() return 'a' .. t .. 'b' end)) \
         return 'end'",
        &[
            "pcall 1: 1 -1 nil function",
            "resume Yield: 'x'",
            "pcall k ErrRun 1: 1 -1 nil 'x'",
            "note: 'x'",
            "pcall 2: 2 -1 nil function",
            "resume Yield:",
            "pcall k ErrRun 2: 2 -1 nil 's:1: attempt to perform arithmetic on a nil value'",
            "note: 's:1: attempt to perform arithmetic on a nil value'",
            "resume Ok: 'end'",
        ],
    );
}

#[test]
fn tail_calls_yield() {
    agrees(
        Body,
        "local function f(n) if n == 0 then return y('end') end return f(n - 1) end return f(100)",
        &["resume Yield: 'end'", "resume Ok: 11 12"],
    );
    agrees(
        Body,
        "local function f(...) return callk(5, 1, y, ...) end return f(1, 2)",
        &["call 5: 5 1 function 1 2", "resume Yield: 1 2", "call k Yield 5: 5 1 11", "resume Ok: 11"],
    );
    agrees(
        Body,
        "local t = setmt({}, { __call = function(self, ...) return y(...) end }) return t(1, 2)",
        &["resume Yield: 1 2", "resume Ok: 11 12"],
    );
}

#[test]
fn no_yield_from_the_main_thread() {
    agrees(Main, "return y(1)", &["main ErrRun: 'attempt to yield from outside a coroutine'"]);
    agrees(Main, "return yk(1, 2, 3)", &["yk: 1 2 3", "main ErrRun: 'attempt to yield from outside a coroutine'"]);
    agrees(
        Main,
        "return 'end', pcall(y, 1)",
        &[
            "plain ErrRun: 'attempt to yield from outside a coroutine'",
            "main Ok: 'end' 'attempt to yield from outside a coroutine'",
        ],
    );
    agrees(
        Main,
        "return 'end', pcallk(5, -1, nil, y, 1)",
        &[
            "pcall 5: 5 -1 nil function 1",
            "pcall after ErrRun 5: 5 -1 nil 'attempt to yield from outside a coroutine'",
            "main Ok: 'end' 'attempt to yield from outside a coroutine'",
        ],
    );
    agrees(
        Main,
        "return 'end', pcallk(5, -1, nil, function() y(1) end)",
        &[
            "pcall 5: 5 -1 nil function",
            "pcall after ErrRun 5: 5 -1 nil 'attempt to yield from outside a coroutine'",
            "main Ok: 'end' 'attempt to yield from outside a coroutine'",
        ],
    );
    agrees(
        Main,
        "callk(5, -1, y)",
        &["call 5: 5 -1 function", "main ErrRun: 'attempt to yield from outside a coroutine'"],
    );
    agrees(Main, "return isy()", &["main Ok: false"]);
}

#[test]
fn no_yield_across_a_plain_call() {
    agrees(Body, "return call(y, 1)", &["resume ErrRun: 'attempt to yield across a C-call boundary'"]);
    agrees(
        Body,
        "return 'end', pcall(y, 1)",
        &[
            "plain ErrRun: 'attempt to yield across a C-call boundary'",
            "resume Ok: 'end' 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Body,
        "return 'end', pcall(function() return y(1) end)",
        &[
            "plain ErrRun: 'attempt to yield across a C-call boundary'",
            "resume Ok: 'end' 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Body,
        "return 'end', pcallk(5, -1, nil, call, y, 1)",
        &[
            "pcall 5: 5 -1 nil function function 1",
            "pcall k ErrRun 5: 5 -1 nil 'attempt to yield across a C-call boundary'",
            "resume Ok: 'end' 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Body,
        "return 'end', pcall(call, yk, 1, 2, 3)",
        &[
            "yk: 1 2 3",
            "plain ErrRun: 'attempt to yield across a C-call boundary'",
            "resume Ok: 'end' 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Body,
        "return 'end', pcall(callk, 5, -1, y)",
        &[
            "call 5: 5 -1 function",
            "plain ErrRun: 'attempt to yield across a C-call boundary'",
            "resume Ok: 'end' 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Body,
        "return 'end', pcall(pcallk, 5, -1, note, y)",
        &[
            "pcall 5: 5 -1 function function",
            "note: 'attempt to yield across a C-call boundary'",
            "pcall after ErrRun 5: 5 -1 function nil",
            "plain Ok: nil",
            "resume Ok: 'end' nil",
        ],
    );
    agrees(
        Body,
        "return 'end', pcall(function() return setmt({}, { __index = y }).x end)",
        &[
            "plain ErrRun: 'attempt to yield across a C-call boundary'",
            "resume Ok: 'end' 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Body,
        "y() pcall(y) y() pcall(fail, 'e') y() return 'end', pcall(call, call, y)",
        &[
            "resume Yield:",
            "plain ErrRun: 'attempt to yield across a C-call boundary'",
            "resume Yield:",
            "plain ErrRun: 'e'",
            "resume Yield:",
            "plain ErrRun: 'attempt to yield across a C-call boundary'",
            "resume Ok: 'end' 'attempt to yield across a C-call boundary'",
        ],
    );
}

#[test]
fn where_a_yield_is_possible() {
    agrees(
        Body,
        "return isy(), call(isy), callk(5, -1, isy)",
        &["call 5: 5 -1 function", "call after 5: 5 -1 true", "resume Ok: true false true"],
    );
    agrees(
        Body,
        "y() return isy(), pcall(isy), pcallk(5, -1, nil, isy)",
        &[
            "resume Yield:",
            "plain Ok: false",
            "pcall 5: 5 -1 nil function",
            "pcall after Ok 5: 5 -1 nil true",
            "resume Ok: true false true",
        ],
    );
    agrees(
        Body,
        "pcall(y) return isy(), pcallk(5, -1, nil, function() pcall(y) y() return isy() end)",
        &[
            "plain ErrRun: 'attempt to yield across a C-call boundary'",
            "pcall 5: 5 -1 nil function",
            "plain ErrRun: 'attempt to yield across a C-call boundary'",
            "resume Yield:",
            "pcall k Yield 5: 5 -1 nil true",
            "resume Ok: true true",
        ],
    );
    agrees(
        Body,
        "pcallk(5, -1, nil, function() call(fail, 'e') end) note(isy()) y() \
         pcallk(5, -1, nil, function() y() call(fail, 'e') end) note(isy()) y() return isy()",
        &[
            "pcall 5: 5 -1 nil function",
            "pcall k ErrRun 5: 5 -1 nil 'e'",
            "note: true",
            "resume Yield:",
            "pcall 5: 5 -1 nil function",
            "resume Yield:",
            "pcall k ErrRun 5: 5 -1 nil 'e'",
            "note: true",
            "resume Yield:",
            "resume Ok: true",
        ],
    );
    agrees(
        Body,
        "return pcallk(5, -1, function(e) return isy() end, fail)",
        &["pcall 5: 5 -1 function function", "pcall k ErrRun 5: 5 -1 function false", "resume Ok: false"],
    );
    agrees(
        Main,
        "local co = create(isy) note(res(co)) return isy()",
        &["res Ok Ok: true", "note: 'Ok' true", "main Ok: false"],
    );
}
