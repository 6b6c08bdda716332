//! What the state machine of threads has found, in short.

use perilune_alloc_adapters::{Checking, System};
use perilune_vm::{HookEvent, LoadMode, Lua, LuaResult, LuaState, MASK_LINE, Status, testing};

/// `mark()`: runs the collector until everything reachable has been marked, and stops there.
fn mark(lua: &mut LuaState) -> LuaResult<usize> {
    testing::run_collector_to(lua, testing::Phase::Atomic);
    Ok(0)
}

/// `check()`: checks the heap.
fn check(lua: &mut LuaState) -> LuaResult<usize> {
    testing::check_memory(lua);
    Ok(0)
}

/// `resume_and_fail(co)`: resumes a coroutine without Rust stack, and when it has ended, forgets it, collects it, and fails.
fn resume_and_fail(lua: &mut LuaState) -> LuaResult<usize> {
    fn fail(lua: &mut LuaState, _status: Status, _ctx: isize) -> LuaResult<usize> {
        lua.set_top(0)?;
        lua.gc_collect()?;
        Err(lua.raise(format_args!("after the end")))
    }
    match lua.to_thread(1) {
        Some(co) => lua.resume_then(co, 0, 0, fail),
        None => Err(lua.arg_error(1, "thread expected")),
    }
}

/// `hook_next_line()`: at the next line, a hook takes off more than it has, and calls.
fn hook_next_line(lua: &mut LuaState) -> LuaResult<usize> {
    fn hook(lua: &mut LuaState, _: &HookEvent) -> LuaResult<()> {
        lua.set_hook(None, 0, 0);
        lua.set_top(1)?;
        lua.push_native(check)?;
        lua.call(0, 0)
    }
    lua.set_hook(Some(hook), MASK_LINE, 0);
    Ok(0)
}

/// Runs a script in a state of its own, whose memory is checked.
fn run(script: &str) {
    let memory = Checking::recording(System);
    {
        let mut lua = Lua::with_seed(&memory, 1).expect("a state");
        perilune_stdlib::open_libs(&mut lua).expect("libraries");
        lua.register("mark", mark).expect("a global");
        lua.register("check", check).expect("a global");
        lua.register("hook_next_line", hook_next_line).expect("a global");
        lua.register("resume_and_fail", resume_and_fail).expect("a global");
        assert_eq!(lua.load_bytes(script.as_bytes(), b"=script", LoadMode::TEXT), Status::Ok);
        let status = lua.pcall(0, 0, 0);
        let message = String::from_utf8_lossy(lua.str_at(-1).unwrap_or(b"")).into_owned();
        assert_eq!(status, Status::Ok, "{message}");
        testing::check_memory(&lua);
    }
    assert_eq!(memory.violations(), []);
    assert_eq!(memory.leaks().blocks, 0);
}

/// An open upvalue that has been reached is gray. It stayed so when it was closed, and stores into it then met no barrier: what
/// was stored was freed.
#[test]
fn a_closed_upvalue_keeps_what_is_stored_into_it() {
    run("
        local function make()
            local value
            local function set(x) value = x end
            local function get() return value end
            keep = {set, get}
            mark()
            return set, get
        end
        collectgarbage('stop')
        local set, get = make()
        set({'a new table'})
        check()
        collectgarbage()
        for _ = 1, 100 do local _ = {'another table'} end
        assert(get()[1] == 'a new table')
    ");
}

/// A coroutine ends within the interpreter's loop; what it was resumed by goes on in the same step, lets it be collected, and raises an
/// error. That was noted by way of the coroutine.
#[test]
fn an_error_after_the_end_of_a_collected_coroutine() {
    run("
        for _, body in ipairs {function() end, function() return 1 end, function() return 1, 2 end} do
            local ok, message = pcall(resume_and_fail, coroutine.create(body))
            assert(not ok and message:find('after the end'), message)
        end
    ");
}

/// To a hook the registers of the function that it interrupts are its own. When it took them off and called, the frame lay over
/// variables that closures still referred to, and these could write into it.
#[test]
fn a_call_of_a_hook_over_captured_variables() {
    run("
        local a, b = 1, 2
        local function set(value) b = value end
        hook_next_line()
        local c = 3
        set(c)
        check()
    ");
}
