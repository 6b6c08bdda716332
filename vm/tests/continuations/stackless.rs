//! The stackless forms: `call_then`, `pcall_then` and `resume_then` do what `call_k`, `pcall_k` and `resume` do, but the
//! continuation always runs, with the status of a call and never that of a yield, and no Rust stack is used.

use perilune_alloc_adapters::{Counting, System};
use perilune_vm::{Lua, LuaResult, LuaState, MULTRET, NativeFn, Status};

use crate::trace::Mode::{self, Body, Collecting, Keeping, Main};
use crate::trace::{leaves, trace};

/// A line as the stackless forms leave it: whether or not something has yielded, the continuation runs.
fn stackless(line: &str) -> String {
    for name in ["call", "pcall", "chain"] {
        let Some(rest) = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')) else { continue };
        let rest = match (rest.strip_prefix("after "), rest.strip_prefix("k ")) {
            (Some(rest), _) if name == "call" => format!("Ok {rest}"),
            (Some(rest), _) => rest.to_owned(),
            (_, Some(rest)) => rest.replacen("Yield ", "Ok ", 1),
            _ => continue,
        };
        return format!("{name} then {rest}");
    }
    line.to_owned()
}

/// Asserts that a script does the same with the stackless forms.
#[track_caller]
fn same(mode: Mode, script: &str) {
    let expected: Vec<String> = trace(mode, script).iter().map(|line| stackless(line)).collect();
    let other = [("callk", "callthen"), ("chain", "chainthen"), ("res(", "resthen(")];
    let other = other.iter().fold(script.to_owned(), |script, (k, then)| script.replace(k, then));
    assert_ne!(script, other);
    let found = trace(mode, &other);
    assert!(found == expected, "{other}\n  gives:\n{}\n  in place of:\n{}", found.join("\n"), expected.join("\n"));
}

#[test]
fn calls() {
    for results in [-1, 0, 1, 2, 5] {
        for mode in [Body, Keeping, Collecting, Main] {
            same(mode, &format!("return 'end', callk(5, {results}, function(...) note(...) return ... end, 1, 2, 3)"));
            same(mode, &format!("return 'end', callk(5, {results}, note, 1, 2)"));
            same(mode, &format!("return 'end', callk(5, {results}, fail, 'e')"));
            same(mode, &format!("return 'end', callk(1, -1, callk, 2, {results}, callk, 3, -1, note, 'deep')"));
        }
        for mode in [Body, Keeping, Collecting] {
            same(mode, &format!("return 'end', callk(5, {results}, function(...) return 'r', y(...) end, 1, 2, 3)"));
            same(mode, &format!("return 'end', callk(5, {results}, yk, 'a', 'b', 1, 2)"));
            same(mode, &format!("return 'end', callk(5, {results}, again, 3)"));
            same(mode, &format!("return 'end', callk(1, -1, callk, 2, {results}, callk, 3, -1, y2, 1, 2, 3)"));
        }
    }
}

#[test]
fn protected_calls() {
    for mode in [Body, Collecting] {
        for handler in ["nil", "function(e) note(e) return e .. '!' end", "fail"] {
            for f in ["fail", "lfail", "function(e) y(e) fail(e) end", "function(e) y(e) lfail(e) end"] {
                same(mode, &format!("return 'end', pcallk(5, -1, {handler}, {f}, 'e')"));
                same(mode, &format!("return 'end', pcallk(5, 3, {handler}, callk, 6, 1, {f}, 'e')"));
            }
        }
        same(mode, "return pcallk(5, 1, note, memory), pcallk(5, 1, nil, function() y() memory() end)");
        same(mode, "return pcallk(5, 1, nil, nil), pcallk(5, 1, nil, {}, 1), pcallk(5, 0, nil, y, 1, 2)");
        same(mode, "return pcallk(1, -1, nil, chain, nil, y, fail, function() y() fail('x') end, note)");
    }
    same(Body, "return pcallk(5, 1, note, function() setmt({}, { __gc = fail }) y() gc() end)");
    same(Main, "return 'end', pcallk(1, -1, note, chain, nil, fail, note, fail)");
    same(Main, "return 'end', pcallk(1, -1, fail, fail, 'e')");
}

#[test]
fn errors_and_further_yields() {
    for mode in [Body, Collecting] {
        same(
            mode,
            "local function step(n) pcallk(n, 0, nil, function() y(n) fail(n) end) y('again') fail('step') end \
             return pcallk(1, -1, nil, chain, nil, function() step(2) end, y, function() step(3) end)",
        );
        same(
            mode,
            "local function h(name) return function(e) return name .. '(' .. e .. ')' end end \
             return pcallk(1, -1, h('a'), function() \
                 note(pcallk(2, -1, h('b'), function() y() fail('x') end)) \
                 note(pcallk(3, -1, nil, fail, 'y')) \
                 y() pcallk(4, -1, h('c'), y) fail('z') end)",
        );
        same(
            mode,
            "local function f(n) y('down', n) if n > 0 then callk(n, 1, f, n - 1) end y('up', n) return n end return f(3)",
        );
        same(mode, "y() callk(5, -1, function() y() fail({}) end)");
    }
}

#[test]
fn resumptions() {
    same(Main, "local co = create(callk) note(res(co, 5, -1, y, 1)) note(res(co, 'a')) return status(co)");
    same(Main, "local co = create(again) res(co, 2) res(co, 'a') note(res(co, 'b')) return status(co)");
    same(Main, "local co = create(yk) res(co, 1, 2, 3) note(res(co, 'a')) return status(co)");
    same(Main, "local co = create(y2) res(co, 1, 2, 3) note(res(co, 'a', 'b')) return status(co)");
    same(Main, "local co = create(fail) res(co, 'e') note(res(co, 1)) return status(co)");
    same(Main, "local co = create(memory) res(co) note(res(co, 1)) return status(co)");
    same(
        Main,
        "local co = create(function(...) note(y(...)) fail('e') end) res(co, 1, 2) res(co, 3) return status(co)",
    );
    same(
        Main,
        "local co co = create(function() return res(co, 1) end) return callk(1, 1, status, co), pcallk(1, 1, nil, gc)",
    );
    same(Body, "local co = create(callk) res(co, 5, -1, y, 1) y() res(co, 2) return status(co)");
    same(Body, "local co = create(function() y(1) fail('e') end) note(pcallk(1, -1, nil, res, co)) y() note(res(co))");
}

/// One coroutine is resumed both ways, and what is suspended in one way goes on in the other.
#[test]
fn both_ways_of_resuming() {
    for body in
        ["y2", "yk", "function(...) return 'r', y2(...) end", "function(...) return callthen(5, -1, yk, ...) end"]
    {
        let run = |first: &str, second: &str| {
            let script = format!(
                "local co = create({body}) note({first}(co, 1, 2, 3, 4)) gc() stackof(co) note({second}(co, 5, 6)) stackof(co)"
            );
            let found = trace(Main, &script);
            found.into_iter().filter(|line| !line.starts_with("call ")).collect::<Vec<String>>()
        };
        let expected = run("res", "res");
        for (first, second) in [("res", "resthen"), ("resthen", "res"), ("resthen", "resthen")] {
            assert_eq!(run(first, second), expected, "{body}: {first}, {second}");
        }
        assert!(expected.contains(&"stack Yield:".to_owned()), "{expected:?}");
    }
}

#[test]
fn both_forms_together() {
    leaves(
        Body,
        "return pcallthen(1, -1, nil, callk, 2, -1, pcallk, 3, 2, nil, callthen, 4, -1, function() y() fail('e') end)",
        &[
            "pcall 1: 1 -1 nil function 2 -1 function 3 2 nil function 4 -1 function",
            "call 2: 2 -1 function 3 2 nil function 4 -1 function",
            "pcall 3: 3 2 nil function 4 -1 function",
            "call 4: 4 -1 function",
            "resume Yield:",
            "pcall k ErrRun 3: 3 2 nil 'e'",
            "call k Yield 2: 2 -1 'e'",
            "pcall then Ok 1: 1 -1 nil 'e'",
            "resume Ok: 'e'",
        ],
    );
    leaves(
        Body,
        "return callk(1, -1, callthen, 2, -1, callk, 3, 1, pcallthen, 4, -1, nil, again, 1)",
        &[
            "call 1: 1 -1 function 2 -1 function 3 1 function 4 -1 nil function 1",
            "call 2: 2 -1 function 3 1 function 4 -1 nil function 1",
            "call 3: 3 1 function 4 -1 nil function 1",
            "pcall 4: 4 -1 nil function 1",
            "again k Ok 1: 1",
            "resume Yield: 1",
            "again k Yield 0: 1 11 12",
            "pcall then Ok 4: 4 -1 nil 1 11 12",
            "call k Yield 3: 3 1 1",
            "call then Ok 2: 2 -1 1",
            "call k Yield 1: 1 -1 1",
            "resume Ok: 1",
        ],
    );
    // A plain call between them keeps yields in, and hands errors on.
    leaves(
        Body,
        "return pcallthen(1, -1, function(e) return e .. '!' end, call, callthen, 2, -1, fail, 'e')",
        &[
            "pcall 1: 1 -1 function function function 2 -1 function 'e'",
            "call 2: 2 -1 function 'e'",
            "pcall then ErrRun 1: 1 -1 function 'e!'",
            "resume Ok: 'e!'",
        ],
    );
    leaves(
        Body,
        "return pcallthen(1, -1, nil, call, callthen, 2, -1, y)",
        &[
            "pcall 1: 1 -1 nil function function 2 -1 function",
            "call 2: 2 -1 function",
            "pcall then ErrRun 1: 1 -1 nil 'attempt to yield across a C-call boundary'",
            "resume Ok: 'attempt to yield across a C-call boundary'",
        ],
    );
}

#[test]
fn hooks_yield_between_them() {
    let script = "return pcallk(1, -1, nil, callk, 2, 1, function() hook(nil, 'ly')\nlocal a = 1\nfail(a + 1) end), hook(nil, '')";
    for mode in [Body, Collecting] {
        same(mode, script);
        let yields = trace(mode, script).iter().filter(|line| *line == "resume Yield:").count();
        assert_eq!(yields, 3);
    }
}

/// How many calls are nested. With a collection at each allocation, less must do.
const DEPTH: i64 = if cfg!(gc_zeal) { 100 } else { 100_000 };

/// `nest (n, ...)`: calls itself `n` times, each time by another form, and then the second argument.
fn nest(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_integer(1)?;
    lua.set_top(2)?;
    if n == 0 {
        lua.push_value(2)?;
        return lua.call_then(0, MULTRET, 0, |lua, _, _| Ok(lua.get_top() as usize - 2));
    }
    lua.push_native(nest)?;
    lua.push_integer(n - 1)?;
    lua.push_value(2)?;
    if n % 2 == 0 {
        return lua.call_then(2, 1, n as isize, add_one);
    }
    lua.pcall_then(2, 1, 0, n as isize, add_one)
}

/// Adds one to the result of the call, or passes the error on.
fn add_one(lua: &mut LuaState, status: Status, ctx: isize) -> LuaResult<usize> {
    assert_eq!(lua.to_integer(1), Some(ctx as i64));
    assert_eq!(lua.get_top(), 3);
    match lua.to_integer(3) {
        Some(n) if status == Status::Ok => lua.push_integer(n + 1)?,
        // Every error comes by way of a protected call, and is raised there anew.
        _ => return Err(lua.error()),
    }
    Ok(1)
}

/// Runs a test on a thread with little Rust stack.
fn with_little_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(test);
    thread.expect("a thread").join().expect("the test's thread ends well");
}

/// A coroutine whose body is `nest` with a function at the bottom.
fn resume_nested(lua: &mut LuaState, bottom: NativeFn) -> (&'static mut LuaState, Status) {
    let thread = lua.new_thread().expect("a thread");
    // SAFETY: the thread stays on the stack until the state is closed.
    let co = unsafe { thread.state() };
    co.push_native(nest).expect("room");
    co.push_integer(DEPTH).expect("room");
    co.push_native(bottom).expect("room");
    let status = co.resume(Some(lua), 2);
    (co, status)
}

#[test]
fn a_hundred_thousand_levels_take_no_rust_stack() {
    with_little_stack(|| {
        let memory = Counting::new(System);
        {
            let mut lua = Lua::with_seed(&memory, 1).expect("a state");
            // To the bottom and back.
            let (co, status) = resume_nested(&mut lua, |lua| lua.push_integer(0).map(|()| 1));
            assert_eq!((status, co.to_integer(-1)), (Status::Ok, Some(DEPTH)));
            // With a yield at the bottom.
            let (co, status) = resume_nested(&mut lua, |lua| lua.yield_values(0));
            assert_eq!((status, co.get_top()), (Status::Yield, 0));
            lua.gc_collect().expect("no finalizers");
            co.push_integer(5).expect("room");
            assert_eq!(co.resume(Some(&mut lua), 1), Status::Ok);
            assert_eq!(co.to_integer(-1), Some(DEPTH + 5));
        }
        assert_eq!(memory.stats().live_bytes, 0);
    });
}

/// An error that is taken and raised again at every other of many levels. Each looks through all frames for what of the stack
/// is in use, so that there are fewer.
#[test]
fn errors_at_many_levels_take_no_rust_stack() {
    fn fall(lua: &mut LuaState) -> LuaResult<usize> {
        let n = lua.check_integer(1)?;
        if n == 0 {
            return Err(lua.raise(format_args!("bottom")));
        }
        lua.push_native(fall)?;
        lua.push_integer(n - 1)?;
        lua.pcall_then(1, 1, 0, 0, |lua, status, _| {
            assert_eq!((status, lua.get_top()), (Status::ErrRun, 2));
            Err(lua.error())
        })
    }
    with_little_stack(|| {
        let mut lua = Lua::with_seed(System, 1).expect("a state");
        lua.push_native(fall).expect("room");
        lua.push_integer(DEPTH / 20).expect("room");
        assert_eq!(lua.pcall(1, 0, 0), Status::ErrRun);
        assert_eq!(lua.str_at(-1), Some(&b"bottom"[..]));
        assert_eq!(lua.get_top(), 1);
    });
}

/// One native function that calls again and again does so without Rust stack, too.
#[test]
fn a_hundred_thousand_calls_in_turn_take_no_rust_stack() {
    fn again(lua: &mut LuaState, _: Status, ctx: isize) -> LuaResult<usize> {
        lua.set_top(2)?;
        if ctx == 0 {
            return Ok(1);
        }
        lua.push_value(1)?;
        lua.push_value(2)?;
        if ctx % 2 == 0 { lua.call_then(1, 1, ctx - 1, again) } else { lua.pcall_then(1, 1, 0, ctx - 1, again) }
    }
    with_little_stack(|| {
        let mut lua = Lua::with_seed(System, 1).expect("a state");
        lua.push_native(|lua| again(lua, Status::Ok, DEPTH as isize)).expect("room");
        lua.push_native(|lua| Ok(lua.get_top() as usize)).expect("room");
        lua.push_str("kept").expect("memory");
        assert_eq!(lua.pcall(2, 1, 0), Status::Ok);
        assert_eq!(lua.str_at(-1), Some(&b"kept"[..]));
    });
}

/// Coroutines within coroutines take none either, but their number is limited as in C.
#[test]
fn coroutines_in_coroutines_take_no_rust_stack() {
    fn descend(lua: &mut LuaState) -> LuaResult<usize> {
        let n = lua.check_integer(1)?;
        let thread = lua.new_thread()?;
        // SAFETY: the thread is on the stack.
        let co = unsafe { thread.state() };
        co.push_native(descend)?;
        co.push_integer(n + 1)?;
        lua.resume_then(thread, 1, n as isize, |lua, status, ctx| match lua.str_at(-1) {
            Some(b"C stack overflow") => lua.push_integer(ctx as i64).map(|()| 1),
            _ => {
                assert_eq!(status, Status::Ok);
                Ok(1)
            }
        })
    }
    with_little_stack(|| {
        let mut lua = Lua::with_seed(System, 1).expect("a state");
        for _ in 0..3 {
            lua.push_native(descend).expect("room");
            lua.push_integer(1).expect("room");
            assert_eq!(lua.pcall(1, 1, 0), Status::Ok);
            // The call counts as the first of 200 levels.
            assert_eq!(lua.to_integer(-1), Some(199));
        }
    });
}
