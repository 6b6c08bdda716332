//! What becomes of threads: resumed when they must not be, dead of errors, nested too deep, called without being resumed.

use perilune_alloc_adapters::System;
use perilune_vm::{Lua, LuaResult, LuaState, NativeFn, Status, upvalue_index};

use crate::trace::Mode::{Body, Main};
use crate::trace::{agrees, leaves, show, trace};

#[test]
fn threads_that_cannot_be_resumed() {
    agrees(
        Main,
        "local co = create(fail) note(res(co, 'e')) note(res(co, 1, 2)) note(res(co)) return status(co)",
        &[
            "res ErrRun ErrRun: 'e'",
            "note: 'ErrRun' 'e'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "main Ok: 'ErrRun'",
        ],
    );
    agrees(
        Main,
        "local co = create(memory) note(res(co)) note(res(co, 1)) return status(co)",
        &[
            "res ErrMem ErrMem: 'not enough memory'",
            "note: 'ErrMem' 'not enough memory'",
            "res ErrRun ErrMem: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "main Ok: 'ErrMem'",
        ],
    );
    agrees(
        Body,
        "return res(self(), 1, 2)",
        &[
            "res ErrRun Ok: 'cannot resume non-suspended coroutine'",
            "resume Ok: 'cannot resume non-suspended coroutine' 'ErrRun'",
        ],
    );
    agrees(
        Main,
        "local co co = create(function() return res(co, 1) end) return res(co)",
        &[
            "res ErrRun Ok: 'cannot resume non-suspended coroutine'",
            "res Ok Ok: 'cannot resume non-suspended coroutine' 'ErrRun'",
            "main Ok: 'Ok' 'cannot resume non-suspended coroutine' 'ErrRun'",
        ],
    );
    agrees(
        Main,
        "local a a = create(function() return res(create(function() return res(a, 1) end)) end) return res(a)",
        &[
            "res ErrRun Ok: 'cannot resume non-suspended coroutine'",
            "res Ok Ok: 'ErrRun' 'cannot resume non-suspended coroutine'",
            "res Ok Ok: 'Ok' 'ErrRun' 'cannot resume non-suspended coroutine'",
            "main Ok: 'Ok' 'Ok' 'ErrRun' 'cannot resume non-suspended coroutine'",
        ],
    );
    agrees(
        Main,
        "local co = create(function() y() return 'end' end) res(co) call(res, co) return status(co)",
        &["res Yield Yield:", "res Ok Ok: 'end'", "main Ok: 'Ok'"],
    );
    // In C whoever resumes has to know that there is a function.
    leaves(
        Main,
        "local co = create(function() end) res(co) note(res(co, 1, 2)) return status(co)",
        &[
            "res Ok Ok:",
            "res ErrRun Ok: 'cannot resume dead coroutine'",
            "note: 'ErrRun' 'cannot resume dead coroutine'",
            "main Ok: 'Ok'",
        ],
    );
}

#[test]
fn a_thread_is_used_again() {
    agrees(
        Main,
        "local co = create(y2) res(co, 1, 2, 3) res(co, 4) push(co, y) res(co, 5) note(res(co, 6))",
        &["res Yield Yield: 3", "res Ok Ok: 4", "res Yield Yield: 5", "res Ok Ok: 6", "note: 'Ok' 6", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(note, 1) resn(co, 1) push(co, y, 2) resn(co, 1) push(co, 3, 4) resn(co, 2)",
        &["note: 1", "res Ok Ok:", "res Yield Yield: 2", "res Ok Ok: 3 4", "main Ok:"],
    );
}

#[test]
fn the_stack_of_a_dead_thread_keeps_the_error() {
    agrees(
        Main,
        "local co = create(fail, 'e') resn(co, 1) stackof(co)",
        &["res ErrRun ErrRun: 'e' 'e'", "stack ErrRun: 'e' 'e'", "main Ok:"],
    );
    agrees(Main, "local co = create(1, 2, fail, 'e', 'f') resn(co, 2)", &["res ErrRun ErrRun: 'e' 'e'", "main Ok:"]);
    agrees(
        Main,
        "local co = create(callk, 5, -1, fail, 'e') resn(co, 4) resn(co, 0) push(co, 1) resn(co, 1)",
        &[
            "call 5: 5 -1 function 'e'",
            "res ErrRun ErrRun: 'e' 'e'",
            "res ErrRun ErrRun: 'e' 'e' 'cannot resume dead coroutine'",
            "res ErrRun ErrRun: 'e' 'e' 'cannot resume dead coroutine' 'cannot resume dead coroutine'",
            "main Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(callk, 5, -1, y, 'e') resn(co, 4) settop(co, 0) push(co, 1, 2) resn(co, 2)",
        &[
            "call 5: 5 -1 function 'e'",
            "res Yield Yield: 'e'",
            "call k Yield 5: 5 -1 1 2",
            "res Ok Ok: 1 2",
            "main Ok:",
        ],
    );
    agrees(Main, "local co = create(memory, 1) resn(co, 1)", &["res ErrMem ErrMem: 1 'not enough memory'", "main Ok:"]);
    agrees(
        Main,
        "local co = create(lfail, 'text') resn(co, 1)",
        &["res ErrRun ErrRun: 'text' 'text' 'text'", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(pcallk, 1, -1, nil, chain, nil, y) resn(co, 6) settop(co, 0) resn(co, 0)",
        &[
            "pcall 1: 1 -1 nil function nil function",
            "res Yield Yield:",
            "chain k Yield 2: nil function nil",
            "pcall k ErrRun 1: 1 -1 nil 'chain end'",
            "res Ok Ok: 'chain end'",
            "main Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(function() y() fail('e') end) note(res(co)) note(res(co)) settop(co, 1) stackof(co)",
        &[
            "res Yield Yield:",
            "note: 'Yield'",
            "res ErrRun ErrRun: 'e'",
            "note: 'ErrRun' 'e'",
            "stack ErrRun: 'e'",
            "main Ok:",
        ],
    );
}

#[test]
fn values_that_the_host_puts_on_a_suspended_stack() {
    agrees(
        Main,
        "local co = create(yk, 1, 2, 3) resn(co, 3) stackof(co) push(co, 'a', 'b') stackof(co) resn(co, 1)",
        &[
            "yk: 1 2 3",
            "res Yield Yield: 3",
            "stack Yield: 3",
            "stack Yield: 3 'a' 'b'",
            "yk k Yield 7: 1 2 3 'a' 'b'",
            "res Ok Ok: 3 'a' 'b'",
            "main Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(yk, 1, 2, 3) resn(co, 3) settop(co, 4) resn(co, 0)",
        &["yk: 1 2 3", "res Yield Yield: 3", "yk k Yield 7: 1 2 3 nil nil nil", "res Ok Ok: 3 nil nil nil", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(y, 1, 2, 3) resn(co, 3) push(co, 'a', 'b') resn(co, 1)",
        &["res Yield Yield: 1 2 3", "res Ok Ok: 'b'", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(function(...) return 'r', y(...) end, 1, 2) resn(co, 2) stackof(co) push(co, 3) resn(co, 2)",
        &["res Yield Yield: 1 2", "stack Yield: 1 2", "res Ok Ok: 'r' 2 3", "main Ok:"],
    );
    agrees(
        Main,
        "local co = create(callk, 5, 1, yk, 'a', 'b', 'c') resn(co, 6) push(co, 3) resn(co, 1)",
        &[
            "call 5: 5 1 function 'a' 'b' 'c'",
            "yk: 'a' 'b' 'c'",
            "res Yield Yield: 'c'",
            "yk k Yield 7: 'a' 'b' 'c' 3",
            "call k Yield 5: 5 1 'c'",
            "res Ok Ok: 'c'",
            "main Ok:",
        ],
    );
}

#[test]
fn the_traceback_of_a_dead_thread() {
    agrees(
        Main,
        "local function f()\ny()\nlocal x = nil + 1\nend\nlocal co = create(function()\nf()\nend)\nres(co)\n\
         note(trace(co, 'one', 0))\nres(co)\nnote(trace(co, 'two', 0))\nreturn trace(co, nil, 1)",
        &[
            "res Yield Yield:",
            "note: 'one\\nstack traceback:\\n\\t[C]: in global 'y'\\n\\ts:2: in upvalue 'f'\\n\\ts:6: in function <s:5>'",
            "res ErrRun ErrRun: 's:3: attempt to perform arithmetic on a nil value'",
            "note: 'two\\nstack traceback:\\n\\ts:3: in upvalue 'f'\\n\\ts:6: in function <s:5>'",
            "main Ok: 'stack traceback:\\n\\ts:6: in function <s:5>'",
        ],
    );
    agrees(
        Main,
        "local co = create(callk)\nres(co, 1, -1, function()\nfail({})\nend)\n\nreturn trace(co, 'dead', 0), trace(co, 'dead', 1)",
        &[
            "call 1: 1 -1 function",
            "res ErrRun ErrRun: table",
            "main Ok: 'dead\\nstack traceback:\\n\\t[C]: in global 'fail'\\n\\ts:3: in function <s:2>\\n\\t[C]: in ?' 'dead\\nstack traceback:\\n\\ts:3: in function <s:2>\\n\\t[C]: in ?'",
        ],
    );
    agrees(
        Main,
        "local co = create(pcallk)\nres(co, 1, -1, nil, callk, 1, -1, function()\ny2(1, 2, 3)\nend)\n\nreturn trace(co, 'alive', 0)",
        &[
            "pcall 1: 1 -1 nil function 1 -1 function",
            "call 1: 1 -1 function",
            "res Yield Yield: 3",
            "main Ok: 'alive\\nstack traceback:\\n\\t[C]: in global 'y2'\\n\\ts:3: in function <s:2>\\n\\t[C]: in ?\\n\\t[C]: in ?'",
        ],
    );
    agrees(
        Main,
        "local co = create(callk) res(co, 1, -1, lfail, 'e') return trace(co, 'dead', 0)",
        &[
            "call 1: 1 -1 function 'e'",
            "res ErrRun ErrRun: 'e'",
            "main Ok: 'dead\\nstack traceback:\\n\\t[C]: in ?\\n\\t[C]: in ?'",
        ],
    );
}

/// The frames that an error leaves stay for a traceback also where native functions pass it on. One that does more than that
/// has given them up; in C it could not.
#[test]
fn native_functions_between_a_dead_thread_and_its_traceback() {
    agrees(
        Main,
        "local function f()\nfail('e')\nend\nlocal co = create(call)\nres(co, call, function()\ncall(f)\nend)\nreturn trace(co, 't', 0)",
        &[
            "res ErrRun ErrRun: 'e'",
            "main Ok: 't\\nstack traceback:\\n\\t[C]: in global 'fail'\\n\\ts:2: in function <s:1>\\n\\t[C]: in global 'call'\\n\\ts:6: in function <s:5>\\n\\t[C]: in ?\\n\\t[C]: in ?'",
        ],
    );
    agrees(
        Main,
        "local function f()\ny()\nfail('e')\nend\nlocal co = create(callk) res(co, 1, 1, function()\ncall(isy)\nf()\nend)\n\
         res(co)\nreturn trace(co, 't', 0)",
        &[
            "call 1: 1 1 function",
            "res Yield Yield:",
            "res ErrRun ErrRun: 'e'",
            "main Ok: 't\\nstack traceback:\\n\\t[C]: in global 'fail'\\n\\ts:3: in upvalue 'f'\\n\\ts:7: in function <s:5>\\n\\t[C]: in ?'",
        ],
    );
    agrees(
        Main,
        "local function f()\nreturn memory()\nend\nlocal co = create(call)\nres(co, function()\ncall(f)\nend)\nreturn trace(co, 't', 0)",
        &[
            "res ErrMem ErrMem: 'not enough memory'",
            "main Ok: 't\\nstack traceback:\\n\\t[C]: in global 'memory'\\n\\ts:2: in function <s:1>\\n\\t[C]: in global 'call'\\n\\ts:6: in function <s:5>\\n\\t[C]: in ?'",
        ],
    );
    agrees(
        Main,
        "local co = create(pcallk)\nres(co, 1, 1, nil, function()\ncall(fail, 'e')\nend)\nreturn trace(co, 't', 0)",
        &[
            "pcall 1: 1 1 nil function",
            "pcall k ErrRun 1: 1 1 nil 'e'",
            "res Ok Ok: 'e'",
            "main Ok: 't\\nstack traceback:'",
        ],
    );
    agrees(
        Main,
        "local co = create(call)\nnote(resume(co, call, function()\ncall(fail, 'e')\nend))\nstackof(co) return trace(co, 't', 0)",
        &[
            "note: false 'e'",
            "stack ErrRun: 'e'",
            "main Ok: 't\\nstack traceback:\\n\\t[C]: in ?\\n\\t[C]: in global 'call'\\n\\ts:3: in function <s:2>\\n\\t[C]: in ?\\n\\t[C]: in ?'",
        ],
    );
    leaves(
        Main,
        "local co = create(call)\nres(co, linger, function()\ncall(fail, 'e')\nend)\ngc()\nreturn trace(co, 't', 0)",
        &["res ErrRun ErrRun: 'e'", "main Ok: 't\\nstack traceback:\\n\\t[C]: in ?\\n\\t[C]: in ?'"],
    );
    leaves(
        Main,
        "local co = create(function()\nswallow(function() call(fail, 'e') end)\nlfail('f')\nend)\nres(co)\nreturn trace(co, 't', 0)",
        &[
            "swallowed:",
            "res ErrRun ErrRun: 's:3: f'",
            "main Ok: 't\\nstack traceback:\\n\\t[C]: in global 'lfail'\\n\\ts:3: in function <s:1>'",
        ],
    );
    leaves(
        Main,
        "local co = create(function()\nswallow(function() call(fail, 'e') end)\nmemory()\nend)\nres(co)\nreturn trace(co, 't', 0)",
        &[
            "swallowed:",
            "res ErrMem ErrMem: 'not enough memory'",
            "main Ok: 't\\nstack traceback:\\n\\t[C]: in global 'memory'\\n\\ts:3: in function <s:1>'",
        ],
    );
}

#[test]
fn coroutines_in_coroutines() {
    agrees(Main, "return levels(196, isy)", &["main Ok: true"]);
    agrees(Main, "return levels(197, isy)", &["main Ok: true"]);
    agrees(Main, "return levels(198, isy)", &["main Ok: 'C stack overflow'"]);
    agrees(Main, "return levels(199, isy)", &["main Ok: 'C stack overflow'"]);
    agrees(Main, "return levels(250, isy)", &["main Ok: 'C stack overflow'"]);
    agrees(Body, "return levels(197, isy)", &["resume Ok: true"]);
    agrees(Body, "return levels(198, isy)", &["resume Ok: 'C stack overflow'"]);
    agrees(Main, "return levels(195, function() return call(call, isy) end)", &["main Ok: false"]);
    agrees(Main, "return levels(196, function() return call(call, isy) end)", &["main Ok: 'C stack overflow'"]);
    agrees(
        Main,
        "return levels(193, function() return call(call, callk, 1, 1, isy) end)",
        &["call 1: 1 1 function", "call after 1: 1 1 false", "main Ok: false"],
    );
    agrees(
        Main,
        "return levels(194, function() return call(call, callk, 1, 1, isy) end)",
        &["call 1: 1 1 function", "call after 1: 1 1 false", "main Ok: false"],
    );
    agrees(Main, "return call(call, levels, 195, isy)", &["main Ok: true"]);
    agrees(Main, "return call(call, levels, 196, isy)", &["main Ok: 'C stack overflow'"]);
    agrees(Main, "return levels(190, function() return levels(7, isy) end)", &["main Ok: 'C stack overflow'"]);
    agrees(Main, "return levels(190, function() return levels(6, isy) end)", &["main Ok: true"]);
    agrees(Main, "local function f() return call(f) end return levels(100, f)", &["main Ok: 'C stack overflow'"]);
    agrees(
        Main,
        "local n = 0 local function f() n = n + 1 return levels(1, f, true) end return levels(1, f), n",
        &["main Ok: 'C stack overflow' 99"],
    );
}

/// Were a level lost, or one too many given back, the limit would be met one coroutine sooner or later.
#[test]
fn levels_are_given_back() {
    agrees(
        Main,
        "for i = 1, 3 do levels(2, fail) levels(1, function() call(call, fail) end) pcall(fail) pcall(call, fail) end \
         return levels(197, isy), levels(198, isy)",
        &[
            "plain ErrRun: nil",
            "plain ErrRun: nil",
            "plain ErrRun: nil",
            "plain ErrRun: nil",
            "plain ErrRun: nil",
            "plain ErrRun: nil",
            "main Ok: true 'C stack overflow'",
        ],
    );
    agrees(
        Body,
        "for i = 1, 3 do res(create(function() call(call, fail) end)) end \
         for i = 1, 3 do local co = create(callk) res(co, 1, -1, callk, 1, -1, y) res(co) end \
         callk(1, -1, callk, 1, -1, y) pcallk(1, -1, nil, callk, 1, -1, function() y() fail('e') end) pcall(call, fail) \
         return levels(197, isy), levels(198, isy)",
        &[
            "res ErrRun ErrRun: nil",
            "res ErrRun ErrRun: nil",
            "res ErrRun ErrRun: nil",
            "call 1: 1 -1 function 1 -1 function",
            "call 1: 1 -1 function",
            "res Yield Yield:",
            "call k Yield 1: 1 -1",
            "call k Yield 1: 1 -1",
            "res Ok Ok:",
            "call 1: 1 -1 function 1 -1 function",
            "call 1: 1 -1 function",
            "res Yield Yield:",
            "call k Yield 1: 1 -1",
            "call k Yield 1: 1 -1",
            "res Ok Ok:",
            "call 1: 1 -1 function 1 -1 function",
            "call 1: 1 -1 function",
            "res Yield Yield:",
            "call k Yield 1: 1 -1",
            "call k Yield 1: 1 -1",
            "res Ok Ok:",
            "call 1: 1 -1 function 1 -1 function",
            "call 1: 1 -1 function",
            "resume Yield:",
            "call k Yield 1: 1 -1 11 12",
            "call k Yield 1: 1 -1 11 12",
            "pcall 1: 1 -1 nil function 1 -1 function",
            "call 1: 1 -1 function",
            "resume Yield:",
            "pcall k ErrRun 1: 1 -1 nil 'e'",
            "plain ErrRun: nil",
            "resume Ok: true 'C stack overflow'",
        ],
    );
    agrees(
        Body,
        "pcallk(1, -1, nil, callk, 1, -1, function() fail('e') end) pcallk(1, -1, nil, fail) \
         pcallk(1, -1, nil, call, call, fail) return levels(197, isy), levels(198, isy)",
        &[
            "pcall 1: 1 -1 nil function 1 -1 function",
            "call 1: 1 -1 function",
            "pcall k ErrRun 1: 1 -1 nil 'e'",
            "pcall 1: 1 -1 nil function",
            "pcall k ErrRun 1: 1 -1 nil nil",
            "pcall 1: 1 -1 nil function function function",
            "pcall k ErrRun 1: 1 -1 nil nil",
            "resume Ok: true 'C stack overflow'",
        ],
    );
    // Too many levels, and enough of them given back to handle the error.
    agrees(
        Main,
        "local function f() return call(f) end \
         pcall(f) pcallk(1, 1, function(e) return call(call, call, isy) end, f) pcallk(2, 1, fail, f) \
         return levels(197, isy), levels(198, isy)",
        &[
            "plain ErrRun: 'C stack overflow'",
            "pcall 1: 1 1 function function",
            "pcall after ErrRun 1: 1 1 function false",
            "pcall 2: 2 1 function function",
            "pcall after ErrErr 2: 2 1 function 'error in error handling'",
            "main Ok: true 'C stack overflow'",
        ],
    );
    // A coroutine that yielded deep inside is resumed near the surface, and the other way round.
    agrees(
        Main,
        "local co = create(function() y() return levels(196, isy) end) \
         levels(150, function() res(co) end) return res(co)",
        &["res Yield Yield:", "res Ok Ok: true", "main Ok: 'Ok' true"],
    );
    agrees(
        Main,
        "local co = create(function() y() return levels(100, isy) end) res(co) \
         levels(150, function() res(co) end) return levels(197, isy), levels(198, isy)",
        &["res Yield Yield:", "res Ok Ok: 'C stack overflow'", "main Ok: true 'C stack overflow'"],
    );
}

#[test]
fn a_thread_is_called() {
    agrees(Main, "return callon(create(), function(...) return isy(), ... end, 1)", &["main Ok: false"]);
    agrees(
        Main,
        "local co = create(1, 2) return callon(co, function(...) return ... end, 3), stackof(co)",
        &["stack Ok: 1 2", "main Ok: 3"],
    );
    agrees(Main, "return pcallon(create(), fail, 'e')", &["on: 'e'", "main Ok: 'ErrRun' 'e'"]);
    agrees(
        Main,
        "return pcallon(create(), y, 'e')",
        &[
            "on: 'attempt to yield across a C-call boundary'",
            "main Ok: 'ErrRun' 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Body,
        "return pcallon(create(), y, 'e')",
        &[
            "on: 'attempt to yield across a C-call boundary'",
            "resume Ok: 'ErrRun' 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Body,
        "return callon(create(), function() return trace(self(), 't', 0) end)",
        &["resume Ok: 't\\nstack traceback:\\n\\t[C]: in global 'trace'\\n\\ts:1: in function <s:1>'"],
    );
    agrees(
        Main,
        "local co = create(yk, 1, 2, 3) resn(co, 3) note(callon(co, function() return 4 end)) stackof(co) resn(co, 1)",
        &[
            "yk: 1 2 3",
            "res Yield Yield: 3",
            "note: 4",
            "stack Yield: 3",
            "yk k Yield 7: 1 2 3",
            "res Ok Ok: 3",
            "main Ok:",
        ],
    );
    agrees(
        Main,
        "local co = create(yk, 1, 2, 3) resn(co, 3) note(pcallon(co, fail, 'e')) stackof(co) resn(co, 1)",
        &[
            "yk: 1 2 3",
            "res Yield Yield: 3",
            "on: 3 'e'",
            "note: 'ErrRun' 'e'",
            "stack Yield: 3",
            "yk k Yield 7: 1 2 3",
            "res Ok Ok: 3",
            "main Ok:",
        ],
    );
}

#[test]
fn an_error_in_a_thread_that_is_called_goes_to_the_caller() {
    agrees(Main, "callon(create(), fail, 'mine')", &["main ErrRun: 'mine'"]);
    agrees(
        Main,
        "return 'end', pcall(callon, create(), fail, 'mine')",
        &["plain ErrRun: 'mine'", "main Ok: 'end' 'mine'"],
    );
    agrees(
        Main,
        "return 'end', pcall(callon, create(), function() return nil + 1 end)",
        &[
            "plain ErrRun: 's:1: attempt to perform arithmetic on a nil value'",
            "main Ok: 'end' 's:1: attempt to perform arithmetic on a nil value'",
        ],
    );
    agrees(
        Main,
        "return 'end', pcall(callon, create(1, 2), callk, 1, 1, fail, 'mine')",
        &["call 1: 1 1 function 'mine'", "plain ErrRun: 'mine'", "main Ok: 'end' 'mine'"],
    );
    agrees(
        Main,
        "return 'end', pcall(callon, create(), callon, create(), callon, create(), fail, 'mine')",
        &["plain ErrRun: 'mine'", "main Ok: 'end' 'mine'"],
    );
    agrees(
        Main,
        "return 'end', pcall(callon, create(), memory)",
        &["plain ErrMem: 'not enough memory'", "main Ok: 'end' 'not enough memory'"],
    );
    agrees(
        Main,
        "return 'end', pcallk(1, -1, function(e) return e .. '!' end, callon, create(), fail, 'mine')",
        &[
            "pcall 1: 1 -1 function function thread function 'mine'",
            "pcall after ErrRun 1: 1 -1 function 'mine'",
            "main Ok: 'end' 'mine'",
        ],
    );
    agrees(
        Main,
        "return 'end', pcallk(1, -1, nil, callon, create(), callk, 2, -1, y)",
        &[
            "pcall 1: 1 -1 nil function thread function 2 -1 function",
            "call 2: 2 -1 function",
            "pcall after ErrRun 1: 1 -1 nil 'attempt to yield across a C-call boundary'",
            "main Ok: 'end' 'attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Main,
        "local co = create() pcall(callon, co, fail, 'mine') return status(co)",
        &["plain ErrRun: 'mine'", "main Ok: 'ErrRun'"],
    );
    // In C the error goes to the main thread at once, past the protected call of the thread that calls.
    leaves(
        Main,
        "return 'end', pcallon(create(), callon, create(), fail, 'mine')",
        &["on: 'mine'", "main Ok: 'end' 'ErrRun' 'mine'"],
    );
}

/// A native function that calls on a thread of its own sees the error, and can take it.
#[test]
fn the_error_of_a_called_thread_is_at_hand() {
    fn take(lua: &mut LuaState) -> LuaResult<usize> {
        let thread = lua.new_thread()?;
        // SAFETY: the thread is on the stack.
        let co = unsafe { thread.state() };
        lua.push_value(1)?;
        lua.xmove(co, 1)?;
        co.push_str("mine")?;
        let thrown = co.call(1, 0).expect_err("an error");
        co.error_to_top(thrown);
        let message = show(co, -1);
        // The thread counts as dead, as in C, where nothing comes back here.
        assert_eq!(co.status(), thrown.status());
        assert!(co.is_none(0) && lua.is_thread(2));
        lua.push_fmt(format_args!("{:?}{message}", thrown.status()))?;
        if lua.to_boolean(upvalue_index(1)) { Err(thrown) } else { Ok(1) }
    }
    let mut lua = Lua::with_seed(System, 1).expect("a state");
    let failures: [(NativeFn, Status, &str); 3] = [
        (|lua| Err(lua.error()), Status::ErrRun, "ErrRun 'mine'"),
        (|lua| lua.yield_values(1), Status::ErrRun, "ErrRun 'attempt to yield across a C-call boundary'"),
        (|lua| lua.new_userdata(usize::MAX / 4).map(|_| 0), Status::ErrMem, "ErrMem 'not enough memory'"),
    ];
    for (fails, status, message) in failures {
        for passes_on in [false, true] {
            lua.push_boolean(passes_on).expect("room");
            lua.push_native_closure(take, 1).expect("memory");
            lua.push_native(fails).expect("room");
            assert_eq!(lua.pcall(1, 1, 0), if passes_on { status } else { Status::Ok });
            // What is passed on is what lies on top then, but for errors that have a message of their own.
            let expected = if passes_on && status == Status::ErrMem { "not enough memory" } else { message };
            assert_eq!(lua.str_at(-1), Some(expected.as_bytes()));
            assert_eq!(lua.get_top(), 1);
            lua.set_top(0).expect("fewer values");
        }
    }
}

/// In C the levels of a thread that is called begin anew, so that calls from thread to thread can exhaust the C stack.
#[test]
fn threads_that_call_each_other_have_one_count_of_levels() {
    for call in ["pcallon(create(), f)", "callon(create(), f)", "res(create(f))", "resnone(create(f))"] {
        let script = format!("local n = 0 local function f() n = n + 1 return {call} end pcall(f) return n");
        let found = trace(Main, &script);
        assert!(found.iter().any(|line| line.contains("C stack overflow")), "{call}: {found:?}");
        let last = found.last().expect("a line").strip_prefix("main Ok: ").expect("a number");
        assert!((190..230).contains(&last.parse::<i32>().expect("a number")), "{call}: {last}");
    }
}

/// In C a thread keeps the count that it had when it was resumed last.
#[test]
fn a_thread_that_was_resumed_deep_is_called_near_the_surface() {
    leaves(
        Main,
        "local co = create(function() y() end) levels(190, function() res(co) end) return callon(co, levels, 190, isy)",
        &["res Yield Yield:", "main Ok: true"],
    );
    leaves(
        Main,
        "local co = create(function() y() end) levels(190, function() res(co) end) return pcallon(co, levels, 190, isy)",
        &["res Yield Yield:", "on: true", "main Ok: 'Ok' true"],
    );
}
