//! Limits of time, by hooks that are called every so many instructions: one that ends a script, and one that suspends it,
//! which makes a scheduler of a few lines.
//!
//! The functions of the manual that it uses (§4.8, §4.9), by their names in C: `lua_sethook` with `LUA_MASKCOUNT`,
//! `luaL_error`, `lua_yield` within a hook, `lua_newthread`, `lua_resume`. A limit by the clock needs another thread of
//! the operating system, or a signal, and an `Interrupter`.
//!
//! Run it with `cargo run -p perilune-vm --example instruction_limit`.

use perilune_alloc_adapters::System;
use perilune_vm::{HookEvent, LoadMode, Lua, LuaResult, LuaState, MASK_COUNT, MULTRET, Status};

/// The hook that ends a script. From now on each instruction raises the error again, so that a script which catches it
/// gets no further.
fn stop(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    lua.set_hook(Some(stop), MASK_COUNT, 1);
    Err(lua.raise(format_args!("too many instructions")))
}

/// The hook that suspends a script, unless a native function is waiting for it that cannot be suspended.
fn suspend(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
    if lua.can_yield() { lua.yield_values(0).map(|_| ()) } else { Ok(()) }
}

/// Runs a chunk for at most `limit` instructions of Lua. What a native function does counts as one, and a coroutine that
/// the script makes has the same hook but a count of its own.
fn run_limited(lua: &mut LuaState, chunk: &str, limit: i32) -> Status {
    let status = lua.load_bytes(chunk.as_bytes(), b"=limited", LoadMode::TEXT);
    assert_eq!(status, Status::Ok);
    lua.set_hook(Some(stop), MASK_COUNT, limit);
    let status = lua.pcall(0, 1, 0);
    lua.set_hook(None, 0, 0);
    status
}

/// `pcall (f, ...)`, as the standard library has it.
fn pcall(lua: &mut LuaState) -> LuaResult<usize> {
    lua.pcall_then(lua.get_top() as usize - 1, MULTRET, 0, 0, |lua, status, _| {
        lua.push_boolean(status == Status::Ok)?;
        lua.insert(1);
        Ok(lua.get_top() as usize)
    })
}

/// A chunk as a coroutine that is suspended every 100 instructions; it stays on the stack, at the index that comes back.
fn spawn(lua: &mut LuaState, chunk: &str) -> LuaResult<i32> {
    lua.new_thread()?;
    lua.with_thread(-1, |task| {
        assert_eq!(task.load_bytes(chunk.as_bytes(), b"=task", LoadMode::TEXT), Status::Ok);
        task.set_hook(Some(suspend), MASK_COUNT, 100);
    })?;
    Ok(lua.get_top())
}

/// Runs all tasks in turn until each has come to its end. Returns their results, and the rounds that they took, in the
/// order of the ends.
fn run_all(lua: &mut LuaState, mut tasks: Vec<i32>) -> LuaResult<Vec<(i64, usize)>> {
    let mut ended = Vec::new();
    let mut round = 0;
    while !tasks.is_empty() {
        round += 1;
        for index in core::mem::take(&mut tasks) {
            let (status, result) = lua.with_thread(index, |task| {
                let status = task.resume(None, 0);
                assert!(!status.is_error(), "{:?}", task.str_at(-1).map(String::from_utf8_lossy));
                (status, task.to_integer(-1).unwrap_or(0))
            })?;
            match status {
                Status::Yield => tasks.push(index),
                _ => ended.push((result, round)),
            }
        }
    }
    Ok(ended)
}

/// Scripts that would not end, of which the last tries to get away.
const ENDLESS: [&str; 3] = [
    "while true do end",
    "local function f() return f() end f()",
    "while true do pcall(function() while true do end end) end",
];

fn main() -> LuaResult<()> {
    let mut lua = Lua::new(System)?;
    lua.register("pcall", pcall)?;

    // A limit ends what would not end, wherever it is, and the state can be used again.
    let modest = "local sum = 0 for i = 1, 1000 do sum = sum + i end return sum";
    assert_eq!(run_limited(&mut lua, modest, 10_000), Status::Ok);
    assert_eq!(lua.to_integer(-1), Some(500_500));
    for endless in ENDLESS {
        assert_eq!(run_limited(&mut lua, endless, 1_000_000), Status::ErrRun);
        println!("{endless}\n    {}", String::from_utf8_lossy(lua.str_at(-1).unwrap_or_default()));
        assert_eq!(lua.str_at(-1), Some(&b"limited:1: too many instructions"[..]));
    }
    lua.set_top(0)?;

    // Three tasks that know nothing of each other, and of which none gives way by itself. The shortest ends first,
    // although it begins last: each takes as many rounds as it has hundreds of instructions.
    let mut tasks = Vec::new();
    for n in [3000, 300, 100] {
        tasks.push(spawn(&mut lua, &format!("local sum = 0 for i = 1, {n} do sum = sum + 1 end return sum"))?);
    }
    let ended = run_all(&mut lua, tasks)?;
    for (result, rounds) in &ended {
        println!("a task ended with {result} after {rounds} rounds");
    }
    assert_eq!(ended.iter().map(|&(result, _)| result).collect::<Vec<_>>(), [100, 300, 3000]);
    Ok(())
}
