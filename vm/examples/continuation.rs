//! Native functions that can be suspended: one that yields, and some that call functions which may yield. What is left to
//! do after that is another function, the continuation.
//!
//! The functions of the manual that it uses (§4.7, §4.8), by their names in C: `lua_yieldk`, `lua_callk`, `lua_pcallk`,
//! `lua_resume`. Perilune's own is `call_then`, which does the work of `lua_callk` without nesting.
//!
//! Run it with `cargo run -p perilune-vm --example continuation`.

use perilune_alloc_adapters::System;
use perilune_vm::{LoadMode, Lua, LuaResult, LuaState, MULTRET, NativeFn, Status};

/// `ask (question)`: yields the question to the host; returns its answer and how long it is.
fn ask(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_str(1)?;
    lua.set_top(1)?;
    // The values on top go to the host. The stack slots below stay for the continuation, and so does the number.
    lua.yield_k(1, 7, |lua, status, ctx| {
        assert_eq!((status, ctx), (Status::Yield, 7));
        let answer = lua.check_str(-1)?;
        lua.push_integer(answer.len() as i64)?;
        Ok(2)
    })
}

/// `call (f, ...)`: calls a function, and counts its results.
fn call(lua: &mut LuaState) -> LuaResult<usize> {
    // Goes on below unless there was a yield; after a yield this function is gone, and the continuation runs in its
    // place.
    lua.call_k(lua.get_top() as usize - 1, MULTRET, 0, |lua, _, _| count_results(lua))?;
    count_results(lua)
}

fn count_results(lua: &mut LuaState) -> LuaResult<usize> {
    lua.push_integer(i64::from(lua.get_top()))?;
    Ok(1)
}

/// `try (f, ...)`: calls a function in protected mode; returns how that ended, and its results or the error.
fn try_(lua: &mut LuaState) -> LuaResult<usize> {
    // Goes on below if all went well without a yield. After a yield, or an error, the continuation runs.
    let status = lua.pcall_k(lua.get_top() as usize - 1, MULTRET, 0, 0, |lua, status, _| finish_try(lua, status))?;
    finish_try(lua, status)
}

fn finish_try(lua: &mut LuaState, status: Status) -> LuaResult<usize> {
    lua.push_fmt(format_args!("{status:?}"))?;
    lua.insert(1);
    Ok(lua.get_top() as usize)
}

/// `each (f, n)`: calls `f(1)`, `f(2)` up to `f(n)`; returns the last result.
///
/// It asks the interpreter for each call and ends: it is never on the Rust stack while `f` runs. So there is one way only
/// by which it goes on, and no limit to how deep such functions may be within each other.
fn each(lua: &mut LuaState) -> LuaResult<usize> {
    lua.check_integer(2)?;
    lua.set_top(3)?; // f, n, the last result
    next_call(lua, Status::Ok, 1)
}

fn next_call(lua: &mut LuaState, _: Status, i: isize) -> LuaResult<usize> {
    lua.set_top(3)?;
    if i as i64 > lua.check_integer(2)? {
        return Ok(1);
    }
    lua.push_value(1)?;
    lua.push_integer(i as i64)?;
    lua.remove(3); // the result of the call takes its place
    lua.call_then(1, 1, i + 1, next_call)
}

const NATIVES: &[(&str, NativeFn)] = &[("ask", ask), ("call", call), ("try", try_), ("each", each)];

/// Runs a chunk on a new thread, answers its questions, and gives its one result as text.
fn drive(co: &mut LuaState, chunk: &str) -> LuaResult<String> {
    assert_eq!(co.load_bytes(chunk.as_bytes(), b"=c", LoadMode::TEXT), Status::Ok);
    let mut status = co.resume(None, 0);
    while status == Status::Yield {
        let answer = co.str_at(-1).unwrap_or_default().to_ascii_uppercase();
        co.set_top(0)?;
        co.push_bytes(&answer)?;
        status = co.resume(None, 1);
    }
    co.push_tostring(-1)?;
    Ok(co.str_at(-1).map(String::from_utf8_lossy).unwrap_or_default().into_owned())
}

/// Chunks, and what becomes of them. Two of them are a thousand calls deep: what nests on the Rust stack ends at 200.
const CASES: &[(&str, &str)] = &[
    ("local answer, length = ask('moon') return answer .. length", "MOON4"),
    ("return call(ask, 'moon')", "2"),
    ("local status, answer = try(ask, 'sun') return status .. answer", "YieldSUN"),
    ("local status, answer = try(call, ask, 'sun') return status .. answer", "Yield2"),
    ("local status, message = try(ask, {}) return message", "bad argument #1 to '?' (string expected, got table)"),
    ("return each(function(i) return ask('question ' .. i) end, 3)", "QUESTION 3"),
    ("local function f(n) if n > 0 then call(f, n - 1) end end f(1000)", "C stack overflow"),
    ("local function f() n = n - 1 if n > 0 then each(f, 1) end return n end n = 1000 return f()", "0"),
];

fn main() -> LuaResult<()> {
    let mut lua = Lua::new(System)?;
    lua.push_global_table()?;
    lua.set_funcs(NATIVES, 0)?;
    for &(chunk, expected) in CASES {
        lua.new_thread()?;
        let text = lua.with_thread(-1, |co| drive(co, chunk))??;
        lua.pop(1);
        println!("{chunk:<91} --> {text}");
        assert_eq!(text, expected);
    }
    Ok(())
}
