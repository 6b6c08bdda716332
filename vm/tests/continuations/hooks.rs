//! Yields in line and count hooks: what was interrupted goes on, with nothing done twice and nothing left out.

use perilune_alloc_adapters::System;
use perilune_vm::{LoadMode, Lua, MASK_COUNT, Status};

use crate::trace::Mode::{Body, Collecting, Main, Silent};
use crate::trace::{agrees, leaves, trace, trace_up_to};

#[test]
fn a_line_hook_yields_at_each_line() {
    agrees(
        Silent,
        "hook(nil, 'ly')\nlocal a = 1\nlocal b = a + 1\nif a < b then\na = b * 2\nend\nhook(nil, '')\nreturn a, b",
        &[
            "line 2",
            "resume Yield:",
            "line 3",
            "resume Yield:",
            "line 4",
            "resume Yield:",
            "line 5",
            "resume Yield:",
            "line 7",
            "resume Yield:",
            "resume Ok: 4 2",
        ],
    );
    agrees(
        Collecting,
        "hook(nil, 'ly')\nlocal t = {}\nfor i = 1, 3 do\nt[i] = { i }\nend\nhook(nil, '')\nreturn #t, t[3][1]",
        &[
            "line 2",
            "resume Yield:",
            "line 3",
            "resume Yield:",
            "line 4",
            "resume Yield:",
            "line 3",
            "resume Yield:",
            "line 4",
            "resume Yield:",
            "line 3",
            "resume Yield:",
            "line 4",
            "resume Yield:",
            "line 3",
            "resume Yield:",
            "line 6",
            "resume Yield:",
            "resume Ok: 3 3",
        ],
    );
    agrees(
        Silent,
        "local function f(...)\nlocal a, b = ...\nreturn b, a\nend\nhook(nil, 'ly')\nlocal a, b = f(1, 2)\n\
         local c = f(a, b)\nhook(nil, '')\nreturn a, b, c",
        &[
            "line 6",
            "resume Yield:",
            "line 2",
            "resume Yield:",
            "line 3",
            "resume Yield:",
            "line 7",
            "resume Yield:",
            "line 2",
            "resume Yield:",
            "line 3",
            "resume Yield:",
            "line 8",
            "resume Yield:",
            "resume Ok: 2 1 1",
        ],
    );
}

#[test]
fn yields_of_hooks_and_of_functions() {
    agrees(
        Body,
        "hook(nil, 'ly')\nlocal a = y(1)\nlocal b = y(2, a)\nhook(nil, '')\nreturn a, b",
        &[
            "line 2",
            "resume Yield:",
            "resume Yield: 1",
            "line 3",
            "resume Yield:",
            "resume Yield: 2 21",
            "line 4",
            "resume Yield:",
            "resume Ok: 21 41",
        ],
    );
    agrees(
        Body,
        "local t = setmt({}, { __index = function(t, k)\ny(k)\nreturn k end })\nhook(nil, 'ly')\n\
         local a = t.x .. t.z\nhook(nil, '')\nreturn a",
        &[
            "line 5",
            "resume Yield:",
            "line 2",
            "resume Yield:",
            "resume Yield: 'x'",
            "line 3",
            "resume Yield:",
            "line 2",
            "resume Yield:",
            "resume Yield: 'z'",
            "line 3",
            "resume Yield:",
            "line 6",
            "resume Yield:",
            "resume Ok: 'xz'",
        ],
    );
}

#[test]
fn a_hook_yields_within_protected_calls() {
    agrees(
        Silent,
        "return pcallk(1, -1, nil, function()\nhook(nil, 'ly')\nlocal a = 1\nlfail('mine')\nend), hook(nil, '')",
        &[
            "pcall 1: 1 -1 nil function",
            "line 3",
            "resume Yield:",
            "line 4",
            "resume Yield:",
            "pcall k ErrRun 1: 1 -1 nil 's:4: mine'",
            "line 5",
            "resume Yield:",
            "resume Ok: 's:4: mine'",
        ],
    );
    agrees(
        Silent,
        "local function f()\nhook(nil, 'ly')\nlocal a = 1\npcallk(2, 0, note, function()\na = a + 1\nfail(a)\nend)\n\
         hook(nil, '')\nreturn a\nend\nreturn callk(1, -1, f)",
        &[
            "call 1: 1 -1 function",
            "line 3",
            "resume Yield:",
            "line 4",
            "resume Yield:",
            "line 7",
            "resume Yield:",
            "line 4",
            "resume Yield:",
            "pcall 2: 2 0 function function",
            "line 5",
            "resume Yield:",
            "line 6",
            "resume Yield:",
            "note: 2",
            "pcall k ErrRun 2: 2 0 function nil",
            "line 8",
            "resume Yield:",
            "call k Yield 1: 1 -1 2",
            "resume Ok: 2",
        ],
    );
}

#[test]
fn no_yield_in_a_hook_across_a_plain_call() {
    agrees(
        Silent,
        "return 'end', pcall(function()\nhook(nil, 'ly')\nlocal a = 1\nend), hook(nil, '')",
        &[
            "line 3",
            "plain ErrRun: 's:3: attempt to yield across a C-call boundary'",
            "line 4",
            "resume Yield:",
            "resume Ok: 'end' 's:3: attempt to yield across a C-call boundary'",
        ],
    );
    agrees(
        Main,
        "hook(nil, 'ly')\nlocal a = 1",
        &["line 2", "main ErrRun: 's:2: attempt to yield from outside a coroutine'"],
    );
    agrees(
        Silent,
        "hook(nil, 'ly')\nlocal a = 1\nlocal ok, m = pcall(function()\nreturn 1\nend)\nhook(nil, '')\nreturn m, a",
        &[
            "line 2",
            "resume Yield:",
            "line 3",
            "resume Yield:",
            "line 5",
            "resume Yield:",
            "line 3",
            "resume Yield:",
            "line 4",
            "plain ErrRun: 's:4: attempt to yield across a C-call boundary'",
            "line 6",
            "resume Yield:",
            "resume Ok: nil 1",
        ],
    );
}

#[test]
fn hooks_of_other_coroutines() {
    agrees(
        Main,
        "local co = create(function(a)\nlocal b = a + 1\na = y(b)\nreturn a, b\nend)\nhook(co, 'ly')\n\
         res(co, 1)\nres(co)\nres(co)\nres(co, 'in')\nres(co)\nnote(status(co))\nreturn trace(co, 't', 0)",
        &[
            "line 2",
            "res Yield Yield:",
            "line 3",
            "res Yield Yield:",
            "res Yield Yield: 2",
            "line 4",
            "res Yield Yield:",
            "res Ok Ok: 'in' 2",
            "note: 'Ok'",
            "main Ok: 't\\nstack traceback:'",
        ],
    );
    agrees(
        Main,
        "local co = create(function(...)\nlocal a, b = ...\nreturn b, a\nend)\nhook(co, 'ly')\n\
         res(co, 1, 2)\ngc()\nres(co)\nres(co)\nnote(status(co))",
        &["line 2", "res Yield Yield:", "line 3", "res Yield Yield:", "res Ok Ok: 2 1", "note: 'Ok'", "main Ok:"],
    );
    // In C the traceback of a coroutine that a hook has suspended is made from a slot that is not the function's.
    leaves(
        Main,
        "local co = create(function(...)\nlocal a, b = ...\nreturn b, a\nend)\nhook(co, 'ly')\n\
         res(co, 1, 2)\nreturn trace(co, 't', 0)",
        &["line 2", "res Yield Yield:", "main Ok: 't\\nstack traceback:\\n\\ts:2: in function <s:1>'"],
    );
}

/// What the host does with the stack of a suspended coroutine does not reach the function that a hook interrupted. Its
/// registers are nobody's but the debug interface's.
#[test]
fn the_host_works_on_the_stack_of_an_interrupted_function() {
    agrees(
        Main,
        "local co = create(function(...)\nlocal a, b = ...\nlocal t = { b, a, ... }\nreturn #t, t[1], ...\nend)\nhook(co, 'ly')\n\
         res(co, 1, 2) stackof(co) push(co, 'x', 'y', 'z') stackof(co) settop(co, 1)\n\
         note(callon(co, function(...) hook(self(), '') return ... end, 'called')) stackof(co)\n\
         note(pcallon(co, fail, 'e')) stackof(co) settop(co, 0) resn(co, 0)",
        &[
            "line 2",
            "res Yield Yield:",
            "stack Yield:",
            "stack Yield: 'x' 'y' 'z'",
            "line 8",
            "main ErrRun: 's:8: attempt to yield across a C-call boundary'",
        ],
    );
    // In C the values would be taken for arguments of the call that has an open number of them.
    let mut found = trace(
        Main,
        "local co = create(function(...) return note(...) end) hook(co, 'ny', 1, true) res(co, 'a', 'b') \
         for i = 1, 9 do if status(co) == 'Ok' then return i > 3 end push(co, 'p', 'q') res(co) end",
    );
    found.retain(|line| line != "res Yield Yield:");
    assert_eq!(found, ["note: 'a' 'b'", "res Ok Ok:", "main Ok: true"]);
    leaves(
        Main,
        "local co = create(function(a, ...)\nlocal b = a\ny()\nend) hook(co, 'ly')\n\
         res(co, 'a', 'v', 'w') note(localof(co, 0, 1)) note(localof(co, 0, 2)) note(localof(co, 0, -1)) note(localof(co, 0, -2)) \
         note(localof(co, 0, -3)) push(co, 'pushed') res(co) note(localof(co, 0, 2)) \
         note(localof(co, 0, -2)) hook(co, '') res(co) note(localof(co, 1, -1)) note(localof(co, 1, 2)) note(localof(co, 1, 3))",
        &[
            "line 2",
            "res Yield Yield:",
            "note: 'a' 'a'",
            "note: '(*temporary)' nil",
            "note: '(*vararg)' 'v'",
            "note: '(*vararg)' 'w'",
            "note:",
            "line 3",
            "res Yield Yield:",
            "note: '(*temporary)' 'a'",
            "note: '(*vararg)' 'w'",
            "res Yield Yield:",
            "note: '(*vararg)' 'v'",
            "note: 'b' 'a'",
            "note:",
            "main Ok:",
        ],
    );
}

/// The main thread can be resumed like any other, and then is what safe code has at hand.
#[test]
fn the_main_thread_is_resumed() {
    let mut lua = Lua::with_seed(System, 1).expect("a state");
    let script = b"local a, b = ... for i = a, b do a = a + i end return a, ...";
    assert_eq!(lua.load_bytes(script, b"=s", LoadMode::TEXT), Status::Ok);
    lua.push_integer(1).expect("room");
    lua.push_integer(4).expect("room");
    lua.set_hook(Some(|lua, _| lua.yield_values(0).map(|_| ())), MASK_COUNT, 1);
    let mut status = lua.resume(None, 2);
    let mut yields = 0;
    while status == Status::Yield {
        yields += 1;
        assert_eq!(lua.get_top(), 0);
        for i in 1..=100 {
            lua.push_integer(-7).expect("room");
            lua.replace(i % 9);
        }
        lua.set_top(yields % 3 * 20).expect("room");
        lua.gc_collect().expect("no finalizers");
        status = lua.resume(None, yields as usize % 4);
    }
    assert!(yields > 10);
    assert_eq!((status, lua.get_top()), (Status::Ok, 3));
    assert_eq!((lua.to_integer(1), lua.to_integer(2), lua.to_integer(3)), (Some(11), Some(1), Some(4)));
}

/// The values and calls of a script do not depend on how often a count hook yields.
#[test]
fn a_count_hook_yields_anywhere() {
    const SCRIPT: &str = "local mt = { __index = function(t, k) return k * 2 end, __concat = function(a, b) return 'c' end, \
             __lt = function() return true end, __call = function(self, ...) return ... end } \
         local t, sum, text = setmt({}, mt), 0, '' \
         local function f(n, ...) if n == 0 then return ... end return f(n - 1, n, ...) end \
         local function g(n) if n > 0 then return 1 + g(n - 1) end return 0 end \
         for i = 1, 3 do \
             for k, v in function(s, i) if i < s then return i + 1, t[i] end end, 3, 0 do sum = sum + v * k end \
             text = text .. i .. t \
             local a, b, c = f(3, i) sum = sum + a + b + c + g(4) \
             local up = i local function add(x) up = up + x return up end sum = sum + add(add(1)) \
             if t < t then sum = -sum elseif t == t then sum = 0 end \
             note(i, sum, text, t(i, 'x')) \
             note(pcallk(i, -1, nil, function(...) if i == 2 then fail(i) end return ... end, 1, 2)) \
             local list = { f(2, i), [i] = g(2), f(3) } note(#list, list[1], list[2]) \
         end ";
    let plain: Vec<String> = kept(trace(Silent, &format!("{SCRIPT} return sum, text")));
    assert_eq!(plain.len(), 1 + 3 * 5, "{plain:?}");
    for every in [1, 2, 3, 7, 50] {
        let script = format!("hook(nil, 'ny', {every}, true) {SCRIPT} hook(nil, '') return sum, text");
        for mode in [Silent, Collecting] {
            let hooked = trace_up_to(10_000, mode, &script);
            let yields = hooked.iter().filter(|line| *line == "resume Yield:").count();
            assert!(yields >= 100 / every, "{yields} yields");
            assert_eq!(kept(hooked), plain, "every {every} instructions, {mode:?}");
        }
    }
}

/// A trace without its yields, and with protected calls told in the same way whether or not they were interrupted.
fn kept(trace: Vec<String>) -> Vec<String> {
    let lines = trace.into_iter().filter(|line| *line != "resume Yield:");
    lines.map(|line| line.replace("pcall k Yield", "pcall after Ok")).collect()
}

#[test]
fn line_and_count_hooks_together() {
    let script = "hook(nil, 'lny', 1) local a = 1\nlocal b = a + 1\nhook(nil, '') return a, b";
    let found = trace(Silent, script);
    let lines: Vec<&String> = found.iter().filter(|line| line.starts_with("line")).collect();
    assert_eq!(lines, ["line 2", "line 3"], "{found:?}");
    assert_eq!(found.last().map(String::as_str), Some("resume Ok: 1 2"), "{found:?}");
}
