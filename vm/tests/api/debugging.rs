//! The debug interface (manual §4.9).

use perilune_vm::{
    HookEvent, HookKind, LuaResult, LuaState, LuaType, MASK_CALL, MASK_COUNT, MASK_LINE, MASK_RETURN, MULTRET, Name,
    NativeFn, Status,
};

use crate::{integers, new_state, run, state_with, string, types};

/// A name as text.
fn word(name: Name) -> String {
    // SAFETY: the functions of these tests are on the stack while their names are read.
    String::from_utf8_lossy(unsafe { name.bytes() }).into_owned()
}

/// `info (level, options)`: what is known, in words.
fn info(lua: &mut LuaState) -> LuaResult<usize> {
    let level = lua.check_integer(1)? as i32;
    let options = string(lua, 2);
    let Some(activation) = lua.get_stack(level) else {
        lua.push_str("no such level")?;
        return Ok(1);
    };
    let info = lua.get_info(&options, Some(activation))?;
    let mut words = Vec::new();
    for option in options.chars() {
        words.push(match option {
            'n' => format!("{} {}", info.name_what, info.name.map_or("-".into(), word)),
            'S' => format!(
                "{} {} {} {} {}",
                info.what,
                word(info.source),
                String::from_utf8_lossy(info.short_src()),
                info.line_defined,
                info.last_line_defined
            ),
            'l' => info.current_line.to_string(),
            't' => info.is_tail_call.to_string(),
            'u' => format!("{} {} {}", info.nups, info.nparams, info.is_vararg),
            _ => format!("valid {}", info.valid),
        });
    }
    lua.push_fmt(format_args!("{}", words.join("; ")))?;
    Ok(1)
}

#[test]
fn activations() {
    let mut lua = state_with(&[("info", info)]);
    assert_eq!(run(&mut lua, "return info(0, 'nSltu')"), "global info; C =[C] [C] -1 -1; -1; false; 0 0 true");
    assert_eq!(run(&mut lua, "local s = info(0, 'nt') return s"), "global info; false");
    assert_eq!(run(&mut lua, "\nlocal s = info(1, 'nSltu') return s"), " -; main =t t 0 0; 2; false; 1 0 true");
    let method = "local o = {x = 1, m = function(self, a, b, ...) local s = info(1, 'nlu')\nreturn s end}\nlocal s = o:m() return s";
    assert_eq!(run(&mut lua, method), "method m; 1; 1 3 true");
    assert_eq!(
        run(&mut lua, "local function f() local s = info(1, 'Stl') return s end\nreturn f()"),
        "Lua =t t 1 1; true; 1"
    );
    assert_eq!(run(&mut lua, "local s = info(1, 'x') return s"), "valid false");
    assert_eq!(
        run(&mut lua, "return info(2, 'l'), info(-1, 'l'), info(1000, 'l')").matches("no such level").count(),
        3
    );
}

#[test]
fn functions_without_activation() -> LuaResult<()> {
    let mut lua = new_state();
    assert_eq!(lua.load_str("\nlocal x\nreturn function(a, b)\n  return x\nend"), Status::Ok);
    lua.call(0, 1)?;
    lua.push_value(1)?;
    let info = lua.get_info("Slnu", None)?;
    assert_eq!(lua.get_top(), 1, "the function is popped");
    assert_eq!((info.what, info.line_defined, info.last_line_defined, info.current_line), ("Lua", 3, 5, -1));
    assert_eq!((info.nups, info.nparams, info.is_vararg, info.name.is_none(), info.name_what), (1, 2, false, true, ""));
    assert_eq!(word(info.source), "\nlocal x\nreturn function(a, b)\n  return x\nend");
    assert_eq!(info.short_src(), b"[string \"...\"]");
    // `f` gives it back, and `L` the lines with code.
    lua.push_value(1)?;
    lua.get_info("fL", None)?;
    assert_eq!(types(&lua), "fft");
    assert!(lua.raw_equal(1, 2));
    let mut lines = Vec::new();
    lua.push_nil()?;
    while lua.next(3)? {
        assert!(lua.to_boolean(-1));
        lua.pop(1);
        lines.extend(lua.to_integer(-1));
    }
    lines.sort_unstable();
    assert_eq!(lines, [4, 5]);
    // A native function has no lines.
    lua.set_top(0)?;
    lua.push_native(info_of_nothing)?;
    assert_eq!(lua.get_info("L", None)?.what, "");
    assert_eq!(types(&lua), "n");
    // What is no function.
    assert!(!lua.get_info("S", None)?.valid);
    assert!(!lua.get_info("S", None)?.valid, "and nothing at all");
    Ok(())
}

fn info_of_nothing(_: &mut LuaState) -> LuaResult<usize> {
    Ok(0)
}

/// `locals (level)`: names and values of the local variables.
fn locals(lua: &mut LuaState) -> LuaResult<usize> {
    let level = lua.check_integer(1)? as i32;
    let activation = lua.get_stack(level);
    let mut words = Vec::new();
    for n in (1..).take_while(|&n| n < 20).chain([-1, -2, -3]) {
        if let Some(name) = lua.get_local(activation, n)? {
            words.push(format!("{}={}", word(name), crate::text(lua, -1)));
            lua.pop(1);
        }
    }
    lua.push_fmt(format_args!("{}", words.join(" ")))?;
    Ok(1)
}

/// `set (level, n, v)`: sets a local variable; its name, or nil.
fn set(lua: &mut LuaState) -> LuaResult<usize> {
    let (level, n) = (lua.check_integer(1)? as i32, lua.check_integer(2)? as i32);
    let Some(activation) = lua.get_stack(level) else { return Ok(0) };
    let before = lua.get_top();
    match lua.set_local(activation, n)? {
        Some(name) => {
            assert_eq!(lua.get_top(), before - 1);
            lua.push_fmt(format_args!("{}", word(name)))?;
        }
        None => {
            assert_eq!(lua.get_top(), before, "nothing is popped");
            lua.push_nil()?;
        }
    }
    Ok(1)
}

#[test]
fn local_variables() -> LuaResult<()> {
    let mut lua = state_with(&[("locals", locals), ("set", set)]);
    let chunk = "local function f(a, b, ...) local c = 3 do local hidden end local s = locals(1) return s end
        local s = f(1, 2, 'x', 'y') return s";
    assert_eq!(run(&mut lua, chunk), "a=1 b=2 c=3 (*vararg)=x (*vararg)=y");
    assert_eq!(run(&mut lua, "local a = 1 return 'x' .. locals(1)"), "xa=1 (*temporary)=x");
    assert_eq!(run(&mut lua, "return (locals(0))"), "(*temporary)=0");
    assert_eq!(run(&mut lua, "local a, b = 1 local n = set(1, 2, 'new') return n, a, b"), "b 1 new");
    assert_eq!(run(&mut lua, "local n = set(1, 200, 0) local m = set(1, 0, 0) return n, m"), "nil nil");
    assert_eq!(
        run(&mut lua, "local f = function(...) local n = set(1, -2, 'v') return n, ... end return f(1, 2)"),
        "(*vararg) 1 v"
    );
    // Without an activation: the parameters of the function on top.
    assert_eq!(lua.do_str("return function(a, b, ...) local c end"), Status::Ok);
    for (n, expected) in [(1, Some("a")), (2, Some("b")), (3, None), (0, None), (-1, None)] {
        assert_eq!(lua.get_local(None, n)?.map(word).as_deref(), expected);
    }
    assert_eq!(types(&lua), "f");
    Ok(())
}

#[test]
fn upvalues() -> LuaResult<()> {
    let mut lua = new_state();
    let chunk = "local a, b = 1, 2
        return function() return a, b end, function(x) a = x end, function() return b end";
    assert_eq!(lua.do_str(chunk), Status::Ok);
    assert_eq!((lua.get_upvalue(1, 1)?.map(word).as_deref(), lua.to_integer(-1)), (Some("a"), Some(1)));
    assert_eq!((lua.get_upvalue(-4, 2)?.map(word).as_deref(), lua.to_integer(-1)), (Some("b"), Some(2)));
    lua.set_top(3)?;
    assert!(lua.get_upvalue(1, 3)?.is_none() && lua.get_upvalue(1, 0)?.is_none() && lua.get_upvalue(9, 1)?.is_none());
    assert_eq!(lua.get_top(), 3);
    // A variable that two functions share has one identity.
    assert_eq!(lua.upvalue_id(1, 1), lua.upvalue_id(2, 1));
    assert_eq!(lua.upvalue_id(1, 2), lua.upvalue_id(3, 1));
    assert_ne!(lua.upvalue_id(1, 1), lua.upvalue_id(1, 2));
    assert_eq!((lua.upvalue_id(1, 3), lua.upvalue_id(3, 0), lua.upvalue_id(99, 1)), (None, None, None));
    lua.push_integer(10)?;
    assert_eq!(lua.set_upvalue(2, 1)?.map(word).as_deref(), Some("a"));
    assert_eq!(lua.get_top(), 3);
    lua.push_integer(20)?;
    assert!(lua.set_upvalue(2, 2)?.is_none());
    assert_eq!(lua.get_top(), 4, "nothing is popped");
    lua.set_top(3)?;
    lua.push_value(1)?;
    lua.call(0, 2)?;
    assert_eq!(integers(&lua)[3..], [10, 2]);
    // Joined to another variable.
    lua.set_top(3)?;
    assert!(lua.upvalue_join(1, 1, 3, 1));
    assert_eq!(lua.upvalue_id(1, 1), lua.upvalue_id(3, 1));
    assert_ne!(lua.upvalue_id(1, 1), lua.upvalue_id(2, 1));
    lua.push_value(1)?;
    lua.call(0, 2)?;
    assert_eq!(integers(&lua)[3..], [2, 2]);
    assert!(!lua.upvalue_join(1, 3, 3, 1) && !lua.upvalue_join(1, 1, 3, 2) && !lua.upvalue_join(4, 1, 3, 1));
    Ok(())
}

#[test]
fn upvalues_of_native_functions() -> LuaResult<()> {
    let mut lua = new_state();
    lua.push_str("first")?;
    lua.push_native_closure(info_of_nothing, 1)?;
    assert_eq!((lua.get_upvalue(1, 1)?.map(word).as_deref(), string(&lua, -1).as_str()), (Some(""), "first"));
    lua.push_str("second")?;
    assert_eq!(lua.set_upvalue(1, 1)?.map(word).as_deref(), Some(""));
    assert!(lua.get_upvalue(1, 1)?.is_some());
    assert_eq!(string(&lua, -1), "second");
    assert!(lua.upvalue_id(1, 1).is_some() && lua.upvalue_id(1, 2).is_none());
    assert!(!lua.upvalue_join(1, 1, 1, 1), "they are not shared");
    lua.push_native(info_of_nothing)?;
    assert!(lua.get_upvalue(-1, 1)?.is_none() && lua.upvalue_id(-1, 1).is_none());
    Ok(())
}

/// Adds the event to the global `events`.
fn note_event(lua: &mut LuaState, event: &HookEvent) -> LuaResult<()> {
    let info = lua.get_info("nl", Some(event.activation))?;
    let line = if let HookKind::Line(line) = event.kind { format!(" {line}") } else { String::new() };
    let name = info.name.map_or(String::new(), |name| format!(" {}", word(name)));
    lua.get_global("events")?;
    lua.push_fmt(format_args!("{}{line}{}; ", event.kind.name(), if line.is_empty() { &name } else { "" }))?;
    lua.concat(2)?;
    lua.set_global("events")
}

/// Runs a chunk with a hook, and returns its events.
fn events_of(lua: &mut LuaState, chunk: &str, mask: u8, count: i32) -> LuaResult<String> {
    lua.push_str("")?;
    lua.set_global("events")?;
    assert_eq!(lua.load_str(chunk), Status::Ok);
    lua.set_hook(Some(note_event), mask, count);
    let (hook, set_mask, set_count) = lua.get_hook();
    assert!(hook.is_some() && set_mask == mask && set_count == count);
    let status = lua.pcall(0, 0, 0);
    lua.set_hook(None, 0, 0);
    assert_eq!(status, Status::Ok);
    assert!(matches!(lua.get_hook(), (None, 0, 0)));
    assert_eq!(lua.get_global("events")?, LuaType::String);
    let events = string(lua, -1);
    lua.pop(1);
    Ok(events)
}

#[test]
fn hooks() -> LuaResult<()> {
    let mut lua = state_with(&[("native", info_of_nothing)]);
    let calls = "local function f() native() end\nf()\nlocal function g() return f() end\ng()";
    let expected = "call; call f; call native; call g; tail call; call native; ";
    assert_eq!(events_of(&mut lua, calls, MASK_CALL, 0)?, expected);
    let returns = events_of(&mut lua, calls, MASK_RETURN, 0)?;
    assert_eq!(returns.matches("return").count(), 5, "{returns}");
    assert_eq!(
        events_of(&mut lua, "local x = 1\n\nx = 2 x = 3\nfor i = 1, 2 do\n x = i\nend", MASK_LINE, 0)?
            .replace("line ", ""),
        "1; 3; 4; 5; 4; 5; 4; 6; "
    );
    let counted = events_of(&mut lua, "for i = 1, 100 do end", MASK_COUNT, 10)?;
    assert!((5..=30).contains(&counted.matches("count").count()), "{counted}");
    // A mask without a function, and a function without a mask, are none.
    lua.set_hook(None, MASK_LINE, 0);
    assert!(matches!(lua.get_hook(), (None, 0, _)));
    lua.set_hook(Some(note_event), 0, 0);
    assert!(matches!(lua.get_hook(), (None, 0, _)));
    assert_eq!([HookKind::TailCall.name(), HookKind::Count.name()], ["tail call", "count"]);
    Ok(())
}

fn stop(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    Err(lua.raise(format_args!("stopped")))
}

#[test]
fn hooks_that_raise_errors() {
    let mut lua = new_state();
    lua.set_hook(Some(stop), MASK_COUNT, 1000);
    assert_eq!(lua.do_str("\nwhile true do end"), Status::ErrRun);
    assert_eq!(string(&lua, -1), "[string \"...\"]:2: stopped");
}

fn pause(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    lua.yield_values(0).map(|_| ())
}

#[test]
fn hooks_that_yield() -> LuaResult<()> {
    let mut lua = new_state();
    let thread = lua.new_thread()?;
    // SAFETY: the thread lies in a slot.
    let co = unsafe { thread.state() };
    co.set_hook(Some(pause), MASK_LINE, 0);
    assert_eq!(co.load_str("local x = 1\nx = x + 1\nreturn x"), Status::Ok);
    for _ in 0..3 {
        assert_eq!(co.resume(Some(&mut lua), 0), Status::Yield);
        assert_eq!(co.get_top(), 0);
    }
    assert_eq!((co.resume(Some(&mut lua), 0), integers(co)), (Status::Ok, vec![2]));
    Ok(())
}

/// A hook that yields where a loop jumps back to its condition comes there once, with and without hooks afterwards.
#[test]
fn hooks_that_yield_in_loops() -> LuaResult<()> {
    const LOOP: &str = "local i = 0\nwhile i < 3 do\ni = i +\n1\nend\nreturn i";
    let mut lua = new_state();
    for hooked in 0..=14 {
        for mask in [MASK_LINE, MASK_COUNT, MASK_LINE | MASK_COUNT] {
            let thread = lua.new_thread()?;
            // SAFETY: the thread lies in a slot.
            let co = unsafe { thread.state() };
            co.set_hook(Some(pause), mask, 1);
            assert_eq!(co.load_str(LOOP), Status::Ok);
            let mut yields = 0;
            while co.resume(Some(&mut lua), 0) == Status::Yield {
                yields += 1;
                if yields == hooked {
                    co.set_hook(None, 0, 0);
                }
            }
            assert_eq!((co.status(), integers(co)), (Status::Ok, vec![3]));
            // 12 lines, and as many instructions.
            assert_eq!(yields, if hooked == 0 { 12 } else { hooked.min(12) });
            lua.pop(1);
        }
    }
    Ok(())
}

/// A hook, and the message of its error.
type Refused = (fn(&mut LuaState, &HookEvent) -> LuaResult<()>, &'static str);

/// What a hook cannot ask for.
const REFUSED: [Refused; 4] = [
    (|lua, _| lua.yield_k(0, 0, |_, _, _| Ok(0)).map(|_| ()), "hooks cannot continue after yielding"),
    (|lua, _| lua.push_nil().and_then(|()| lua.call_then(0, 0, 0, |_, _, _| Ok(0))).map(|_| ()), NO_CONTINUATION),
    (|lua, _| lua.push_nil().and_then(|()| lua.pcall_then(0, 0, 0, 0, |_, _, _| Ok(0))).map(|_| ()), NO_CONTINUATION),
    (
        |lua, _| {
            let thread = lua.new_thread()?;
            lua.resume_then(thread, 0, 0, |_, _, _| Ok(0)).map(|_| ())
        },
        NO_CONTINUATION,
    ),
];
const NO_CONTINUATION: &str = "cannot use continuations inside hooks";

#[test]
fn hooks_have_no_continuations() -> LuaResult<()> {
    let mut lua = new_state();
    for (hook, message) in REFUSED {
        for mask in [MASK_LINE, MASK_CALL, MASK_RETURN] {
            lua.new_thread()?;
            let (status, text) = lua.with_thread(-1, |co| {
                co.set_hook(Some(hook), mask, 0);
                assert_eq!(co.load_str("return 1"), Status::Ok);
                (co.resume(None, 0), string(co, -1))
            })?;
            assert_eq!((status, text.contains(message)), (Status::ErrRun, true), "{mask}: {text}");
        }
    }
    Ok(())
}

#[test]
fn hooks_yield_no_values() -> LuaResult<()> {
    let mut lua = new_state();
    lua.new_thread()?;
    lua.with_thread(1, |co| {
        let pause = |lua: &mut LuaState, _: &HookEvent| {
            lua.push_integer(1)?;
            lua.push_integer(2)?;
            lua.yield_values(2).map(|_| ())
        };
        co.set_hook(Some(pause), MASK_COUNT, 1);
        assert_eq!(co.load_str("local a, b = 3, 4 return a + b"), Status::Ok);
        let mut yields = 0;
        while co.resume(None, 0) == Status::Yield {
            assert_eq!((co.get_top(), co.status()), (0, Status::Yield));
            // What is passed is dropped, too.
            co.push_integer(5)?;
            assert_eq!(co.get_top(), 1);
            co.pop(1);
            yields += 1;
        }
        assert_eq!((yields > 2, integers(co)), (true, vec![7]));
        Ok(())
    })?
}

#[test]
fn interrupts() -> LuaResult<()> {
    let mut lua = new_state();
    let interrupter = lua.interrupter();
    // SAFETY: the state is open.
    unsafe { interrupter.interrupt(stop) };
    assert_eq!(lua.do_str("while true do end"), Status::ErrRun);
    assert_eq!(string(&lua, -1), "[string \"while true do end\"]:1: stopped");
    lua.set_hook(None, 0, 0);
    assert_eq!(lua.do_str("return 1"), Status::Ok);
    Ok(())
}

/// `where (level)`
fn where_(lua: &mut LuaState) -> LuaResult<usize> {
    let level = lua.check_integer(1)? as i32;
    lua.where_(level)?;
    Ok(1)
}

/// `tb ([message [, level]])`
fn tb(lua: &mut LuaState) -> LuaResult<usize> {
    let message = if lua.is_string(1) { Some(string(lua, 1)) } else { None };
    let level = lua.opt_integer(2, 1)? as i32;
    lua.traceback(None, message.as_deref().map(str::as_bytes), level)?;
    Ok(1)
}

const REPORTS: &[(&str, NativeFn)] = &[("where", where_), ("tb", tb)];

#[test]
fn positions() {
    let mut lua = state_with(REPORTS);
    assert_eq!(run(&mut lua, "return where(0) .. '|' .. where(1) .. '|' .. where(2) .. '|' .. where(50)"), "|t:1: ||");
    assert_eq!(run(&mut lua, "\n\nlocal function f() return (where(2)) end\n\nreturn (f())"), "t:5: ");
}

#[test]
fn tracebacks() {
    let mut lua = state_with(REPORTS);
    let chunk = "local function f() local s = tb() return s end function g() local s = f() return s end\nreturn (g())";
    let expected = "stack traceback:\n\tt:1: in upvalue 'f'\n\tt:1: in function 'g'\n\tt:2: in main chunk";
    assert_eq!(run(&mut lua, chunk), expected);
    let tail = "local function f() return tb('msg') end\nlocal t = {m = function(self) local s = f() return s end}\nreturn t:m()";
    let expected = "msg\nstack traceback:\n\tt:1: in upvalue 'f'\n\tt:2: in function <t:2>\n\t(...tail calls...)";
    assert_eq!(run(&mut lua, tail), expected);
    assert_eq!(
        run(&mut lua, "return (tb('all', 0))"),
        "all\nstack traceback:\n\t[C]: in function 'tb'\n\tt:1: in main chunk"
    );
    assert_eq!(run(&mut lua, "return (tb(nil, 9))"), "stack traceback:");
}

#[test]
fn long_tracebacks() {
    let mut lua = state_with(REPORTS);
    let deep = |n: i64| {
        format!("local function r(n) if n == 0 then return (tb('deep')) end return (r(n-1)) end return (r({n}))")
    };
    let line = "\n\tt:1: in upvalue 'r'";
    let ends = |n| {
        format!(
            "deep\nstack traceback:{}\n\t...{}\n\tt:1: in local 'r'\n\tt:1: in main chunk",
            line.repeat(n),
            line.repeat(9)
        )
    };
    assert_eq!(run(&mut lua, &deep(30)), ends(10));
    assert_eq!(run(&mut lua, &deep(3000)), ends(10));
    let whole = |n| format!("deep\nstack traceback:{}\n\tt:1: in local 'r'\n\tt:1: in main chunk", line.repeat(n));
    assert_eq!(run(&mut lua, &deep(19)), whole(19));
    assert_eq!(run(&mut lua, &deep(20)), whole(20));
    assert_eq!(run(&mut lua, &deep(21)), ends(10), "more than 22 levels");
}

#[test]
fn tracebacks_of_other_threads() -> LuaResult<()> {
    let mut lua = new_state();
    let thread = lua.new_thread()?;
    lua.traceback(Some(thread), Some(b"idle"), 0)?;
    assert_eq!(string(&lua, -1), "idle\nstack traceback:");
    lua.set_top(0)?;
    assert!(lua.traceback(Some(thread), None, 0).is_err(), "the thread may be gone");
    // A level that is too deep shows nothing.
    lua.set_top(0)?;
    lua.push_native(|lua| {
        lua.traceback(None, None, 100)?;
        Ok(1)
    })?;
    lua.call(0, MULTRET)?;
    assert_eq!(string(&lua, -1), "stack traceback:");
    Ok(())
}
