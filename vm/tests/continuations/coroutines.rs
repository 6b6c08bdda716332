//! Coroutines that scripts make, within coroutines that the host drives.

use crate::trace::Mode::{Body, Collecting, Keeping, Main};
use crate::trace::{agrees, trace};

#[test]
fn errors_of_wrapped_coroutines() {
    agrees(
        Body,
        "local f = wrap(function() lfail('mine') end) return pcallk(1, -1, nil, f)",
        &["pcall 1: 1 -1 nil function", "pcall k ErrRun 1: 1 -1 nil 's:1: mine'", "resume Ok: 's:1: mine'"],
    );
    agrees(
        Body,
        "local f = wrap(function() lfail('mine') end) return pcallk(1, -1, nil, function() f() end)",
        &["pcall 1: 1 -1 nil function", "pcall k ErrRun 1: 1 -1 nil 's:1: s:1: mine'", "resume Ok: 's:1: s:1: mine'"],
    );
    agrees(
        Body,
        "local f = wrap(function() y(1) fail({}) end) f() return pcallk(1, -1, nil, f)",
        &["pcall 1: 1 -1 nil function", "pcall k ErrRun 1: 1 -1 nil table", "resume Ok: table"],
    );
    agrees(Body, "local f = wrap(function() fail('bare') end) f()", &["resume ErrRun: 's:1: bare'"]);
    agrees(Body, "local f = wrap(function() end) f() f()", &["resume ErrRun: 's:1: cannot resume dead coroutine'"]);
    agrees(
        Body,
        "local f = wrap(fail) pcallk(1, 0, nil, f, 'e') return pcallk(1, -1, nil, f)",
        &[
            "pcall 1: 1 0 nil function 'e'",
            "pcall k ErrRun 1: 1 0 nil 'e'",
            "pcall 1: 1 -1 nil function",
            "pcall k ErrRun 1: 1 -1 nil 'cannot resume dead coroutine'",
            "resume Ok: 'cannot resume dead coroutine'",
        ],
    );
    agrees(
        Body,
        "local f f = wrap(function() f() end) f()",
        &["resume ErrRun: 's:1: s:1: cannot resume dead coroutine'"],
    );
    agrees(
        Body,
        "local f = wrap(memory) return pcallk(1, -1, nil, f)",
        &[
            "pcall 1: 1 -1 nil function",
            "pcall k ErrRun 1: 1 -1 nil 'not enough memory'",
            "resume Ok: 'not enough memory'",
        ],
    );
    agrees(
        Body,
        "local f = wrap(function() return nil + 1 end) return pcallk(1, -1, note, wrap(function() y() f() end))",
        &["pcall 1: 1 -1 function function", "pcall after Ok 1: 1 -1 function", "resume Ok:"],
    );
    agrees(
        Main,
        "local f = wrap(function() y(1) lfail('mine') end) note(f()) f()",
        &["note: 1", "main ErrRun: 's:1: s:1: mine'"],
    );
}

#[test]
fn resumed_coroutines() {
    agrees(
        Body,
        "return resume(create(function(...) note(...) return 'r', y(...) end), 1, 2)",
        &["note: 1 2", "resume Ok: true 1 2"],
    );
    agrees(
        Body,
        "local co = create(function(...) return 'r', y(...) end) note(resume(co, 1, 2)) note(resume(co, 3)) return resume(co)",
        &["note: true 1 2", "note: true 'r' 3", "resume Ok: false 'cannot resume dead coroutine'"],
    );
    agrees(
        Body,
        "local co = create(function() y() lfail('e') end) resume(co) note(resume(co)) return resume(co, 1)",
        &["note: false 's:1: e'", "resume Ok: false 'cannot resume dead coroutine'"],
    );
    agrees(Body, "return resume(self())", &["resume Ok: false 'cannot resume non-suspended coroutine'"]);
    agrees(
        Body,
        "local co = self() return resume(create(function() return resume(co) end))",
        &["resume Ok: true false 'cannot resume non-suspended coroutine'"],
    );
    agrees(Body, "return resume(create(memory))", &["resume Ok: false 'not enough memory'"]);
    agrees(Body, "return resume(create(callk), 1, -1, y, 'a')", &["call 1: 1 -1 function 'a'", "resume Ok: true 'a'"]);
    agrees(
        Body,
        "return pcallk(1, -1, nil, resume)",
        &[
            "pcall 1: 1 -1 nil function",
            "pcall k ErrRun 1: 1 -1 nil 'bad argument #1 to '?' (thread expected)'",
            "resume Ok: 'bad argument #1 to '?' (thread expected)'",
        ],
    );
}

/// What is yielded in a coroutine goes to whoever resumed that one, and what the host resumes is the outer one.
#[test]
fn yields_at_several_levels() {
    agrees(
        Body,
        "local inner = create(function(...) y('inner', ...) y('again') return 'end' end) \
         y(resume(inner, 1)) y(resume(inner)) y(resume(inner)) return resume(inner)",
        &[
            "resume Yield: true 'inner' 1",
            "resume Yield: true 'again'",
            "resume Yield: true 'end'",
            "resume Ok: false 'cannot resume dead coroutine'",
        ],
    );
    agrees(
        Collecting,
        "local f = wrap(function() for i = 1, 2 do y(i) end end) for i in f do y('outer', i) end \
         local g = wrap(function() callk(1, -1, y, 'a') pcallk(2, 0, nil, function() y('b') fail('c') end) return 'd' end) \
         return y(g()), y(g()), y(g())",
        &[
            "resume Yield: 'outer' 1",
            "resume Yield: 'outer' 2",
            "call 1: 1 -1 function 'a'",
            "resume Yield: 'a'",
            "call k Yield 1: 1 -1",
            "pcall 2: 2 0 nil function",
            "resume Yield: 'b'",
            "pcall k ErrRun 2: 2 0 nil 'c'",
            "resume Yield: 'd'",
            "resume Ok: 31 41 51 52",
        ],
    );
    agrees(
        Keeping,
        "local inner = wrap(function(...) local a, b = y2(1, 2, ...) return a, b, (y(3)) end) \
         local a, b = inner('x', 'z') note(a, b) note(y(inner(4, 5))) return inner('last')",
        &["note: 'x' 'z'", "resume Yield: 3", "note: 11 12", "resume Ok: 4 5 'last'"],
    );
    agrees(
        Body,
        "local function nested(n) if n == 0 then y('deep') return fail('e') end \
             local co = create(nested) local ok, v = resume(co, n - 1) y(n, v) note(pcallk(n, -1, nil, function() \
             local ok, e = resume(co) fail(e) end)) fail('e' .. n) end \
         nested(3)",
        &[
            "resume Yield: 3 2",
            "pcall 3: 3 -1 nil function",
            "pcall 2: 2 -1 nil function",
            "pcall 1: 1 -1 nil function",
            "pcall k ErrRun 1: 1 -1 nil 'e'",
            "note: 'e'",
            "pcall k ErrRun 2: 2 -1 nil 'e1'",
            "note: 'e1'",
            "pcall k ErrRun 3: 3 -1 nil 'e2'",
            "note: 'e2'",
            "resume ErrRun: 'e3'",
        ],
    );
}

/// `yield` and `resume` have a short way between instructions; here one side takes the long one.
#[test]
fn the_ways_between_coroutines() {
    for resume in ["resume", "res"] {
        for give in [
            "yield",
            "y",
            "function(...) return yield(...) end",
            "function(...) local a, b = yield(...) return a, b end",
        ] {
            let script = |resume: &str, give: &str| {
                format!(
                    "local give = {give} \
                     local co = create(function(...) give(...) local a = give('one') local b, c, d = give('two', a) \
                         local t = {{ give('three', b, c, d) }} note(#t, t[1]) return 'end', give(give()) end) \
                     local function log(ok, ...) note(...) end \
                     log({resume}(co, 1, 2)) local _, v = {resume}(co) note(v) {resume}(co, 5) gc() \
                     log({resume}(co, 6, 7)) log({resume}(co)) log({resume}(co, 8)) log({resume}(co, 9, 10)) note(status(co))"
                )
            };
            let notes = |script: String| {
                let lines = trace(Main, &script).into_iter();
                lines.filter(|line| line.starts_with("note")).collect::<Vec<String>>()
            };
            let long = give.replace("yield", "y");
            assert_eq!(notes(script(resume, give)), notes(script("res", &long)), "{resume}, {give}");
        }
    }
    agrees(
        Main,
        "local co = create(function(...) yield(...) local a = yield('one') local b, c, d = yield('two', a) \
             local t = { yield('three', b, c, d) } note(#t, t[1]) return 'end', yield(yield()) end) \
         note(res(co, 1, 2)) res(co) res(co, 5) note(resume(co, 6, 7)) note(resume(co)) stackof(co) \
         note(resume(co, 8)) note(res(co, 9, 10)) note(status(co))",
        &[
            "res Yield Yield: 1 2",
            "note: 'Yield' 1 2",
            "res Yield Yield: 'one'",
            "res Yield Yield: 'two' 5",
            "note: true 'three' 6 7 nil",
            "note: 0 nil",
            "note: true",
            "stack Yield:",
            "note: true 8",
            "res Ok Ok: 'end' 9 10",
            "note: 'Ok' 'end' 9 10",
            "note: 'Ok'",
            "main Ok:",
        ],
    );
}

#[test]
fn what_a_suspended_coroutine_shows_the_host() {
    agrees(
        Main,
        "local co = create(y2) resume(co, 1, 2, 3) stackof(co) push(co, 'a') stackof(co) resn(co, 1)",
        &["stack Yield:", "stack Yield: 'a'", "res Ok Ok: 'a'", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(yk) resume(co, 1, 2, 3) stackof(co) push(co, 'a') resn(co, 1)",
        &["yk: 1 2 3", "stack Yield:", "yk k Yield 7: 1 2 'a'", "res Ok Ok: 'a'", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(yk) resn(push(co, 1, 2, 3) or co, 3) settop(co, 0) note(resume(co, 'a', 'b'))",
        &["yk: 1 2 3", "res Yield Yield: 3", "yk k Yield 7: 1 2 'a' 'b'", "note: true 'a' 'b'", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(function(...) return y2(...) end) resume(co, 1, 2, 3) stackof(co) note(resume(co, 'a'))",
        &["stack Yield:", "note: true 'a'", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(function(...) return yield(...) end) resn(push(co, 1, 2) or co, 2) settop(co, 0) note(resume(co, 'a'))",
        &["res Yield Yield: 1 2", "note: true 'a'", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(again) resume(co, 3) res(co, 'a') resume(co, 'b') stackof(co) resn(co, 0) ",
        &[
            "again k Ok 3: 3",
            "again k Yield 2: 3 'a'",
            "res Yield Yield: 2",
            "again k Yield 1: 3 'a' 'b'",
            "stack Yield:",
            "again k Yield 0: 3 'a' 'b'",
            "res Ok Ok: 3 'a' 'b'",
            "main Ok:",
        ],
    );
    agrees(Main, "local co = create(fail) resume(co, 'e') stackof(co)", &["stack ErrRun: 'e'", "main Ok:"]);
}

#[test]
fn hooks_in_coroutines_of_scripts() {
    agrees(
        Main,
        "local co = create(function(a)\nlocal b = a + 1\nreturn b\nend)\nhook(co, 'ly')\n\
         note(resume(co, 1)) stackof(co) gc() note(resume(co, 'ignored')) note(resume(co))",
        &["line 2", "note: true", "stack Yield:", "line 3", "note: true", "note: true 2", "main Ok:"],
    );
    agrees(
        Body,
        "local f = wrap(function(...)\nlocal a, b = ...\ny(a)\nreturn b\nend)\ny(f(1, 2))\nreturn f()",
        &["resume Yield: 1", "resume Ok: 2"],
    );
}
