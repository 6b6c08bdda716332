//! Native functions with quick forms.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use perilune_alloc_adapters::{Limit, System};
use perilune_vm::{Answer, Lua, LuaResult, LuaState, LuaType, QuickCall, QuickNative, Status};

use crate::{State, new_state};

thread_local! {
    static CALLS: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

/// How often the function and its quick form were called since the last time.
fn calls() -> (u32, u32) {
    CALLS.replace((0, 0))
}

/// Gives its second argument, as a string.
fn second(lua: &mut LuaState) -> LuaResult<usize> {
    CALLS.set((CALLS.get().0 + 1, CALLS.get().1));
    lua.check_str(2)?;
    lua.set_top(2)?;
    Ok(1)
}

/// The same if there are just two arguments and nothing is to be converted.
fn quick_second(call: QuickCall<'_>) -> Answer<'_> {
    CALLS.set((CALLS.get().0, CALLS.get().1 + 1));
    match call.bytes(2) {
        Some(b"panic") => resume_unwind(Box::new("panic")),
        Some(_) if call.count() == 2 => call.argument(2),
        _ => Answer::UNUSUAL,
    }
}

static SECOND: QuickNative = QuickNative::new(second, quick_second);
static FUNCTIONS: [(&str, QuickNative); 1] = [("second", QuickNative::new(second, quick_second))];

fn state() -> LuaResult<State> {
    let mut lua = new_state();
    lua.push_quick_native(&SECOND)?;
    lua.set_global("second")?;
    Ok(lua)
}

/// What a chunk returns first.
fn run(lua: &mut LuaState, chunk: &str) -> LuaResult<Option<String>> {
    lua.set_top(0)?;
    assert_eq!(lua.load_str(chunk), Status::Ok);
    let status = lua.pcall(0, 1, 0);
    // SAFETY: the string is on the stack.
    let text = lua.to_str(-1)?.map(|text| unsafe { String::from_utf8_lossy(text.bytes()).into_owned() });
    Ok(text.map(|text| if status == Status::Ok { text } else { format!("{status:?} {text}") }))
}

#[test]
fn who_is_asked() -> LuaResult<()> {
    let mut lua = state()?;
    for chunk in ["local v = second(1, 'x') return v", "return second(1, 'x')", "return (second(1, 'x'))"] {
        assert_eq!((run(&mut lua, chunk)?.as_deref(), calls()), (Some("x"), (0, 1)), "{chunk}");
    }
    // What is unusual takes both, and what no instruction of a Lua function calls the function alone.
    assert_eq!((run(&mut lua, "local v = second(1, 2) return v")?.as_deref(), calls()), (Some("2"), (1, 1)));
    assert_eq!((run(&mut lua, "return second(1, 'x', 3)")?.as_deref(), calls()), (Some("x"), (1, 1)));
    let message = "ErrRun [string \"second(1)\"]:1: bad argument #2 to 'second' (string expected, got no value)";
    assert_eq!((run(&mut lua, "second(1)")?.as_deref(), calls()), (Some(message), (1, 1)));
    lua.push_quick_native(&SECOND)?;
    lua.push_integer(1)?;
    lua.push_str("y")?;
    lua.call(2, 1)?;
    assert_eq!((lua.to_integer(-1), calls()), (None, (1, 0)));
    Ok(())
}

#[test]
fn it_is_a_native_function() -> LuaResult<()> {
    let mut lua = state()?;
    lua.new_table()?;
    lua.set_quick_funcs(&FUNCTIONS)?;
    lua.get_field(-1, "second")?;
    lua.get_global("second")?;
    assert_eq!((lua.lua_type(-1), lua.is_native_function(-1)), (LuaType::Function, true));
    assert_eq!(lua.to_native_function(-1).map(|f| f as *const ()), Some(second as *const ()));
    // Two descriptors are two functions.
    assert!(!lua.raw_equal(-1, -2) && lua.to_pointer(-1) != lua.to_pointer(-2));
    lua.push_quick_native(&SECOND)?;
    assert!(lua.raw_equal(-1, -2));
    Ok(())
}

#[test]
fn arguments_and_answers() -> LuaResult<()> {
    fn probe(call: QuickCall<'_>) -> Answer<'_> {
        assert_eq!((call.count(), call.lua_type(0), call.lua_type(usize::MAX)), (4, LuaType::None, LuaType::None));
        assert_eq!((call.integer(1), call.float(1), call.number(1)), (Some(7), None, Some(7.0)));
        assert_eq!((call.integer(2), call.float(2), call.number(2)), (None, Some(1.5), Some(1.5)));
        assert_eq!((call.bytes(3), call.number(3), call.raw_len(3)), (Some(&b"text"[..]), None, Some(4)));
        assert_eq!((call.lua_type(4), call.truth(4), call.truth(3), call.truth(5)), (LuaType::Nil, false, true, false));
        assert_eq!((call.raw_equal(1, 1), call.raw_equal(1, 2), call.raw_equal(4, 5)), (Some(true), Some(false), None));
        call.arguments_from(usize::MAX)
    }
    static PROBE: QuickNative = QuickNative::new(second, probe);
    let mut lua = state()?;
    lua.push_quick_native(&PROBE)?;
    lua.set_global("probe")?;
    assert_eq!(
        run(&mut lua, "local v = probe(7, 1.5, 'text', nil) return v == nil and 'nothing'")?.as_deref(),
        Some("nothing")
    );
    assert_eq!(calls(), (0, 0));
    Ok(())
}

#[test]
fn a_quick_form_panics() -> LuaResult<()> {
    let mut lua = state()?;
    let chunks = ["second(1, 'panic')", "return second(1, 'panic')", "local function f() second(1, 'panic') end f()"];
    for chunk in chunks {
        lua.set_top(0)?;
        lua.push_integer(5)?;
        assert_eq!(lua.load_str(chunk), Status::Ok);
        let outcome = catch_unwind(AssertUnwindSafe(|| lua.call(0, 0)));
        assert!(outcome.is_err_and(|panic| panic.downcast_ref() == Some(&"panic")));
        assert_eq!((lua.get_top(), lua.to_integer(1)), (1, Some(5)));
        lua.gc_collect()?;
        assert_eq!(run(&mut lua, "return second(1, 'on')")?.as_deref(), Some("on"));
    }
    Ok(())
}

#[test]
fn strings_are_made_until_the_collector_is_due() -> LuaResult<()> {
    /// `twice (s)`: the string two times.
    fn twice(lua: &mut LuaState) -> LuaResult<usize> {
        CALLS.set((CALLS.get().0 + 1, CALLS.get().1));
        lua.check_str(1)?;
        lua.push_value(1)?;
        lua.concat(2)?;
        Ok(1)
    }
    fn quick_twice(call: QuickCall<'_>) -> Answer<'_> {
        CALLS.set((CALLS.get().0, CALLS.get().1 + 1));
        call.bytes(1).map_or(Answer::UNUSUAL, |s| call.string(&[s, s].concat()))
    }
    static TWICE: QuickNative = QuickNative::new(twice, quick_twice);
    let mut lua = state()?;
    lua.push_quick_native(&TWICE)?;
    lua.set_global("twice")?;
    assert_eq!(run(&mut lua, "local v = twice('ab') return v")?.as_deref(), Some("abab"));
    let long = "x".repeat(50);
    assert_eq!(run(&mut lua, &format!("local v = twice('{long}') return v"))?, Some(long.repeat(2)));
    calls();
    let chunk = format!("local n, s = 0, '{long}' for i = 1, 20000 do local v = twice(s) n = n + #v end return n");
    assert_eq!(run(&mut lua, &chunk)?.as_deref(), Some("2000000"));
    let (whole, quick) = calls();
    // Now and then the function itself is called, and the collector runs.
    assert!(quick == 20_000 && whole > 0 && whole < 10_000, "{whole} {quick}");
    assert!(lua.gc_count() < 500_000, "{}", lua.gc_count());
    Ok(())
}

#[test]
fn a_string_without_memory_frees_no_other_answer() -> LuaResult<()> {
    /// Makes a string, and fails to make a larger one.
    fn quick_first(call: QuickCall<'_>) -> Answer<'_> {
        CALLS.set((CALLS.get().0, CALLS.get().1 + 1));
        let first = call.string(&[b'a'; 100]);
        let _ = call.string(&[b'b'; 10_000]);
        first
    }
    static FIRST: QuickNative = QuickNative::new(second, quick_first);
    let limit = Limit::new(System, usize::MAX);
    let mut lua = Lua::new(&limit).expect("there is memory");
    lua.push_quick_native(&FIRST)?;
    lua.set_global("first")?;
    assert_eq!(lua.load_str("local v = first() return v"), Status::Ok);
    lua.gc_collect()?;
    lua.push_bytes(&[b'c'; 4000])?;
    lua.pop(1);
    let before = limit.used();
    limit.set_limit(before + 2000);
    calls();
    lua.call(0, 1)?;
    // What nobody holds is still there: nothing was collected.
    assert!(limit.used() > before);
    assert_eq!(calls(), (0, 1));
    limit.set_limit(usize::MAX);
    // SAFETY: the string is on the stack.
    assert_eq!(lua.to_str(-1)?.map(|text| unsafe { text.bytes() }.to_vec()), Some(vec![b'a'; 100]));
    Ok(())
}

#[test]
fn texts_and_numbers() -> LuaResult<()> {
    fn text(call: QuickCall<'_>) -> Answer<'_> {
        call.number_text(1)
    }
    fn number(call: QuickCall<'_>) -> Answer<'_> {
        call.denoted_number(1)
    }
    fn unusual(lua: &mut LuaState) -> LuaResult<usize> {
        lua.push_str("unusual")?;
        Ok(1)
    }
    static TEXT: QuickNative = QuickNative::new(unusual, text);
    static NUMBER: QuickNative = QuickNative::new(unusual, number);
    let mut lua = state()?;
    lua.push_quick_native(&TEXT)?;
    lua.set_global("text")?;
    lua.push_quick_native(&NUMBER)?;
    lua.set_global("number")?;
    let chunk = "local a, b, c = text(12), text(-0.5), text('12') return a .. ' ' .. b .. ' ' .. c";
    assert_eq!(run(&mut lua, chunk)?.as_deref(), Some("12 -0.5 unusual"));
    let chunk = "local a, b, c, d = number('0x10'), number(' 1e1 '), number('x'), number(1) \
                 return a .. ' ' .. b .. ' ' .. (c == nil and 'nil' or '?') .. ' ' .. d";
    assert_eq!(run(&mut lua, chunk)?.as_deref(), Some("16 10.0 nil unusual"));
    // A metatable of numbers may have another text for them.
    lua.push_integer(0)?;
    lua.new_table()?;
    lua.set_metatable(-2)?;
    assert_eq!(run(&mut lua, "local v = text(12) return v")?.as_deref(), Some("unusual"));
    Ok(())
}

#[test]
fn the_same_function_without_its_quick_form_is_another_value() -> LuaResult<()> {
    let mut lua = state()?;
    lua.get_global("second")?;
    let function = lua.to_native_function(-1).expect("a native function");
    lua.push_native(function)?;
    assert!(lua.is_native_function(-1) && lua.is_native_function(-2));
    assert!(lua.raw_equal(-1, -1) && lua.raw_equal(-2, -2) && !lua.raw_equal(-1, -2));
    lua.get_global("second")?;
    assert!(lua.raw_equal(-1, -3));
    Ok(())
}
