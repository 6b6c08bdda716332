//! The panic function (manual §4.6, `lua_atpanic`).

use std::cell::RefCell;

use perilune_alloc_adapters::{Limit, System};
use perilune_vm::{HookEvent, LoadMode, Lua, LuaResult, LuaState, MASK_COUNT, MASK_LINE, NativeFn, Status, Thrown};

use crate::{State, new_state, run, state_with, string};

thread_local! {
    /// What the panic function was called with.
    static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The calls since the last time.
fn calls() -> Vec<String> {
    CALLS.take()
}

/// Notes the error's value.
fn note(lua: &mut LuaState) -> LuaResult<usize> {
    let text = crate::text(lua, -1);
    CALLS.with_borrow_mut(|calls| calls.push(text));
    Ok(0)
}

/// Notes a traceback.
fn note_traceback(lua: &mut LuaState) -> LuaResult<usize> {
    let message = string(lua, -1);
    lua.traceback(None, Some(message.as_bytes()), 1)?;
    note(lua)
}

fn state(functions: &[(&str, NativeFn)]) -> State {
    let mut lua = state_with(functions);
    assert!(lua.at_panic(Some(note)).is_none());
    lua
}

#[test]
fn the_function_that_is_set() {
    let mut lua = new_state();
    let address = |f: Option<NativeFn>| f.map(|f| f as *const ());
    assert_eq!(address(lua.at_panic(Some(note))), None);
    assert_eq!(address(lua.at_panic(Some(note_traceback))), Some(note as *const ()));
    assert_eq!(address(lua.at_panic(None)), Some(note_traceback as *const ()));
    assert_eq!(address(lua.at_panic(None)), None);
    // Without one an error just comes back.
    assert!(lua.call(0, 0).is_err());
    assert_eq!(calls(), [""; 0]);
}

#[test]
fn errors_of_calls() -> LuaResult<()> {
    let mut lua = state(&[]);
    lua.push_str("below")?;
    assert_eq!(lua.load_bytes(b"local x = {} x.y.z = 1", b"=t", LoadMode::TEXT), Status::Ok);
    assert_eq!(lua.call(0, 0), Err(Thrown::Runtime));
    let message = "t:1: attempt to index a nil value (field 'y')";
    assert_eq!(calls(), [message]);
    assert_eq!(
        (string(&lua, 1).as_str(), string(&lua, -1).as_str()),
        ("below", message),
        "the value is left for the host"
    );
    // Any value can be one.
    lua.get_global("error")?;
    lua.push_boolean(true)?;
    assert!(lua.call(1, 0).is_err());
    assert_eq!(calls(), ["true"]);
    // What cannot be called at all.
    lua.push_integer(1)?;
    assert!(lua.call(0, 0).is_err());
    assert_eq!(calls(), ["attempt to call a number value"]);
    // By way of a continuation, as the host cannot wait.
    lua.get_global("error")?;
    assert!(lua.call_k(0, 0, 0, |_, _, _| Ok(0)).is_err());
    assert_eq!(calls(), ["nil"]);
    // The state can be used as before.
    assert_eq!(run(&mut lua, "return 1 + 1"), "2");
    Ok(())
}

#[test]
fn frames_are_still_there() -> LuaResult<()> {
    let mut lua = state(&[]);
    lua.at_panic(Some(note_traceback));
    let chunk = b"local function inner() error('boom') end\nlocal function outer() inner() end outer()";
    assert_eq!(lua.load_bytes(chunk, b"=t", LoadMode::TEXT), Status::Ok);
    assert!(lua.call(0, 0).is_err());
    let expected = "boom\nstack traceback:\n\t[C]: in function 'error'\n\tt:1: in upvalue 'inner'\n\t\
        t:2: in local 'outer'\n\tt:2: in main chunk";
    assert_eq!(calls(), [expected]);
    Ok(())
}

#[test]
fn errors_of_operations() -> LuaResult<()> {
    let mut lua = state(&[]);
    lua.push_str("mine")?;
    assert_eq!(lua.error(), Thrown::Runtime);
    assert_eq!(calls(), ["mine"]);
    let _ = lua.raise(format_args!("raised {}", 1));
    let _ = lua.arg_error(1, "wrong");
    assert_eq!(calls(), ["raised 1", "bad argument #1 (wrong)"]);
    lua.set_top(0)?;
    assert!(lua.get_field(1, "x").is_err() && lua.raw_get_i(1, 1).is_err() && lua.concat(2).is_ok());
    assert_eq!(calls(), ["attempt to index a nil value", "table expected"]);
    lua.set_top(0)?;
    lua.new_table()?;
    lua.push_nil()?;
    lua.push_nil()?;
    assert!(lua.set_table(1).is_err() && lua.raw_set(2).is_err());
    assert_eq!(calls(), ["table index is nil", "table expected"]);
    // A metamethod that an operation calls.
    lua.set_top(0)?;
    lua.new_table()?;
    lua.new_table()?;
    lua.get_global("error")?;
    lua.set_field(-2, "__index")?;
    lua.set_metatable(1)?;
    assert!(lua.get_field(1, "field").is_err());
    assert_eq!(calls().len(), 1);
    Ok(())
}

/// Calls its argument, and keeps an error to itself.
fn swallow(lua: &mut LuaState) -> LuaResult<usize> {
    let failed = lua.call(0, 0).is_err();
    lua.push_boolean(failed)?;
    Ok(1)
}

#[test]
fn errors_that_someone_takes() -> LuaResult<()> {
    let mut lua = state(&[("swallow", swallow)]);
    assert_eq!(run(&mut lua, "error('e')"), "ErrRun: e");
    assert_eq!(lua.load_str("x x"), Status::ErrSyntax);
    assert!(!lua.check_stack(5_000_000));
    assert_eq!(lua.pcall(50, 0, 0), Status::ErrRun);
    lua.set_top(0)?;
    let thread = lua.new_thread()?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    assert_eq!(co.load_str("error('e')"), Status::Ok);
    assert_eq!((co.resume(Some(&mut lua), 0), co.resume(Some(&mut lua), 0)), (Status::ErrRun, Status::ErrRun));
    // A call that nobody protects, with a protected one in it.
    assert_eq!(lua.load_str("local status, e = pcall(error, 'inner') assert = {status, e}"), Status::Ok);
    lua.call(0, 0)?;
    lua.get_global("swallow")?;
    lua.get_global("error")?;
    lua.call(1, 1)?;
    assert!(lua.to_boolean(-1));
    assert_eq!(calls(), [""; 0]);
    Ok(())
}

/// Calls its argument, and raises another error if that fails.
fn replace_error(lua: &mut LuaState) -> LuaResult<usize> {
    match lua.call(0, 0) {
        Ok(()) => Ok(0),
        Err(_) => Err(lua.raise_plain(format_args!("another"))),
    }
}

#[test]
fn the_error_that_comes_back_is_told() -> LuaResult<()> {
    let mut lua = state(&[]);
    lua.push_native(replace_error)?;
    lua.get_global("error")?;
    assert!(lua.call(1, 0).is_err());
    assert_eq!((calls(), string(&lua, -1)), (vec!["another".into()], "another".into()));
    Ok(())
}

#[test]
fn threads_of_the_host() -> LuaResult<()> {
    let mut lua = state(&[]);
    let thread = lua.new_thread()?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    co.get_global("error")?;
    co.push_str("on a thread")?;
    assert!(co.call(1, 0).is_err());
    assert_eq!(calls(), ["on a thread"]);
    assert_eq!(co.status(), Status::ErrRun, "nobody protected it");
    assert_eq!(lua.status(), Status::Ok);
    Ok(())
}

/// Something that needs memory.
type Attempt = fn(&mut LuaState) -> Result<(), Thrown>;

#[test]
fn lack_of_memory() -> LuaResult<()> {
    let limit = Limit::new(System, usize::MAX);
    let mut lua = Lua::new(&limit).expect("there is memory");
    lua.at_panic(Some(note));
    lua.push_str("a")?;
    lua.push_bytes(&[b'b'; 50_000])?;
    limit.set_limit(limit.used() + 10_000);
    let attempts: [Attempt; 7] = [
        |lua| lua.new_userdata(20_000).map(|_| ()),
        |lua| lua.push_bytes(&[0; 20_000]),
        |lua| lua.create_table(2000, 0),
        |lua| lua.set_top(5000),
        |lua| lua.push_fmt(format_args!("{:20000}", 1)),
        |lua| lua.push_value(1).and_then(|()| lua.push_value(2)).and_then(|()| lua.concat(2)),
        |lua| lua.push_gsub(&[b'x'; 1000], b"x", &[b'y'; 20]).map(|_| ()),
    ];
    for attempt in attempts {
        assert_eq!(attempt(&mut lua), Err(Thrown::Memory));
        assert_eq!(calls(), ["not enough memory"]);
        lua.set_top(2)?;
    }
    assert_eq!(lua.load_str("local t = {} for i = 1, 1000000 do t[i] = i end"), Status::Ok);
    assert_eq!(lua.call(0, 0), Err(Thrown::Memory));
    assert_eq!(calls(), ["not enough memory"]);
    // The value comes to the top where the host asks for it, and nobody is told once more.
    lua.set_top(0)?;
    lua.error_to_top(Thrown::Memory);
    assert_eq!((string(&lua, -1).as_str(), calls().len()), ("not enough memory", 0));
    Ok(())
}

/// Notes that it was called, with what is on top; needs no memory.
fn note_plainly(lua: &mut LuaState) -> LuaResult<usize> {
    CALLS.with_borrow_mut(|calls| calls.push(format!("{} {}", lua.get_top(), string(lua, -1))));
    lua.pop(1);
    Ok(7)
}

#[test]
fn no_memory_for_a_frame() -> LuaResult<()> {
    let limit = Limit::new(System, usize::MAX);
    let mut lua = Lua::new(&limit).expect("there is memory");
    lua.at_panic(Some(note_plainly));
    // No call has been made yet, so that the stack is small: another frame does not fit above these values.
    lua.set_top(15)?;
    limit.set_limit(0);
    assert_eq!(lua.new_userdata(10), Err(Thrown::Memory));
    assert_eq!(calls(), ["16 not enough memory"], "in the host's own frame");
    assert_eq!(lua.get_top(), 15);
    limit.set_limit(usize::MAX);
    assert_eq!(lua.new_userdata(usize::MAX / 4), Err(Thrown::Memory));
    assert_eq!(calls(), ["1 not enough memory"], "in one of its own");
    Ok(())
}

#[test]
fn stack_overflow() -> LuaResult<()> {
    let mut lua = state(&[]);
    assert_eq!(lua.do_str("function f() f() end"), Status::Ok);
    lua.get_global("f")?;
    assert!(lua.call(0, 0).is_err());
    assert_eq!(calls(), ["[string \"function f() f() end\"]:1: stack overflow"]);
    Ok(())
}

/// Fails itself, and notes how often it was called.
fn fail_too(lua: &mut LuaState) -> LuaResult<usize> {
    note(lua)?;
    lua.push_integer(1)?;
    lua.len(-1)?;
    Ok(1)
}

/// Calls a function within itself that fails, which its own error must not make it do again.
fn call_too(lua: &mut LuaState) -> LuaResult<usize> {
    note(lua)?;
    assert_eq!(lua.get_top(), 1);
    lua.push_native(fail_too)?;
    lua.push_str("nested")?;
    let _ = lua.call(1, 0);
    lua.set_top(0)?;
    Ok(0)
}

#[test]
fn panic_functions_that_fail() -> LuaResult<()> {
    let mut lua = state(&[]);
    for (function, expected) in [(fail_too as NativeFn, vec!["first"]), (call_too, vec!["first", "nested"])] {
        lua.at_panic(Some(function));
        lua.get_global("error")?;
        lua.push_str("first")?;
        assert!(lua.call(1, 0).is_err());
        assert_eq!((calls(), string(&lua, -1).as_str()), (expected.into_iter().map(String::from).collect(), "first"));
        // And where the host calls nothing.
        lua.set_top(0)?;
        lua.push_str("first")?;
        let _ = lua.error();
        assert_eq!((calls()[0].as_str(), lua.get_top(), string(&lua, -1).as_str()), ("first", 1, "first"));
        lua.set_top(0)?;
    }
    Ok(())
}

fn stop(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    Err(lua.raise_plain(format_args!("stopped")))
}

#[test]
fn hooks_work_after_an_error_of_one() -> LuaResult<()> {
    let mut lua = state(&[]);
    for mask in [MASK_COUNT, MASK_LINE] {
        lua.set_hook(Some(stop), mask, 10);
        assert_eq!(lua.load_str("while true do end"), Status::Ok);
        assert!(lua.call(0, 0).is_err());
        assert_eq!(calls(), ["stopped"]);
    }
    Ok(())
}

/// Panics in Rust's sense.
fn give_up(_: &mut LuaState) -> LuaResult<usize> {
    std::panic::resume_unwind(Box::new("given up"))
}

#[test]
fn after_a_panic_of_the_host() -> LuaResult<()> {
    let mut lua = state(&[]);
    for protected in [true, false] {
        lua.push_native(give_up)?;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if protected {
                let _ = lua.pcall(0, 0, 0);
            } else {
                let _ = lua.call(0, 0);
            }
        }));
        assert!(outcome.is_err());
        // Neither counts as the call of the next error any more.
        lua.set_top(0)?;
        lua.get_global("error")?;
        lua.push_str("later")?;
        assert!(lua.call(1, 0).is_err());
        assert_eq!(calls(), ["later"]);
        lua.push_str("at once")?;
        let _ = lua.error();
        assert_eq!(calls(), ["at once"]);
        assert_eq!(run(&mut lua, "error('taken')"), "ErrRun: taken");
        assert_eq!(calls(), [""; 0]);
    }
    Ok(())
}

fn failing_finalizer(lua: &mut LuaState) -> LuaResult<usize> {
    Err(lua.raise_plain(format_args!("no end")))
}

#[test]
fn errors_in_finalizers() -> LuaResult<()> {
    let mut lua = state(&[]);
    lua.new_userdata(0)?;
    lua.new_table()?;
    lua.push_native(failing_finalizer)?;
    lua.set_field(-2, "__gc")?;
    lua.set_metatable(-2)?;
    lua.set_top(0)?;
    assert!(lua.gc_collect().is_err());
    assert_eq!(calls(), ["error in __gc metamethod (no end)"]);
    // Those of a closing state are dropped.
    lua.new_userdata(0)?;
    lua.new_table()?;
    lua.push_native(failing_finalizer)?;
    lua.set_field(-2, "__gc")?;
    lua.set_metatable(-2)?;
    drop(lua);
    assert_eq!(calls(), [""; 0]);
    Ok(())
}
