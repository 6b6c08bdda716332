//! Runs a script with the natives of `natives` and writes down what happens: every call of a native that notes its stack, and
//! how every resumption ends, with the whole stack of the coroutine.

use std::cell::RefCell;

use perilune_alloc_adapters::{Checking, Limit, LuaAlloc, System};
use perilune_vm::{LoadMode, Lua, LuaState, LuaType, Status};

use crate::natives;

/// What a state may allocate; enough for all scripts but those that ask for a gigabyte.
const MEMORY: usize = 64 << 20;

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Writes a line down.
pub fn line(text: String) {
    LOG.with(|log| log.borrow_mut().push(text));
}

/// Writes down a text and all values of the running frame.
pub fn note(lua: &LuaState, text: &str) {
    let values: String = (1..=lua.get_top()).map(|idx| show(lua, idx)).collect();
    line(format!("{text}:{values}"));
}

/// A value as a text, after a space.
pub fn show(lua: &LuaState, idx: i32) -> String {
    match lua.lua_type(idx) {
        LuaType::Nil => " nil".to_owned(),
        LuaType::Boolean => format!(" {}", lua.to_boolean(idx)),
        LuaType::Number => match lua.to_integer(idx) {
            Some(n) if lua.is_integer(idx) => format!(" {n}"),
            _ => format!(" {}", lua.to_number(idx).unwrap_or(f64::NAN)),
        },
        LuaType::String => {
            let text = String::from_utf8_lossy(lua.str_at(idx).unwrap_or(b"?")).into_owned();
            format!(" '{}'", text.replace('\n', "\\n").replace('\t', "\\t"))
        }
        _ => format!(" {}", lua.type_name_at(idx)),
    }
}

/// How a script is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// As the body of a coroutine, which is resumed by the host until it ends. Yielded values are taken off; the `i`-th
    /// resumption passes `10 * i + 1` and `10 * i + 2`.
    Body,
    /// The same, with the yielded values left where they are.
    Keeping,
    /// The same as `Body`, with nothing passed.
    Silent,
    /// The same as `Body`, with a full collection between resumptions.
    Collecting,
    /// In a protected call of the main thread.
    Main,
}

/// The trace of a script, up to the 60th resumption.
pub fn trace(mode: Mode, script: &str) -> Vec<String> {
    trace_up_to(60, mode, script)
}

/// The trace of a script, up to a number of resumptions.
pub fn trace_up_to(resumptions: i64, mode: Mode, script: &str) -> Vec<String> {
    LOG.with(|log| log.borrow_mut().clear());
    let memory = Limit::new(Checking::recording(System), MEMORY);
    {
        let mut lua = Lua::with_seed(&memory, 1).expect("a state");
        natives::open(&mut lua).expect("natives");
        if mode == Mode::Main {
            run_on_main(&mut lua, script)
        } else {
            run_as_body(&mut lua, mode, script, resumptions)
        }
        check_heap(&lua);
    }
    assert_eq!(memory.inner().violations(), [], "{script}");
    assert_eq!(memory.inner().leaks().blocks, 0, "{script}");
    LOG.with(|log| log.take())
}

fn load(lua: &mut LuaState, script: &str) {
    let status = lua.load_bytes(script.as_bytes(), b"=s", LoadMode::TEXT);
    assert_eq!(status, Status::Ok, "{script}: {}", show(lua, -1));
}

fn run_on_main<A: LuaAlloc>(lua: &mut Lua<A>, script: &str) {
    load(lua, script);
    let status = lua.pcall(0, -1, 0);
    note(lua, &format!("main {status:?}"));
}

fn run_as_body<A: LuaAlloc>(lua: &mut Lua<A>, mode: Mode, script: &str, resumptions: i64) {
    let thread = lua.new_thread().expect("a thread");
    // SAFETY: the thread stays on the stack.
    let co = unsafe { thread.state() };
    load(co, script);
    let mut nargs = 0;
    for i in 1..resumptions {
        let status = co.resume(Some(lua), nargs);
        check_heap(lua);
        if status.is_error() {
            line(format!("resume {status:?}:{}", show(co, -1)));
            return;
        }
        note(co, &format!("resume {status:?}"));
        if status == Status::Ok {
            return;
        }
        if mode != Mode::Keeping {
            co.set_top(0).expect("fewer values");
        }
        nargs = if mode == Mode::Silent { 0 } else { 2 };
        for arg in 1..=nargs as i64 {
            co.push_integer(i * 10 + arg).expect("room");
        }
        if mode == Mode::Collecting {
            lua.gc_collect().expect("no error in a finalizer");
        }
    }
}

/// Checks all invariants of the heap.
pub fn check_heap(_lua: &LuaState) {
    #[cfg(feature = "testing")]
    perilune_vm::testing::check_memory(_lua);
}

/// Asserts that a script leaves the trace that the C implementation of Lua 5.3.6 leaves with the same natives.
#[track_caller]
pub fn agrees(mode: Mode, script: &str, expected: &[&str]) {
    leaves(mode, script, expected);
}

/// Asserts that a script leaves a trace which that implementation does not leave, or cannot.
#[track_caller]
pub fn leaves(mode: Mode, script: &str, expected: &[&str]) {
    let found = trace(mode, script);
    assert!(found == expected, "{script}\n  gives:\n{}\n  in place of:\n{}", found.join("\n"), expected.join("\n"));
}
