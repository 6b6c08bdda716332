//! A coroutine that the host drives: values in and out, how far it is, its end, and an error in it with a traceback.
//!
//! The functions of the manual that it uses (§4.8, §5.1), by their names in C: `lua_newthread`, `lua_resume`,
//! `lua_status`, `lua_gettop`, `lua_settop`, `luaL_traceback`; the native function that it registers is `coroutine.yield`
//! (§6.2).
//!
//! Run it with `cargo run -p perilune-vm --example coroutine`.

use perilune_alloc_adapters::System;
use perilune_vm::{CoStatus, LoadMode, Lua, LuaResult, LuaState, Status, native_yield};

/// A sum that grows by what it is resumed with, until that is nil.
const SUM: &str = "
    local unit = ...
    local sum = 0
    while true do
        local n = yield(sum, unit)
        if n == nil then return 'done' end
        sum = sum + n
    end";

/// Makes a mistake, two calls deep, after a yield.
const MISTAKE: &str = "local function burn(fuel)
    yield(fuel)
    return fuel.left
end
local left = burn(100)";

const TRACEBACK: &str = "mistake:3: attempt to index a number value (local 'fuel')
stack traceback:
\tmistake:3: in local 'burn'
\tmistake:5: in main chunk";

/// The values on a coroutine's stack, which its last yield or its end left there, as text; takes them off.
fn take_values(co: &mut LuaState) -> LuaResult<Vec<String>> {
    let mut values = Vec::new();
    for i in 1..=co.get_top() {
        co.push_tostring(i)?;
        values.push(co.str_at(-1).map(String::from_utf8_lossy).unwrap_or_default().into_owned());
        co.pop(1);
    }
    co.set_top(0)?;
    Ok(values)
}

/// Resumes with the `nargs` values on top, and takes what is yielded or returned.
fn resume(co: &mut LuaState, nargs: usize) -> LuaResult<(Status, Vec<String>)> {
    let status = co.resume(None, nargs);
    Ok((status, take_values(co)?))
}

fn main() -> LuaResult<()> {
    let mut lua = Lua::new(System)?;
    lua.register("yield", native_yield)?;

    // A thread has a stack of its own, and shares everything else. Like any object it lives as long as it can be reached:
    // this one from the stack of the main thread, where its index is 1.
    let thread = lua.new_thread()?;

    // What is done with it in between is done by `with_thread`. The first resume finds the function on the thread's stack, and
    // its arguments above.
    let (status, values) = lua.with_thread(1, |co| {
        assert_eq!(co.load_bytes(SUM.as_bytes(), b"=sum", LoadMode::TEXT), Status::Ok);
        co.push_str("km")?;
        resume(co, 1)
    })??;
    assert_eq!((status, values), (Status::Yield, vec!["0".into(), "km".into()]));

    // Every other resume finds what the `yield` in which it waits is to return.
    for (n, expected) in [(40, "40"), (2, "42")] {
        let (status, values) = lua.with_thread(1, |co| {
            co.push_integer(n)?;
            resume(co, 1)
        })??;
        println!("{n} in, {} out", values.join(" "));
        assert_eq!((status, values), (Status::Yield, vec![expected.into(), "km".into()]));
    }
    assert_eq!(lua.coroutine_status(thread), CoStatus::Suspended);

    // When the function returns, the thread is done with it, and can be given another one.
    assert_eq!(lua.with_thread(1, |co| resume(co, 0))??, (Status::Ok, vec!["done".into()]));
    assert_eq!(lua.coroutine_status(thread), CoStatus::Dead);

    // An error ends the coroutine. Its message is on top, above what was there: the stack is left as it was in the error,
    // so that one can look at it.
    let (status, values) = lua.with_thread(1, |co| {
        assert_eq!(co.load_bytes(MISTAKE.as_bytes(), b"=mistake", LoadMode::TEXT), Status::Ok);
        resume(co, 0)
    })??;
    assert_eq!((status, values), (Status::Yield, vec!["100".into()]));
    assert_eq!(lua.with_thread(1, |co| (co.resume(None, 0), co.status()))?, (Status::ErrRun, Status::ErrRun));
    lua.move_from_thread(1, 1)?;
    let message = lua.str_at(-1).unwrap_or_default().to_vec();
    lua.traceback(Some(thread), Some(&message), 0)?;
    let text = lua.str_at(-1).map(String::from_utf8_lossy).unwrap_or_default();
    println!("{text}");
    assert_eq!(text, TRACEBACK);

    // Such a thread cannot be used again.
    assert_eq!(lua.coroutine_status(thread), CoStatus::Dead);
    let (status, values) = lua.with_thread(1, |co| resume(co, 0))??;
    assert_eq!(status, Status::ErrRun);
    assert_eq!(values.last().map(String::as_str), Some("cannot resume dead coroutine"));
    Ok(())
}
