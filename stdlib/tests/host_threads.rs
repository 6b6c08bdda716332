//! What a host may do with threads that it holds, and what it may get wrong: every mistake ends in an error of Lua, and the
//! state can be closed without a leak.

use perilune_alloc_adapters::{Checking, LuaAlloc, System};
use perilune_stdlib::open_libs;
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, MULTRET, NativeFn, Status, Thrown};

/// Runs a script in a state with some natives, and returns its result or its error as text.
fn run(natives: &[(&str, NativeFn)], script: &str) -> String {
    let memory = Checking::recording(System);
    let text = {
        let mut lua = Lua::with_seed(&memory, 1).expect("a state");
        open_libs(&mut lua).expect("libraries");
        for &(name, native) in natives {
            lua.push_native(native).expect("room");
            lua.set_global(name).expect("memory");
        }
        let mut status = lua.load_bytes(script.as_bytes(), b"=s", LoadMode::TEXT);
        if status == Status::Ok {
            status = lua.pcall(0, 1, 0);
        }
        lua.gc_collect().expect("no error in a finalizer");
        text_of(&mut lua, status)
    };
    assert_eq!(memory.leaks().blocks, 0, "{text}");
    assert_eq!(memory.violation_count(), 0, "{text}: {:?}", memory.violations());
    text
}

fn text_of<A: LuaAlloc>(lua: &mut Lua<A>, status: Status) -> String {
    let prefix = if status == Status::Ok { String::new() } else { format!("{status:?}: ") };
    lua.push_tostring(-1).expect("a text");
    prefix + &String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"?"))
}

/// Calls the second argument, and what follows, on the thread that is the first.
fn call_on(lua: &mut LuaState) -> LuaResult<usize> {
    let thread = lua.to_thread(1).expect("a thread");
    // SAFETY: the thread is an argument, and has no frame that waits.
    let other = unsafe { thread.state() };
    let nargs = lua.get_top() as usize - 2;
    lua.xmove(other, nargs + 1)?;
    other.call(nargs, 1)?;
    other.xmove(lua, 1)?;
    Ok(1)
}

#[test]
fn errors_on_a_held_thread_go_on_in_the_running_one() {
    let natives: &[(&str, NativeFn)] = &[("call_on", call_on)];
    assert_eq!(run(natives, "return call_on(coroutine.create(print), math.max, 1, 5)"), "5");
    assert_eq!(run(natives, "return select(2, pcall(call_on, coroutine.create(print), error, 'mine', 0))"), "mine");
    assert_eq!(run(natives, "call_on(coroutine.create(print), error, 'mine', 0)"), "ErrRun: mine");
    let nested = "return select(2, coroutine.resume(coroutine.create(function()
        return call_on(coroutine.create(print), call_on, coroutine.create(print), error, 'deep', 0) end)))";
    assert_eq!(run(natives, nested), "deep");
    let endless = "local function f() return call_on(coroutine.create(print), f) end
        local ok, message = pcall(f) return message";
    assert!(run(natives, endless).contains("C stack overflow"));
    let across = "local co = coroutine.wrap(function()
        return select(2, pcall(call_on, coroutine.create(print), coroutine.yield)) end) return co()";
    assert!(run(natives, across).contains("attempt to yield"));
}

#[test]
fn results_find_room() {
    fn many(lua: &mut LuaState) -> LuaResult<usize> {
        let wanted = lua.check_integer(1)? as i32;
        lua.get_global("print")?;
        lua.pop(1);
        lua.get_global("type")?;
        lua.push_nil()?;
        lua.call(1, wanted)?;
        lua.push_integer(i64::from(lua.get_top()) - 1)?;
        Ok(1)
    }
    let natives: &[(&str, NativeFn)] = &[("many", many)];
    assert_eq!(run(natives, "return many(1000)"), "1000");
    assert_eq!(run(natives, "return many(10000)"), "10000");
    assert_eq!(run(natives, "return many(0)"), "0");
    assert_eq!(run(natives, "return many(-5)"), "1");
    assert_eq!(
        run(natives, "return (select(2, pcall(many, 1000000)))"),
        "results from function overflow current stack size"
    );
    assert_eq!(run(natives, "return coroutine.wrap(many)(3000)"), "3000");
}

#[test]
fn requests_that_were_never_made_are_errors() {
    let natives: &[(&str, NativeFn)] = &[
        ("forged_call", |_| Err(Thrown::Call)),
        ("forged_resume", |_| Err(Thrown::Resume)),
        ("forged_yield", |_| Err(Thrown::Yield)),
        ("forged_error", |_| Err(Thrown::Runtime)),
        ("too_many", |_| Ok(1_000_000)),
    ];
    for name in ["forged_call", "forged_resume", "forged_error"] {
        assert_eq!(run(natives, &format!("return (pcall({name}))")), "false", "{name}");
        assert_eq!(run(natives, &format!("return (coroutine.resume(coroutine.create({name})))")), "false", "{name}");
        assert_eq!(
            run(natives, &format!("return (pcall(function() return setmetatable({{}}, {{__index = {name}}}).x end))")),
            "false",
            "{name}"
        );
    }
    assert_eq!(run(natives, "return (pcall(forged_yield))"), "false");
    assert_eq!(run(natives, "return (coroutine.resume(coroutine.create(forged_yield), 1, 2))"), "true");
    assert_eq!(run(natives, "return select('#', too_many(1, 2))"), "2");
}

#[test]
fn requests_that_went_stale_are_errors() {
    /// Asks for a coroutine to be resumed, then loses it.
    fn lose(lua: &mut LuaState) -> LuaResult<usize> {
        let co = lua.new_thread()?;
        let request = lua.resume_then(co, 0, 0, |_, _, _| Ok(0));
        lua.set_top(0)?;
        lua.gc_collect()?;
        request
    }
    /// Asks for a call, then takes its values away.
    fn take_away(lua: &mut LuaState) -> LuaResult<usize> {
        lua.get_global("print")?;
        lua.push_nil()?;
        let request = lua.pcall_then(1, 100, 0, 0, |lua, status, _| {
            lua.push_boolean(status == Status::Ok)?;
            Ok(1)
        });
        lua.set_top(0)?;
        request
    }
    /// Asks on a thread that does not run.
    fn elsewhere(lua: &mut LuaState) -> LuaResult<usize> {
        let yields = lua.to_boolean(1);
        let thread = lua.new_thread()?;
        // SAFETY: the thread is on the stack.
        let other = unsafe { thread.state() };
        for _ in 0..3 {
            other.get_global("print")?;
        }
        if yields { other.yield_values(2) } else { other.call_then(2, MULTRET, 0, |_, _, _| Ok(0)) }
    }
    let natives: &[(&str, NativeFn)] = &[("lose", lose), ("take_away", take_away), ("elsewhere", elsewhere)];
    assert_eq!(run(natives, "return select(2, pcall(lose))"), "no coroutine to resume");
    assert_eq!(run(natives, "return take_away()"), "false");
    assert_eq!(run(natives, "return select(2, pcall(elsewhere))"), "thread is not running");
    assert!(run(natives, "return select(2, pcall(elsewhere, true))").contains("attempt to yield"));
    assert!(
        run(natives, "return select(2, coroutine.resume(coroutine.create(elsewhere), true))")
            .contains("attempt to yield")
    );
}

#[test]
fn an_error_in_a_yieldable_protected_call_goes_to_the_continuation() {
    fn protect(lua: &mut LuaState) -> LuaResult<usize> {
        lua.push_value(1)?;
        let status = lua.pcall_k(0, 1, 0, 7, |lua, status, ctx| {
            lua.push_fmt(format_args!("continued {status:?} {ctx}"))?;
            Ok(1)
        })?;
        lua.push_fmt(format_args!("came back {status:?}"))?;
        Ok(1)
    }
    let natives: &[(&str, NativeFn)] = &[("protect", protect)];
    assert_eq!(run(natives, "return protect(error)"), "came back ErrRun");
    assert_eq!(run(natives, "return coroutine.wrap(protect)(type)"), "continued ErrRun 7");
    assert_eq!(run(natives, "return coroutine.wrap(protect)(print)"), "came back Ok");
    assert_eq!(run(natives, "local co = coroutine.wrap(protect) co(coroutine.yield) return co()"), "continued Yield 7");
    // Also when a native function of the host has called it.
    let natives: &[(&str, NativeFn)] = &[
        ("protect", protect),
        ("twice", |lua| {
            lua.call_k(lua.get_top() as usize - 1, 1, 0, |_, _, _| Ok(1))?;
            Ok(1)
        }),
    ];
    assert_eq!(run(natives, "return coroutine.wrap(twice)(protect, error)"), "continued ErrRun 7");
}

#[test]
fn resuming_the_running_thread_leaves_it_yieldable() {
    fn resume_self(lua: &mut LuaState) -> LuaResult<usize> {
        lua.push_thread()?;
        let thread = lua.to_thread(-1).expect("a thread");
        // SAFETY: the thread is on the stack.
        let status = unsafe { thread.state() }.resume(None, 0);
        lua.push_boolean(status == Status::ErrRun && lua.is_yieldable())?;
        Ok(1)
    }
    assert_eq!(run(&[("resume_self", resume_self)], "return coroutine.wrap(resume_self)()"), "true");
    assert_eq!(run(&[("resume_self", resume_self)], "return resume_self()"), "false");
}

#[test]
fn an_unprotected_error_comes_back_with_its_value() {
    let mut lua = Lua::new(System).expect("a state");
    open_libs(&mut lua).expect("libraries");
    assert_eq!(lua.load_bytes(b"error('mine', 0)", b"=s", LoadMode::TEXT), Status::Ok);
    let thrown = lua.call(0, 0).expect_err("an error");
    lua.error_to_top(thrown);
    assert_eq!(lua.str_at(-1), Some(&b"mine"[..]));
    lua.error_to_top(Thrown::Memory);
    assert_eq!(lua.str_at(-1), Some(&b"not enough memory"[..]));
    assert!(lua.new_userdata(usize::MAX).is_err());
    assert_eq!(lua.str_at(-1), Some(&b"memory allocation error: block too big"[..]));
}
