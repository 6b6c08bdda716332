//! Calls, protected and not, errors and message handlers (manual §4.4, §4.6, §4.8).

use std::error::Error;

use perilune_vm::{
    LuaResult, LuaState, LuaType, MULTRET, NativeFn, OutOfMemory, REGISTRY_INDEX, SAME_HANDLER, Status, Thrown,
    upvalue_index,
};

use crate::{integers, new_state, run, state_with, string, types};

/// Returns its arguments.
fn echo(lua: &mut LuaState) -> LuaResult<usize> {
    Ok(lua.get_top() as usize)
}

#[test]
fn numbers_of_results() -> LuaResult<()> {
    let mut lua = new_state();
    for (nargs, wanted, expected) in
        [(3, MULTRET, "ddd"), (3, 0, ""), (3, 1, "d"), (1, 3, "dnn"), (0, MULTRET, ""), (0, 2, "nn")]
    {
        lua.push_native(echo)?;
        for i in 1..=nargs {
            lua.push_integer(i)?;
        }
        lua.call(nargs as usize, wanted)?;
        assert_eq!(types(&lua), expected);
        lua.set_top(0)?;
        lua.push_native(echo)?;
        for i in 1..=nargs {
            lua.push_integer(i)?;
        }
        assert_eq!(lua.pcall(nargs as usize, wanted, 0), Status::Ok);
        assert_eq!(types(&lua), expected);
        lua.set_top(0)?;
    }
    // The values below stay.
    lua.push_str("below")?;
    lua.push_native(echo)?;
    lua.push_integer(1)?;
    lua.call(1, 1)?;
    assert_eq!(types(&lua), "sd");
    Ok(())
}

/// Takes the first of its arguments, leaves others below its results.
fn last_two(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_str("a")?;
    lua.push_str("b")?;
    Ok(2)
}

#[test]
fn results_are_those_on_top() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_native(last_two)?;
    lua.push_integer(1)?;
    lua.push_integer(2)?;
    lua.call(2, MULTRET)?;
    assert_eq!((types(&lua).as_str(), string(&lua, 1).as_str(), string(&lua, 2).as_str()), ("ss", "a", "b"));
    Ok(())
}

#[test]
fn what_cannot_be_called() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_integer(1)?;
    assert_eq!(lua.pcall(0, 0, 0), Status::ErrRun);
    assert_eq!(string(&lua, -1), "attempt to call a number value");
    lua.set_top(0)?;
    assert!(lua.call(0, 0).is_err(), "there is no function");
    assert_eq!(string(&lua, -1), "not enough values on the stack for a call");
    lua.set_top(0)?;
    lua.push_native(echo)?;
    assert_eq!(lua.pcall(1, 0, 0), Status::ErrRun, "there is no argument");
    lua.set_top(0)?;
    // A metamethod `__call` gets the value before the arguments.
    lua.new_table()?;
    lua.new_table()?;
    lua.push_native(echo)?;
    lua.set_field(-2, "__call")?;
    lua.set_metatable(1)?;
    lua.push_integer(1)?;
    lua.call(1, MULTRET)?;
    assert_eq!(types(&lua), "td");
    Ok(())
}

/// Raises its argument.
fn raise_argument(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(1)?;
    Err(lua.error())
}

#[test]
fn error_values() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_str("below")?;
    lua.push_native(raise_argument)?;
    lua.new_table()?;
    lua.push_value(-1)?;
    lua.set_global("t")?;
    assert_eq!(lua.pcall(1, MULTRET, 0), Status::ErrRun);
    lua.get_global("t")?;
    assert_eq!(types(&lua), "stt");
    assert!(lua.raw_equal(2, 3), "any value can be one");
    Ok(())
}

/// Adds a mark to a message.
fn handler(lua: &mut LuaState) -> LuaResult<usize> {
    assert_eq!(lua.get_top(), 1);
    lua.push_str(" handled")?;
    lua.concat(2)?;
    Ok(1)
}

#[test]
fn message_handlers() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_native(handler)?;
    for place in [1, -3] {
        lua.push_native(raise_argument)?;
        lua.push_str("error")?;
        assert_eq!(lua.pcall(1, 0, place), Status::ErrRun);
        assert_eq!((types(&lua).as_str(), string(&lua, 2).as_str()), ("fs", "error handled"));
        lua.set_top(1)?;
    }
    // An error in it is another status.
    lua.push_native(raise_argument)?;
    lua.replace(1);
    lua.push_native(raise_argument)?;
    assert_eq!(lua.pcall(0, 0, 1), Status::ErrErr);
    lua.set_top(1)?;
    // It is not called when all goes well.
    lua.push_native(echo)?;
    assert_eq!((lua.pcall(0, 0, 1), lua.get_top()), (Status::Ok, 1));
    Ok(())
}

/// Raises an error with a position.
fn fail(lua: &mut LuaState) -> LuaResult<usize> {
    Err(lua.raise(format_args!("failed {}", 7)))
}

/// Raises an error without one.
fn fail_plainly(lua: &mut LuaState) -> LuaResult<usize> {
    Err(lua.raise_plain(format_args!("failed {}", 7)))
}

#[test]
fn raised_messages() {
    let mut lua = state_with(&[("fail", fail), ("plain", fail_plainly)]);
    assert_eq!(run(&mut lua, "\n\nfail()"), "ErrRun: t:3: failed 7");
    assert_eq!(run(&mut lua, "return pcall(fail)"), "2 failed 7", "the caller is no Lua function");
    assert_eq!(run(&mut lua, "plain()"), "ErrRun: failed 7");
}

/// Runs out of memory as far as the machine can tell.
fn no_memory(_: &mut LuaState) -> LuaResult<usize> {
    Err(Thrown::Memory)
}

/// For programs whose errors are of many kinds.
fn call_nothing(lua: &mut LuaState) -> Result<(), Box<dyn Error>> {
    lua.push_nil()?;
    lua.call(0, 0)?;
    Ok(())
}

#[test]
fn errors_in_words() {
    let mut lua = new_state();
    let failed = call_nothing(&mut lua);
    assert_eq!(failed.expect_err("nil is no function").to_string(), "runtime error");
    let words = |status: Status| (status.to_string(), status.is_error());
    assert_eq!(words(lua.do_str("x x")), ("syntax error".into(), true));
    assert_eq!(words(lua.do_str("x()")), ("runtime error".into(), true));
    assert_eq!(words(lua.do_str("return")), ("no error".into(), false));
    assert_eq!(Thrown::from(OutOfMemory).to_string(), OutOfMemory.to_string());
    for n in 1..8 {
        // A yield that nobody expects is an error.
        let (thrown, status) = (Thrown::from_u8(n), Status::from_u8(n));
        assert_eq!(thrown.to_string() == status.to_string(), n != 1 && n != 7, "{thrown} {status}");
    }
}

#[test]
fn statuses() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_native(no_memory)?;
    assert_eq!(lua.pcall(0, 0, 0), Status::ErrMem);
    assert_eq!(string(&lua, -1), "not enough memory");
    assert_eq!(lua.load_str("x x"), Status::ErrSyntax);
    let all = [
        Status::Ok,
        Status::Yield,
        Status::ErrRun,
        Status::ErrSyntax,
        Status::ErrMem,
        Status::ErrGcmm,
        Status::ErrErr,
        Status::ErrFile,
    ];
    for (n, status) in (0..).zip(all) {
        assert_eq!((status as u8, Status::from_u8(n), status.is_error()), (n, status, n > 1));
    }
    assert_eq!(Thrown::Memory.status(), Status::ErrMem);
    assert_eq!(Thrown::from_u8(Thrown::Syntax as u8), Thrown::Syntax);
    Ok(())
}

/// Calls its argument 300 levels deep.
fn nest(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_native(nest)?;
    lua.call(0, 0)?;
    Ok(0)
}

#[test]
fn nested_calls_are_limited() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_native(nest)?;
    assert_eq!(lua.pcall(0, 0, 0), Status::ErrRun);
    assert_eq!(string(&lua, -1), "C stack overflow");
    // The levels are given back.
    lua.push_native(echo)?;
    assert_eq!(lua.pcall(0, 0, 0), Status::Ok);
    Ok(())
}

/// Keeps what comes of its calls in the registry's field `log`.
fn log(lua: &mut LuaState, word: &str) -> LuaResult<()> {
    lua.get_field(REGISTRY_INDEX, "log")?;
    if lua.is_nil(-1) {
        lua.pop(1);
        lua.push_str("")?;
    }
    lua.push_str(word)?;
    lua.concat(2)?;
    lua.set_field(REGISTRY_INDEX, "log")
}

/// Takes the log.
fn take_log(lua: &mut LuaState) -> String {
    let found = lua.get_field(REGISTRY_INDEX, "log");
    assert_eq!(found, Ok(LuaType::String));
    let log = string(lua, -1);
    lua.pop(1);
    assert_eq!(lua.push_nil().and_then(|()| lua.set_field(REGISTRY_INDEX, "log")), Ok(()));
    log
}

/// `callk (f, ···)`: calls with all results, and returns these.
fn callk(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = lua.get_top() as usize - 1;
    lua.call_k(nargs, MULTRET, 77, |lua, status, ctx| {
        log(lua, &format!("k {status:?} {ctx};"))?;
        Ok(lua.get_top() as usize)
    })?;
    log(lua, "direct;")?;
    Ok(lua.get_top() as usize)
}

/// `pcallk (f, ···)`: the same, protected.
fn pcallk(lua: &mut LuaState) -> LuaResult<usize> {
    let nargs = lua.get_top() as usize - 1;
    let status = lua.pcall_k(nargs, MULTRET, 0, 78, |lua, status, ctx| {
        log(lua, &format!("k {status:?} {ctx};"))?;
        Ok(lua.get_top() as usize)
    })?;
    log(lua, &format!("direct {status:?};"))?;
    Ok(lua.get_top() as usize)
}

/// Yields its arguments and returns what it is resumed with.
fn give(lua: &mut LuaState) -> LuaResult<usize> {
    lua.yield_values(lua.get_top() as usize)
}

/// Yields its arguments, and doubles what it is resumed with.
fn give_k(lua: &mut LuaState) -> LuaResult<usize> {
    lua.yield_k(lua.get_top() as usize, 21, |lua, status, ctx| {
        log(lua, &format!("yield {status:?} {ctx};"))?;
        let n = lua.check_integer(-1)?;
        lua.push_integer(2 * n)?;
        Ok(1)
    })
}

#[test]
fn continuations() -> LuaResult<()> {
    let functions: &[(&str, NativeFn)] =
        &[("callk", callk), ("pcallk", pcallk), ("give", give), ("give_k", give_k), ("echo", echo)];
    let mut lua = state_with(functions);
    // Without a yield, and outside of a coroutine, nothing is continued.
    assert_eq!((run(&mut lua, "return callk(echo, 1)").as_str(), take_log(&mut lua).as_str()), ("1", "direct;"));
    assert_eq!((run(&mut lua, "return pcallk(echo, 1)").as_str(), take_log(&mut lua).as_str()), ("1", "direct Ok;"));
    assert_eq!(
        (run(&mut lua, "return pcallk(error, 'e')").as_str(), take_log(&mut lua).as_str()),
        ("e", "direct ErrRun;")
    );
    assert_eq!(run(&mut lua, "callk(give)"), "ErrRun: attempt to yield from outside a coroutine");
    // Within one.
    for (chunk, yields, result, logged) in [
        ("return callk(echo, 1)", false, "1", "direct;"),
        ("return callk(give, 5)", true, "10", "k Yield 77;"),
        ("return pcallk(give, 5)", true, "10", "k Yield 78;"),
        ("return pcallk(error, 'e')", false, "e", "k ErrRun 78;"),
        ("return callk(give_k, 5)", true, "20", "yield Yield 21;k Yield 77;"),
        ("return pcallk(callk, give_k, 5)", true, "20", "yield Yield 21;k Yield 77;k Yield 78;"),
        ("return pcallk(function() give(5) error('late') end)", true, "late", "k ErrRun 78;"),
    ] {
        let thread = lua.new_thread()?;
        // SAFETY: the thread lies in a slot.
        let co = unsafe { thread.state() };
        assert_eq!(co.load_str(chunk), Status::Ok);
        let mut status = co.resume(Some(&mut lua), 0);
        if yields {
            assert_eq!((status, integers(co)), (Status::Yield, vec![5]), "{chunk}");
            co.push_integer(10)?;
            status = co.resume(Some(&mut lua), 1);
        }
        assert_eq!((status, crate::text(co, -1).as_str()), (Status::Ok, result), "{chunk}");
        assert_eq!(take_log(&mut lua), logged, "{chunk}");
        lua.set_top(0)?;
    }
    Ok(())
}

/// Calls itself with its upvalue as an argument until that is 0.
fn count_down(lua: &mut LuaState) -> LuaResult<usize> {
    let n = lua.check_integer(upvalue_index(1))?;
    if n == 0 {
        lua.push_str("done")?;
        return Ok(1);
    }
    lua.push_integer(n - 1)?;
    lua.push_native_closure(count_down, 1)?;
    lua.call_then(0, 1, n as isize, |lua, status, n| {
        assert_eq!((status, lua.to_integer(upvalue_index(1))), (Status::Ok, Some(n as i64)));
        Ok(1)
    })
}

#[test]
fn stackless_calls() -> LuaResult<()> {
    let mut lua = new_state();
    // Far more levels than calls within calls could have.
    lua.push_integer(100_000)?;
    lua.push_native_closure(count_down, 1)?;
    lua.call(0, 1)?;
    assert_eq!(string(&lua, -1), "done");
    Ok(())
}

/// `protect (f, handler)`: the status and the result or error.
fn protect(lua: &mut LuaState) -> LuaResult<usize> {
    lua.set_top(2)?;
    lua.insert(1);
    lua.pcall_then(0, 1, 1, 5, |lua, status, ctx| {
        assert_eq!(ctx, 5);
        lua.push_str(if status == Status::Ok { "fine" } else { "failed" })?;
        lua.insert(-2);
        Ok(2)
    })
}

#[test]
fn stackless_protected_calls() {
    let mut lua = state_with(&[("protect", protect), ("handler", handler), ("echo", echo)]);
    assert_eq!(run(&mut lua, "return protect(echo, handler)"), "fine nil");
    assert_eq!(run(&mut lua, "return protect(function() return 7 end, handler)"), "fine 7");
    assert_eq!(run(&mut lua, "return protect(function() error('e') end, handler)"), "failed e handled");
    let nested = "return protect(function() protect(error, handler) error('outer') end, handler)";
    assert_eq!(run(&mut lua, nested), "failed outer handled");
}

/// `protect_within (f, way)`: the status and the result or error of a protected call, by one of three ways, whose errors go to the handler
/// of the call around it.
fn protect_within(lua: &mut LuaState) -> LuaResult<usize> {
    fn tell(lua: &mut LuaState, status: Status, _: isize) -> LuaResult<usize> {
        lua.push_str(if status == Status::Ok { "fine" } else { "failed" })?;
        lua.insert(-2);
        Ok(2)
    }
    let way = lua.check_integer(2)?;
    lua.set_top(1)?;
    let status = match way {
        1 => return lua.pcall_then(0, 1, SAME_HANDLER, 0, tell),
        2 => lua.pcall_k(0, 1, SAME_HANDLER, 0, tell)?,
        _ => lua.pcall(0, 1, SAME_HANDLER),
    };
    tell(lua, status, 0)
}

#[test]
fn errors_go_to_the_handler_around() {
    let natives: [(&str, NativeFn); 3] = [("protect", protect), ("handler", handler), ("within", protect_within)];
    let mut lua = state_with(&natives);
    for way in 1..=3 {
        let tries = [
            ("within(function() error('e') end, WAY)", "fine failed e handled"),
            ("within(function() return 7 end, WAY)", "fine fine 7"),
            (
                "within(function() within(function() error('inner') end, WAY) error('outer') end, WAY)",
                "fine failed outer handled",
            ),
            // It is the handler of the call around again afterwards, and none where there is none.
            ("within(function() end, WAY), error('after')", "failed after handled"),
        ];
        for (call, expected) in tries {
            let call = call.replace("WAY", &way.to_string());
            let source = format!("return protect(function() local a, b = {call} return a .. ' ' .. b end, handler)");
            assert_eq!(run(&mut lua, &source), expected, "{way}: {source}");
        }
        assert_eq!(run(&mut lua, &format!("return within(function() error('plain') end, {way})")), "failed plain");
    }
}
